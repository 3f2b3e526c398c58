// q5_1: 32 weights as 5-bit numbers with a scale and an offset in half: w = d * q + m. Bits as in q5_0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ5_1 {
    std::uint16_t d;  // half
    std::uint16_t m;  // half
    std::uint8_t qh[4];
    std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

void decode_q5_1(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q5_1(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
