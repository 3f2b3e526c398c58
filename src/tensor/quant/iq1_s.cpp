#include "tensor/quant/iq1_s.h"

#include "tensor/quant/block.h"
#include "tensor/quant/grids.h"

namespace quern {

void decode_iq1_s(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const auto b = load_block<BlockIQ1_S>(from, i);
        const float d = f16_to_f32(b.d);
        for (int k = 0; k < 32; ++k, to += 8) {
            const unsigned h = b.qh[k / 4];
            const float scale = d * static_cast<float>(2 * ((h >> 12) & 7) + 1);
            const float delta = h & 0x8000u ? -0.125f : 0.125f;
            const auto& row = iq1_grid[b.qs[k] | (((h >> (k % 4 * 3)) & 7u) << 8)];
            for (std::size_t j = 0; j < 8; ++j) to[j] = scale * (static_cast<float>(row[j]) + delta);
        }
    }
}

}  // namespace quern
