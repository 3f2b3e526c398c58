#include "tensor/quant/plain.h"

#include <bit>
#include <cstring>

#include "tensor/half.h"
#include "tensor/quant/block.h"

namespace quern {

static_assert(std::endian::native == std::endian::little, "stored weights are read in place");

void decode_f32(const std::byte* from, float* to, std::int64_t n) noexcept {
    if (n > 0) std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
}

void decode_f16(const std::byte* from, float* to, std::int64_t n) noexcept {
    for (std::int64_t i = 0; i < n; ++i) to[i] = f16_to_f32(load_block<std::uint16_t>(from, i));
}

void decode_bf16(const std::byte* from, float* to, std::int64_t n) noexcept {
    for (std::int64_t i = 0; i < n; ++i) to[i] = bf16_to_f32(load_block<std::uint16_t>(from, i));
}

void decode_f8_e4m3(const std::byte* from, float* to, std::int64_t n) noexcept {
    for (std::int64_t i = 0; i < n; ++i) to[i] = e4m3_to_f32(static_cast<std::uint8_t>(from[i]));
}

void encode_f32(const float* from, std::byte* to, std::int64_t n) noexcept {
    if (n > 0) std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
}

void encode_f16(const float* from, std::byte* to, std::int64_t n) noexcept {
    for (std::int64_t i = 0; i < n; ++i) store_block(to, i, f32_to_f16(from[i]));
}

void encode_bf16(const float* from, std::byte* to, std::int64_t n) noexcept {
    for (std::int64_t i = 0; i < n; ++i) store_block(to, i, f32_to_bf16(from[i]));
}

void encode_f8_e4m3(const float* from, std::byte* to, std::int64_t n) noexcept {
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<std::byte>(f32_to_e4m3(from[i]));
}

}  // namespace quern
