#include "tensor/quant/tq2_0.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_tq2_0(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const auto b = load_block<BlockTQ2_0>(from, i);
        const float d = f16_to_f32(b.d);
        for (int run = 0; run < 8; ++run) {
            const std::uint8_t* qs = b.qs + 32 * (run / 4);
            const int shift = run % 4 * 2;
            for (int l = 0; l < 32; ++l) to[32 * run + l] = d * static_cast<float>(((qs[l] >> shift) & 3) - 1);
        }
    }
}

}  // namespace quern
