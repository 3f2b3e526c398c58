// q4_0: 32 weights as 4-bit numbers, one half scale: w = d * (q - 8). Weight j is the low nibble of byte j, weight j +
// 16 the high one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ4_0 {
    std::uint16_t d;  // half
    std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

void decode_q4_0(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q4_0(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
