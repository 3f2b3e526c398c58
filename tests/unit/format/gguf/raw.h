// GGUF files built byte by byte, so that tests can also build those that no writer would write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "format/gguf/metadata.h"

namespace quern::gguf::raw {

template <class T>
std::string le(T v) {
    static_assert(std::is_arithmetic_v<T>);
    return std::string(reinterpret_cast<const char*>(&v), sizeof v);
}
inline std::string u32(std::uint32_t v) { return le(v); }
inline std::string u64(std::uint64_t v) { return le(v); }
inline std::string string(std::string_view s) { return u64(s.size()) + std::string(s); }

// A key with its type number and the bytes of its value.
inline std::string kv(std::string_view key, std::uint32_t type, const std::string& value) {
    return string(key) + u32(type) + value;
}
inline std::string kv(std::string_view key, ValueType type, const std::string& value) {
    return kv(key, std::uint32_t(type), value);
}
inline std::string array(ValueType element, std::uint64_t count, const std::string& values) {
    return u32(std::uint32_t(element)) + u64(count) + values;
}

// A tensor info; dims as in the file, innermost first.
inline std::string info(std::string_view name, std::initializer_list<std::uint64_t> dims, std::uint32_t type,
                        std::uint64_t offset) {
    std::string out = string(name) + u32(static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t d : dims) out += u64(d);
    return out + u32(type) + u64(offset);
}

// A whole file: counts as given by the lists, padding to `alignment`, then `data` bytes.
inline std::string file(const std::vector<std::string>& keys, const std::vector<std::string>& tensors = {},
                        std::size_t data = 0, std::uint32_t version = 3, std::size_t alignment = 32) {
    std::string out = "GGUF" + u32(version) + u64(tensors.size()) + u64(keys.size());
    for (const std::string& k : keys) out += k;
    for (const std::string& t : tensors) out += t;
    out.append((alignment - out.size() % alignment) % alignment, '\0');
    for (std::size_t i = 0; i < data; ++i) out += static_cast<char>(i * 7);
    return out;
}

inline std::span<const std::byte> bytes(std::string_view s) { return std::as_bytes(std::span(s.data(), s.size())); }

}  // namespace quern::gguf::raw
