// A JSON object from outside, asked for its fields by name and type. A field that is null counts as absent, as it does
// for the programs that write these files. Everything that was asked for is remembered, so that in the end what nobody
// knows can be refused. Errors name the file and the field.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace quern::convert {

// JSON with any number of fields in time that does not grow with their square (base/json.h keeps the fields of an
// object in a list and looks through it for each new one). Fields come out sorted. Throws Error(bad_file).
Json parse_fields(std::string_view text, std::string_view what);

class Fields {
public:
    // `where` names the object in sentences ("config.json"). Keeps a reference to the object. Throws Error(bad_file)
    // when it is no object.
    Fields(const Json& object, std::string where);

    const std::string& where() const { return where_; }
    // The field, or null when it is absent or null.
    const Json* find(std::string_view key);
    bool written(std::string_view key);  // also as null

    std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
    std::int64_t need_integer(std::string_view key, std::int64_t least, std::int64_t most);
    std::optional<double> number(std::string_view key);    // finite
    std::optional<double> positive(std::string_view key);  // more than 0
    double need_positive(std::string_view key);
    std::optional<bool> boolean(std::string_view key);
    std::optional<std::string> string(std::string_view key);
    std::optional<std::vector<double>> numbers(std::string_view key);  // finite
    std::optional<std::vector<std::string>> strings(std::string_view key);
    std::optional<Fields> object(std::string_view key);

    // Throws Error(unsupported) naming the first field that was never asked for, is not among the `harmless` and holds
    // something: null, false and empty lists cannot turn anything on.
    void refuse_unknown(std::span<const std::string_view> harmless) const;

private:
    [[noreturn]] void wrong(std::string_view key, const Json& found, std::string_view expected) const;

    const Json* object_;
    std::string where_;
    std::set<std::string, std::less<>> known_;
};

}  // namespace quern::convert
