// GGUF metadata: named values of exact types, in file order. Asking for a key with the wrong type is an Error naming
// the key, what it has and what was wanted; nothing is converted silently, except that any integer type that holds the
// value is accepted where an integer is wanted (writers differ in width and sign). Specification: the GGUF document of
// the ggml project. Knows nothing of tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace quern::gguf {

// GGUF's value type numbers.
enum class ValueType : std::uint32_t {
    u8 = 0,
    i8 = 1,
    u16 = 2,
    i16 = 3,
    u32 = 4,
    i32 = 5,
    f32 = 6,
    boolean = 7,
    string = 8,
    array = 9,
    u64 = 10,
    i64 = 11,
    f64 = 12,
};
const char* name(ValueType type);  // "u32", "string", "array"

struct Array;

// Scalars keep their own type; an array holds values of one element type (arrays of arrays nest).
using Value = std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, float,
                           bool, std::string, Array, std::uint64_t, std::int64_t, double>;

// Element storage by type; `nested` for arrays of arrays.
struct Array {
    ValueType element = ValueType::u8;
    std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
                 std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>, std::vector<float>,
                 std::vector<std::string>, std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>,
                 std::vector<Array>>
        values;  // booleans are stored as u8 with element == boolean
    std::size_t size() const;
    bool operator==(const Array&) const = default;
};

ValueType type_of(const Value& value);

class Metadata {
public:
    const Value* find(std::string_view key) const;
    bool has(std::string_view key) const { return find(key) != nullptr; }

    // The value, or nullopt when the key is absent. Throws Error(bad_file) when it has another type or does not fit.
    std::optional<std::int64_t> integer(std::string_view key) const;
    std::optional<double> number(std::string_view key) const;  // f32 or f64, not an integer
    std::optional<bool> boolean(std::string_view key) const;
    std::optional<std::string_view> string(std::string_view key) const;
    // Arrays by exact element type; integers(): any integer element type. Views live as long as the Metadata.
    std::optional<std::span<const std::string>> strings(std::string_view key) const;
    std::optional<std::span<const float>> floats(std::string_view key) const;
    std::optional<std::vector<std::int64_t>> integers(std::string_view key) const;
    std::optional<std::vector<bool>> booleans(std::string_view key) const;

    // As above, but an absent key is an Error naming it.
    std::int64_t need_integer(std::string_view key) const;
    double need_number(std::string_view key) const;
    std::string_view need_string(std::string_view key) const;

    // Sets or replaces; new keys go to the end. Used by the reader, the writer's callers and tests.
    void set(std::string key, Value value);
    // The same for an array: T is the element's type. Arrays of booleans are set as an Array.
    template <class T>
    void set_array(std::string key, std::vector<T> values);

    struct Entry {
        std::string key;
        Value value;
        bool operator==(const Entry&) const = default;
    };
    std::span<const Entry> entries() const { return entries_; }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
    };

    const Array* array(std::string_view key, std::string_view wanted) const;

    std::vector<Entry> entries_;
    std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> index_;  // of entries_, by key
};

// GGUF's number for the C++ type that holds an element.
template <class T>
constexpr ValueType value_type_of() {
    if constexpr (std::is_same_v<T, std::uint8_t>) return ValueType::u8;
    if constexpr (std::is_same_v<T, std::int8_t>) return ValueType::i8;
    if constexpr (std::is_same_v<T, std::uint16_t>) return ValueType::u16;
    if constexpr (std::is_same_v<T, std::int16_t>) return ValueType::i16;
    if constexpr (std::is_same_v<T, std::uint32_t>) return ValueType::u32;
    if constexpr (std::is_same_v<T, std::int32_t>) return ValueType::i32;
    if constexpr (std::is_same_v<T, float>) return ValueType::f32;
    if constexpr (std::is_same_v<T, bool>) return ValueType::boolean;
    if constexpr (std::is_same_v<T, std::string>) return ValueType::string;
    if constexpr (std::is_same_v<T, Array>) return ValueType::array;
    if constexpr (std::is_same_v<T, std::uint64_t>) return ValueType::u64;
    if constexpr (std::is_same_v<T, std::int64_t>) return ValueType::i64;
    if constexpr (std::is_same_v<T, double>) return ValueType::f64;
}

template <class T>
void Metadata::set_array(std::string key, std::vector<T> values) {
    set(std::move(key), Array{value_type_of<T>(), std::move(values)});
}

}  // namespace quern::gguf
