#include "tensor/quant/iq2_xxs.h"

#include "tensor/quant/block.h"
#include "tensor/quant/grids.h"

namespace quern {

void decode_iq2_xxs(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const auto b = load_block<BlockIQ2_XXS>(from, i);
        const float d = f16_to_f32(b.d);
        for (int group = 0; group < 8; ++group) {
            std::uint32_t word;
            std::memcpy(&word, b.qs + 8 * group + 4, sizeof word);
            const float scale = d * (static_cast<float>(word >> 28) + 0.5f) * 0.25f;
            for (int k = 0; k < 4; ++k, to += 8)
                signed_row(iq2_xxs_grid[b.qs[8 * group + k]], even_signs((word >> (7 * k)) & 127u), scale, to);
        }
    }
}

}  // namespace quern
