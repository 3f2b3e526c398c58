#include "tensor/quant/q2_k.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_q2_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const auto b = load_block<BlockQ2_K>(from, i);
        const float d = f16_to_f32(b.d), dmin = f16_to_f32(b.dmin);
        for (int sub = 0; sub < 16; ++sub) {
            const float scale = d * static_cast<float>(b.scales[sub] & 15);
            const float min = dmin * static_cast<float>(b.scales[sub] >> 4);
            const std::uint8_t* qs = b.qs + 32 * (sub / 8) + 16 * (sub % 2);
            const int shift = sub % 8 / 2 * 2;
            for (int l = 0; l < 16; ++l) to[16 * sub + l] = scale * static_cast<float>((qs[l] >> shift) & 3) - min;
        }
    }
}

}  // namespace quern
