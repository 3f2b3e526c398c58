#include "tensor/quant/q5_k.h"

#include <algorithm>

#include "tensor/quant/block.h"
#include "tensor/quant/k_scales.h"
#include "tensor/quant/scale_search.h"

namespace quern {

void decode_q5_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const auto b = load_block<BlockQ5_K>(from, i);
        const KScales k = unpack_k_scales(b.scales);
        const float d = f16_to_f32(b.d), dmin = f16_to_f32(b.dmin);
        for (int sub = 0; sub < 8; ++sub) {
            const float scale = d * static_cast<float>(k.scale[sub]);
            const float min = dmin * static_cast<float>(k.min[sub]);
            const std::uint8_t* qs = b.qs + 32 * (sub / 2);
            const int shift = sub % 2 * 4;
            for (int l = 0; l < 32; ++l) {
                const int q = ((qs[l] >> shift) & 15) | (((b.qh[l] >> sub) & 1) << 4);
                to[32 * sub + l] = scale * static_cast<float>(q) - min;
            }
        }
    }
}

void encode_q5_k(const float* from, std::byte* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, from += 256) {
        AffineBlock found;
        search_affine_block(from, 31, found);
        BlockQ5_K b{.d = found.d, .dmin = found.dmin, .scales = {}, .qh = {}, .qs = {}};
        KScales k;
        std::copy_n(found.scale, 8, k.scale);
        std::copy_n(found.min, 8, k.min);
        pack_k_scales(k, b.scales);
        for (int j = 0; j < 128; ++j) {
            const int low = j / 32 * 64 + j % 32;
            b.qs[j] = static_cast<std::uint8_t>((found.q[low] & 15) | ((found.q[low + 32] & 15) << 4));
        }
        for (int j = 0; j < 256; ++j)
            b.qh[j % 32] = static_cast<std::uint8_t>(b.qh[j % 32] | ((found.q[j] >> 4) << (j / 32)));
        store_block(to, i, b);
    }
}

}  // namespace quern
