#include "tensor/quant/iq4_xs.h"

#include "tensor/quant/block.h"
#include "tensor/quant/iq4_nl.h"

namespace quern {

void decode_iq4_xs(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const auto b = load_block<BlockIQ4_XS>(from, i);
        const float d = f16_to_f32(b.d);
        for (int sub = 0; sub < 8; ++sub) {
            const int low = (b.scales_l[sub / 2] >> (sub % 2 * 4)) & 15;
            const int high = (b.scales_h >> (sub * 2)) & 3;
            const float scale = d * static_cast<float>((low | (high << 4)) - 32);
            const std::uint8_t* qs = b.qs + 16 * sub;
            float* out = to + 32 * sub;
            for (int j = 0; j < 16; ++j) out[j] = scale * iq4_values[qs[j] & 15];
            for (int j = 0; j < 16; ++j) out[16 + j] = scale * iq4_values[qs[j] >> 4];
        }
    }
}

}  // namespace quern
