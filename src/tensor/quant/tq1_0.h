// tq1_0: 256 ternary weights, five to a byte: w = d * (t - 1). A byte is a fraction of 256 whose digits in base 3 are
// the weights, most significant first. The first 32 bytes hold weights 0..159, 32 for each digit; the next 16 hold
// 160..239; qh has four digits a byte.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockTQ1_0 {
    std::uint8_t qs[48];
    std::uint8_t qh[4];
    std::uint16_t d;  // half
};
static_assert(sizeof(BlockTQ1_0) == 54);

void decode_tq1_0(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
