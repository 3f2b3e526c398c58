// Plain elements: f32, f16, bf16 and f8_e4m3 (OCP FP8 without a scale). A "block" is one element, little-endian. The
// conversions are in tensor/half.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

void decode_f32(const std::byte* from, float* to, std::int64_t n) noexcept;
void decode_f16(const std::byte* from, float* to, std::int64_t n) noexcept;
void decode_bf16(const std::byte* from, float* to, std::int64_t n) noexcept;
void decode_f8_e4m3(const std::byte* from, float* to, std::int64_t n) noexcept;

void encode_f32(const float* from, std::byte* to, std::int64_t n) noexcept;
void encode_f16(const float* from, std::byte* to, std::int64_t n) noexcept;
void encode_bf16(const float* from, std::byte* to, std::int64_t n) noexcept;
void encode_f8_e4m3(const float* from, std::byte* to, std::int64_t n) noexcept;

}  // namespace quern
