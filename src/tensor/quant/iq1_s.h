// iq1_s: 256 weights, eight by eight from a grid of 2048 ternary vectors (grids.h): w = d * (2 * scale + 1) * (g +
// delta). qh[i] serves 32 weights: four times three high bits of the grid index, three bits of scale, and the sign of
// delta, which is 1/8.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ1_S {
    std::uint16_t d;  // half
    std::uint8_t qs[32];
    std::uint16_t qh[8];
};
static_assert(sizeof(BlockIQ1_S) == 50);

void decode_iq1_s(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
