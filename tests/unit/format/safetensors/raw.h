// safetensors files built byte by byte, so that tests can also build those that no writer would write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace quern::safetensors::raw {

inline std::string length(std::uint64_t n) { return std::string(reinterpret_cast<const char*>(&n), 8); }

// A file of this header and so many bytes of data.
inline std::string file(std::string_view header, std::size_t data) {
    std::string out = length(header.size()) + std::string(header);
    for (std::size_t i = 0; i < data; ++i) out += static_cast<char>(i * 7);
    return out;
}

inline std::span<const std::byte> bytes(std::string_view s) { return std::as_bytes(std::span(s.data(), s.size())); }

}  // namespace quern::safetensors::raw
