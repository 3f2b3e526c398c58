// tq2_0: 256 ternary weights as 2-bit numbers: w = d * (q - 1). Bits as in q2_k.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockTQ2_0 {
    std::uint8_t qs[64];
    std::uint16_t d;  // half
};
static_assert(sizeof(BlockTQ2_0) == 66);

void decode_tq2_0(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
