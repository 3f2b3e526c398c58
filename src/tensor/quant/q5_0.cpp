#include "tensor/quant/q5_0.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_q5_0(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 32) {
        const auto b = load_block<BlockQ5_0>(from, i);
        const float d = f16_to_f32(b.d);
        std::uint8_t fifth[32];
        get_fifth_bits(b.qh, fifth);
        for (int j = 0; j < 16; ++j) to[j] = d * static_cast<float>(((b.qs[j] & 15) | fifth[j]) - 16);
        for (int j = 0; j < 16; ++j) to[16 + j] = d * static_cast<float>(((b.qs[j] >> 4) | fifth[16 + j]) - 16);
    }
}

// The weight of largest magnitude (the first of equals) becomes -16 exactly.
void encode_q5_0(const float* from, std::byte* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, from += 32) {
        const float d = signed_peak(from, 32) / -16.0f;
        const float inverse = inverse_or_zero(d);
        BlockQ5_0 b{.d = f32_to_f16(d), .qh = {}, .qs = {}};
        for (int j = 0; j < 32; ++j) {
            const int q = clamped_int(from[j] * inverse + 16.5f, 0.0f, 31.0f);
            put_five_bits(b.qs, b.qh, j, q);
        }
        store_block(to, i, b);
    }
}

}  // namespace quern
