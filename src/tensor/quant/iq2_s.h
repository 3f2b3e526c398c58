// iq2_s: as iq2_xs with a grid of 1024 vectors and all eight signs stored: pair i of qh holds the high bits of grid
// index i.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ2_S {
    std::uint16_t d;  // half
    std::uint8_t qs[32];
    std::uint8_t signs[32];
    std::uint8_t qh[8];
    std::uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2_S) == 82);

void decode_iq2_s(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
