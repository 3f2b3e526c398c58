// What the offered tools say about their parameters, as far as reading calls needs it: which parameters there are, and
// of which JSON types. Notations that write parameters as bare text need it to tell the text 5 from the number. Knows
// JSON Schema only that far; what it does not understand may be anything.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"

namespace quern::text {

enum class JsonType : std::uint8_t { string = 1, number = 2, boolean = 4, null = 8, array = 16, object = 32 };

// A set of types.
class JsonTypes {
public:
    static JsonTypes any() { return JsonTypes(63); }
    JsonTypes() = default;
    JsonTypes(JsonType type) : bits_(static_cast<std::uint8_t>(type)) {}
    JsonTypes operator|(JsonTypes o) const { return JsonTypes(bits_ | o.bits_); }
    JsonTypes operator&(JsonTypes o) const { return JsonTypes(bits_ & o.bits_); }
    bool has(JsonType type) const { return (bits_ & static_cast<std::uint8_t>(type)) != 0; }
    bool empty() const { return bits_ == 0; }
    bool operator==(const JsonTypes&) const = default;

private:
    explicit JsonTypes(int bits) : bits_(static_cast<std::uint8_t>(bits)) {}
    std::uint8_t bits_ = 0;
};

// Which types a schema allows: "type", "enum", "const", "anyOf", "oneOf" and "nullable" are read.
JsonTypes types_of_schema(const Json& schema);

class ToolTypes {
public:
    // A tool and the JSON Schema of its arguments; anything but an object is a tool of unknown parameters.
    void add(std::string name, const Json& schema);

    bool empty() const { return tools_.empty(); }
    bool knows(std::string_view tool) const { return tools_.find(tool) != tools_.end(); }
    // any() for what is not known.
    JsonTypes of(std::string_view tool, std::string_view parameter) const;

private:
    using Parameters = std::map<std::string, JsonTypes, std::less<>>;
    std::map<std::string, Parameters, std::less<>> tools_;
};

}  // namespace quern::text
