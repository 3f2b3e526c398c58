// q4_k: 256 weights as 4-bit numbers in 8 sub-blocks of 32: w = d * scale * q - dmin * min, with 6-bit scales and mins
// (k_scales.h). Each 32 bytes of qs hold two sub-blocks, one in the low and one in the high nibbles.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ4_K {
    std::uint16_t d;     // half
    std::uint16_t dmin;  // half
    std::uint8_t scales[12];
    std::uint8_t qs[128];
};
static_assert(sizeof(BlockQ4_K) == 144);

void decode_q4_k(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q4_k(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
