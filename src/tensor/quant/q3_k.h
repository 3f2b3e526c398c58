// q3_k: 256 weights as 3-bit numbers in 16 sub-blocks of 16: w = d * (scale - 32) * (q - 4). The low two bits stand as
// in q2_k; bit i of hmask[l] is the third of weight 32 * i + l. The sixteen 6-bit scales: the low four bits of scale i
// are nibble i / 8 of byte i % 8, the high two are pair i / 4 of byte 8 + i % 4.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ3_K {
    std::uint8_t hmask[32];
    std::uint8_t qs[64];
    std::uint8_t scales[12];
    std::uint16_t d;  // half
};
static_assert(sizeof(BlockQ3_K) == 110);

void decode_q3_k(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
