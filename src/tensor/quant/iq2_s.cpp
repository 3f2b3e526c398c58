#include "tensor/quant/iq2_s.h"

#include "tensor/quant/block.h"
#include "tensor/quant/grids.h"

namespace quern {

void decode_iq2_s(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const auto b = load_block<BlockIQ2_S>(from, i);
        const float d = f16_to_f32(b.d);
        for (int k = 0; k < 32; ++k, to += 8) {
            const int s = (b.scales[k / 4] >> (k / 2 % 2 * 4)) & 15;
            const float scale = d * (static_cast<float>(s) + 0.5f) * 0.25f;
            const unsigned high = (b.qh[k / 4] >> (k % 4 * 2)) & 3u;
            signed_row(iq2_s_grid[b.qs[k] | (high << 8)], b.signs[k], scale, to);
        }
    }
}

}  // namespace quern
