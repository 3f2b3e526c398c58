// q5_0: 32 weights as 5-bit numbers, one half scale: w = d * (q - 16). The low four bits stand as in q4_0; bit j of qh,
// read as a little-endian 32-bit number, is the fifth of weight j.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ5_0 {
    std::uint16_t d;  // half
    std::uint8_t qh[4];
    std::uint8_t qs[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

void decode_q5_0(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q5_0(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
