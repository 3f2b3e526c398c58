#include "tensor/quant/q4_0.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_q4_0(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 32) {
        const auto b = load_block<BlockQ4_0>(from, i);
        const float d = f16_to_f32(b.d);
        for (int j = 0; j < 16; ++j) to[j] = d * static_cast<float>((b.qs[j] & 15) - 8);
        for (int j = 0; j < 16; ++j) to[16 + j] = d * static_cast<float>((b.qs[j] >> 4) - 8);
    }
}

// The weight of largest magnitude (the first of equals) becomes -8 exactly.
void encode_q4_0(const float* from, std::byte* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, from += 32) {
        const float d = signed_peak(from, 32) / -8.0f;
        const float inverse = inverse_or_zero(d);
        BlockQ4_0 b{.d = f32_to_f16(d), .qs = {}};
        for (int j = 0; j < 16; ++j) {
            const int low = clamped_int(from[j] * inverse + 8.5f, 0.0f, 15.0f);
            const int high = clamped_int(from[j + 16] * inverse + 8.5f, 0.0f, 15.0f);
            b.qs[j] = static_cast<std::uint8_t>(low | (high << 4));
        }
        store_block(to, i, b);
    }
}

}  // namespace quern
