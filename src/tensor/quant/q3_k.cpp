#include "tensor/quant/q3_k.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_q3_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const auto b = load_block<BlockQ3_K>(from, i);
        const float d = f16_to_f32(b.d);
        for (int sub = 0; sub < 16; ++sub) {
            const int low = (b.scales[sub % 8] >> (sub / 8 * 4)) & 15;
            const int high = (b.scales[8 + sub % 4] >> (sub / 4 * 2)) & 3;
            const float scale = d * static_cast<float>((low | (high << 4)) - 32);
            const std::uint8_t* qs = b.qs + 32 * (sub / 8) + 16 * (sub % 2);
            const std::uint8_t* hmask = b.hmask + 16 * (sub % 2);
            const int shift = sub % 8 / 2 * 2, third = sub / 2;
            for (int l = 0; l < 16; ++l) {
                const int q = ((qs[l] >> shift) & 3) | (((hmask[l] >> third) & 1) << 2);
                to[16 * sub + l] = scale * static_cast<float>(q - 4);
            }
        }
    }
}

}  // namespace quern
