// iq3_s: 256 weights, four by four from a grid of 512 vectors (grids.h): w = d * (2 * scale + 1) * g * sign, a 4-bit
// scale for each 32 weights, all signs stored. Bit i of qh is the high bit of grid index i.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ3_S {
    std::uint16_t d;  // half
    std::uint8_t qs[64];
    std::uint8_t qh[8];
    std::uint8_t signs[32];
    std::uint8_t scales[4];
};
static_assert(sizeof(BlockIQ3_S) == 110);

void decode_iq3_s(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
