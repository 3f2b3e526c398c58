// iq2_xs: as iq2_xxs with a grid of 512 vectors: each word of qs has nine bits of grid index and a 7-bit sign pattern,
// and each 16 weights have a 4-bit scale.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ2_XS {
    std::uint16_t d;  // half
    std::uint16_t qs[32];
    std::uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2_XS) == 74);

void decode_iq2_xs(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
