// q4_1: 32 weights as 4-bit numbers with a scale and an offset in half: w = d * q + m. Nibbles as in q4_0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ4_1 {
    std::uint16_t d;  // half
    std::uint16_t m;  // half
    std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

void decode_q4_1(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q4_1(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
