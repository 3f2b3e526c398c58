#include "tensor/quant/q8_0.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_q8_0(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 32) {
        const auto b = load_block<BlockQ8_0>(from, i);
        const float d = f16_to_f32(b.d);
        for (int j = 0; j < 32; ++j) to[j] = d * static_cast<float>(b.qs[j]);
    }
}

void encode_q8_0(const float* from, std::byte* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, from += 32) {
        const float d = std::fabs(signed_peak(from, 32)) / 127.0f;
        const float inverse = inverse_or_zero(d);
        BlockQ8_0 b{.d = f32_to_f16(d), .qs = {}};
        for (int j = 0; j < 32; ++j) b.qs[j] = static_cast<std::int8_t>(round_away(from[j] * inverse, 127));
        store_block(to, i, b);
    }
}

}  // namespace quern
