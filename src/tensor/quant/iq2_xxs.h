// iq2_xxs: 256 weights, eight by eight from a grid of 256 vectors (grids.h): w = d * (scale + 1/2) / 4 * g * sign. Each
// 32 weights have eight bytes: four grid indices, then a 32-bit word with four 7-bit sign patterns (grids.h) and a
// 4-bit scale on top.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ2_XXS {
    std::uint16_t d;  // half
    std::uint8_t qs[64];
};
static_assert(sizeof(BlockIQ2_XXS) == 66);

void decode_iq2_xxs(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
