#include "tensor/quant/q6_k.h"

#include <algorithm>

#include "tensor/quant/block.h"
#include "tensor/quant/scale_search.h"

namespace quern {

void decode_q6_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const auto b = load_block<BlockQ6_K>(from, i);
        const float d = f16_to_f32(b.d);
        for (int sub = 0; sub < 16; ++sub) {
            const int half = sub / 8, run = sub % 8 / 2, start = sub % 2 * 16;
            const float scale = d * static_cast<float>(b.scales[sub]);
            const std::uint8_t* ql = b.ql + 64 * half + 32 * (run % 2) + start;
            const std::uint8_t* qh = b.qh + 32 * half + start;
            const int low = run / 2 * 4, high = run * 2;
            for (int l = 0; l < 16; ++l) {
                const int q = ((ql[l] >> low) & 15) | (((qh[l] >> high) & 3) << 4);
                to[16 * sub + l] = scale * static_cast<float>(q - 32);
            }
        }
    }
}

void encode_q6_k(const float* from, std::byte* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, from += 256) {
        SymmetricBlock found;
        search_symmetric_block(from, found);
        BlockQ6_K b{.ql = {}, .qh = {}, .scales = {}, .d = found.d};
        std::copy_n(found.scale, 16, b.scales);
        for (int j = 0; j < 256; ++j) {
            const int half = j / 128, run = j % 128 / 32, l = j % 32, q = found.q[j] + 32;
            std::uint8_t& low = b.ql[64 * half + 32 * (run % 2) + l];
            std::uint8_t& high = b.qh[32 * half + l];
            low = static_cast<std::uint8_t>(low | ((q & 15) << (run / 2 * 4)));
            high = static_cast<std::uint8_t>(high | ((q >> 4) << (run * 2)));
        }
        store_block(to, i, b);
    }
}

}  // namespace quern
