// iq4_xs: 256 weights in 8 sub-blocks of 32, each laid out as iq4_nl's: w = d * (scale - 32) * value[q]. The low four
// bits of scale i are nibble i of scales_l, the high two pair i of scales_h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ4_XS {
    std::uint16_t d;  // half
    std::uint16_t scales_h;
    std::uint8_t scales_l[4];
    std::uint8_t qs[128];
};
static_assert(sizeof(BlockIQ4_XS) == 136);

void decode_iq4_xs(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
