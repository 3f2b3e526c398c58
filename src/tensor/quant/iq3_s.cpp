#include "tensor/quant/iq3_s.h"

#include "tensor/quant/block.h"
#include "tensor/quant/grids.h"

namespace quern {

void decode_iq3_s(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const auto b = load_block<BlockIQ3_S>(from, i);
        const float d = f16_to_f32(b.d);
        for (int k = 0; k < 32; ++k, to += 8) {
            const int s = (b.scales[k / 8] >> (k / 4 % 2 * 4)) & 15;
            const float scale = d * static_cast<float>(2 * s + 1);
            const unsigned high = unsigned(b.qh[k / 4]) >> (k % 4 * 2);
            signed_rows(iq3_s_grid[b.qs[2 * k] | ((high & 1u) << 8)],
                        iq3_s_grid[b.qs[2 * k + 1] | (((high >> 1) & 1u) << 8)], b.signs[k], scale, to);
        }
    }
}

}  // namespace quern
