// q6_k: 256 weights as 6-bit numbers in 16 sub-blocks of 16: w = d * scale * (q - 32), the scales signed bytes. In each
// half of the block, with l < 32, weight 32 * j + l takes its low bits from nibble j / 2 of ql[32 * (j % 2) + l] and
// its high ones from pair j of qh[l].
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ6_K {
    std::uint8_t ql[128];
    std::uint8_t qh[64];
    std::int8_t scales[16];
    std::uint16_t d;  // half
};
static_assert(sizeof(BlockQ6_K) == 210);

void decode_q6_k(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q6_k(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
