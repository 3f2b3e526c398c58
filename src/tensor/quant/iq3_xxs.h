// iq3_xxs: 256 weights, four by four from a grid of 256 vectors (grids.h): w = d * (scale + 1/2) / 2 * g * sign. Each
// 32 weights have eight grid indices and a 32-bit word with four 7-bit sign patterns (grids.h) and a 4-bit scale on
// top.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ3_XXS {
    std::uint16_t d;  // half
    std::uint8_t qs[64];
    std::uint8_t signs[32];  // eight little-endian words
};
static_assert(sizeof(BlockIQ3_XXS) == 98);

void decode_iq3_xxs(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
