#include "convert/fields.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "convert/tree.h"
#include "format/shown.h"

namespace quern::convert {
namespace {

// A value as it may stand in a sentence.
std::string short_text(const Json& value) {
    if (value.is_object()) return "an object";
    if (value.is_array()) return "a list";
    return shown(value.dump(-1, ' ', true, Json::error_handler_t::replace));
}

bool turns_nothing_on(const Json& value) {
    return value.is_null() || (value.is_boolean() && !value.get<bool>()) || (value.is_structured() && value.empty());
}

}  // namespace

Json parse_fields(std::string_view text, std::string_view what) { return parse_tree(text, what); }

Fields::Fields(const Json& object, std::string where) : object_(&object), where_(std::move(where)) {
    if (!object.is_object())
        throw Error(Code::bad_file, "{} is {}, expected an object with fields", where_, short_text(object));
}

void Fields::wrong(std::string_view key, const Json& found, std::string_view expected) const {
    throw Error(Code::bad_file, "{}: {} is {}, expected {}", where_, key, short_text(found), expected);
}

const Json* Fields::find(std::string_view key) {
    known_.emplace(key);
    const auto it = object_->find(key);
    return it == object_->end() || it->is_null() ? nullptr : &*it;
}

bool Fields::written(std::string_view key) {
    known_.emplace(key);
    return object_->contains(key);
}

std::optional<std::int64_t> Fields::integer(std::string_view key, std::int64_t least, std::int64_t most) {
    const Json* v = find(key);
    if (!v) return std::nullopt;
    const bool fits = v->is_number_integer() && !(v->is_number_unsigned() && v->get<std::uint64_t>() > INT64_MAX);
    if (!fits || v->get<std::int64_t>() < least || v->get<std::int64_t>() > most)
        wrong(key, *v, fmt::format("a whole number from {} to {}", least, most));
    return v->get<std::int64_t>();
}

std::int64_t Fields::need_integer(std::string_view key, std::int64_t least, std::int64_t most) {
    if (const auto v = integer(key, least, most)) return *v;
    throw Error(Code::bad_file, "{}: {} is missing; it must be a whole number from {} to {}", where_, key, least, most);
}

std::optional<double> Fields::number(std::string_view key) {
    const Json* v = find(key);
    if (!v) return std::nullopt;
    if (!v->is_number() || !std::isfinite(v->get<double>())) wrong(key, *v, "a number");
    return v->get<double>();
}

std::optional<double> Fields::positive(std::string_view key) {
    const std::optional<double> v = number(key);
    // What is written are 32-bit floats, so a number must be more than 0 as one of them.
    if (v && !(*v > 1e-37 && *v < 1e37)) wrong(key, *find(key), "a number above 0");
    return v;
}

double Fields::need_positive(std::string_view key) {
    if (const auto v = positive(key)) return *v;
    throw Error(Code::bad_file, "{}: {} is missing; it must be a number above 0", where_, key);
}

std::optional<bool> Fields::boolean(std::string_view key) {
    const Json* v = find(key);
    if (!v) return std::nullopt;
    if (!v->is_boolean()) wrong(key, *v, "true or false");
    return v->get<bool>();
}

std::optional<std::string> Fields::string(std::string_view key) {
    const Json* v = find(key);
    if (!v) return std::nullopt;
    if (!v->is_string()) wrong(key, *v, "a string");
    return v->get<std::string>();
}

std::optional<std::vector<double>> Fields::numbers(std::string_view key) {
    const Json* v = find(key);
    if (!v) return std::nullopt;
    const auto good = [](const Json& x) { return x.is_number() && std::isfinite(x.get<double>()); };
    if (!v->is_array() || !std::ranges::all_of(*v, good)) wrong(key, *v, "a list of numbers");
    return v->get<std::vector<double>>();
}

std::optional<std::vector<std::string>> Fields::strings(std::string_view key) {
    const Json* v = find(key);
    if (!v) return std::nullopt;
    if (!v->is_array() || !std::ranges::all_of(*v, [](const Json& x) { return x.is_string(); }))
        wrong(key, *v, "a list of strings");
    return v->get<std::vector<std::string>>();
}

std::optional<Fields> Fields::object(std::string_view key) {
    const Json* v = find(key);
    if (!v) return std::nullopt;
    return Fields(*v, fmt::format("{}: {}", where_, key));
}

void Fields::refuse_unknown(std::span<const std::string_view> harmless) const {
    for (const auto& [key, value] : object_->items()) {
        if (known_.contains(key) || turns_nothing_on(value)) continue;
        if (key.starts_with('_') || std::ranges::find(harmless, key) != harmless.end()) continue;
        throw Error(Code::unsupported,
                    "{}: the field {} is {}, and Quern does not know what it does; if it does not change what the "
                    "model computes, remove it from the file",
                    where_, shown(key), short_text(value));
    }
}

}  // namespace quern::convert
