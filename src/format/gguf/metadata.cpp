#include "format/gguf/metadata.h"

#include <fmt/format.h>

#include <array>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "format/shown.h"

namespace quern::gguf {
namespace {

constexpr std::array type_names{"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                "bool", "string", "array", "u64", "i64", "f64"};

template <class T>
constexpr bool is_integer = std::integral<T> && !std::same_as<T, bool>;

std::string describe(const Value& value) {
    if (const Array* a = std::get_if<Array>(&value)) return fmt::format("an array of {}", name(a->element));
    return name(type_of(value));
}

[[noreturn]] void wrong_type(std::string_view key, const Value& found, std::string_view wanted) {
    throw Error(Code::bad_file, "metadata key {} is {}, but {} is needed; convert the model again", shown(key),
                describe(found), wanted);
}

std::int64_t to_int64(std::integral auto v, std::string_view key) {
    if (!std::in_range<std::int64_t>(v))
        throw Error(Code::bad_file, "metadata key {} is {}, which does not fit in 64 bits with a sign", shown(key), v);
    return static_cast<std::int64_t>(v);
}

template <class T>
T need(std::optional<T> v, std::string_view key) {
    if (!v) throw Error(Code::bad_file, "metadata key {} is missing; convert the model again", shown(key));
    return *v;
}

}  // namespace

const char* name(ValueType type) {
    const auto i = static_cast<std::size_t>(type);
    return i < type_names.size() ? type_names[i] : "unknown type";
}

ValueType type_of(const Value& value) {
    static_assert(std::is_same_v<std::variant_alternative_t<std::size_t(ValueType::string), Value>, std::string>);
    static_assert(std::is_same_v<std::variant_alternative_t<std::size_t(ValueType::f64), Value>, double>);
    return static_cast<ValueType>(value.index());
}

std::size_t Array::size() const {
    return std::visit([](const auto& v) { return v.size(); }, values);
}

const Value* Metadata::find(std::string_view key) const {
    const auto it = index_.find(key);
    return it == index_.end() ? nullptr : &entries_[it->second].value;
}

std::optional<std::int64_t> Metadata::integer(std::string_view key) const {
    const Value* v = find(key);
    if (!v) return std::nullopt;
    return std::visit(
        [&]<class T>(const T& x) -> std::int64_t {
            if constexpr (is_integer<T>)
                return to_int64(x, key);
            else
                wrong_type(key, *v, "an integer");
        },
        *v);
}

std::optional<double> Metadata::number(std::string_view key) const {
    const Value* v = find(key);
    if (!v) return std::nullopt;
    return std::visit(
        [&]<class T>(const T& x) -> double {
            if constexpr (std::floating_point<T>)
                return x;
            else
                wrong_type(key, *v, "f32 or f64");
        },
        *v);
}

std::optional<bool> Metadata::boolean(std::string_view key) const {
    const Value* v = find(key);
    if (!v) return std::nullopt;
    if (const bool* b = std::get_if<bool>(v)) return *b;
    wrong_type(key, *v, "bool");
}

std::optional<std::string_view> Metadata::string(std::string_view key) const {
    const Value* v = find(key);
    if (!v) return std::nullopt;
    if (const std::string* s = std::get_if<std::string>(v)) return *s;
    wrong_type(key, *v, "string");
}

const Array* Metadata::array(std::string_view key, std::string_view wanted) const {
    const Value* v = find(key);
    if (!v) return nullptr;
    if (const Array* a = std::get_if<Array>(v)) return a;
    wrong_type(key, *v, wanted);
}

std::optional<std::span<const std::string>> Metadata::strings(std::string_view key) const {
    const Array* a = array(key, "an array of string");
    if (!a) return std::nullopt;
    if (const auto* v = std::get_if<std::vector<std::string>>(&a->values)) return *v;
    wrong_type(key, *find(key), "an array of string");
}

std::optional<std::span<const float>> Metadata::floats(std::string_view key) const {
    const Array* a = array(key, "an array of f32");
    if (!a) return std::nullopt;
    if (const auto* v = std::get_if<std::vector<float>>(&a->values)) return *v;
    wrong_type(key, *find(key), "an array of f32");
}

std::optional<std::vector<std::int64_t>> Metadata::integers(std::string_view key) const {
    const Array* a = array(key, "an array of integers");
    if (!a) return std::nullopt;
    return std::visit(
        [&]<class T>(const std::vector<T>& values) -> std::vector<std::int64_t> {
            std::vector<std::int64_t> out;
            if constexpr (is_integer<T>) {
                if (a->element != ValueType::boolean) {
                    out.reserve(values.size());
                    for (const T x : values) out.push_back(to_int64(x, key));
                    return out;
                }
            }
            wrong_type(key, *find(key), "an array of integers");
        },
        a->values);
}

std::optional<std::vector<bool>> Metadata::booleans(std::string_view key) const {
    const Array* a = array(key, "an array of bool");
    if (!a) return std::nullopt;
    const auto* v = std::get_if<std::vector<std::uint8_t>>(&a->values);
    if (!v || a->element != ValueType::boolean) wrong_type(key, *find(key), "an array of bool");
    return std::vector<bool>(v->begin(), v->end());
}

std::int64_t Metadata::need_integer(std::string_view key) const { return need(integer(key), key); }
double Metadata::need_number(std::string_view key) const { return need(number(key), key); }
std::string_view Metadata::need_string(std::string_view key) const { return need(string(key), key); }

void Metadata::set(std::string key, Value value) {
    const auto [it, added] = index_.try_emplace(key, entries_.size());
    if (added)
        entries_.push_back({std::move(key), std::move(value)});
    else
        entries_[it->second].value = std::move(value);
}

}  // namespace quern::gguf
