#include "tensor/quant/iq1_m.h"

#include "tensor/quant/block.h"
#include "tensor/quant/grids.h"

namespace quern {

void decode_iq1_m(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const auto b = load_block<BlockIQ1_M>(from, i);
        unsigned half = 0;
        for (int k = 0; k < 4; ++k) half |= unsigned(b.scales[k] >> 12) << (4 * k);
        const float d = f16_to_f32(static_cast<std::uint16_t>(half));
        for (int k = 0; k < 32; ++k, to += 8) {
            const unsigned h = (b.qh[k / 2] >> (k % 2 * 4)) & 15u;
            const unsigned s = (b.scales[k / 8] >> (k / 2 % 4 * 3)) & 7u;
            const float scale = d * static_cast<float>(2 * s + 1);
            const float delta = h & 8u ? -0.125f : 0.125f;
            const auto& row = iq1_grid[b.qs[k] | ((h & 7u) << 8)];
            for (std::size_t j = 0; j < 8; ++j) to[j] = scale * (static_cast<float>(row[j]) + delta);
        }
    }
}

}  // namespace quern
