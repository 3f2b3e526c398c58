#include "tensor/quant/q5_1.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_q5_1(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 32) {
        const auto b = load_block<BlockQ5_1>(from, i);
        const float d = f16_to_f32(b.d), m = f16_to_f32(b.m);
        std::uint8_t fifth[32];
        get_fifth_bits(b.qh, fifth);
        for (int j = 0; j < 16; ++j) to[j] = d * static_cast<float>((b.qs[j] & 15) | fifth[j]) + m;
        for (int j = 0; j < 16; ++j) to[16 + j] = d * static_cast<float>((b.qs[j] >> 4) | fifth[16 + j]) + m;
    }
}

void encode_q5_1(const float* from, std::byte* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, from += 32) {
        const Range range = range_of(from, 32);
        const float d = (range.high - range.low) / 31.0f;
        const float inverse = inverse_or_zero(d);
        BlockQ5_1 b{.d = f32_to_f16(d), .m = f32_to_f16(range.low), .qh = {}, .qs = {}};
        for (int j = 0; j < 32; ++j) {
            const int q = clamped_int((from[j] - range.low) * inverse + 0.5f, 0.0f, 31.0f);
            put_five_bits(b.qs, b.qh, j, q);
        }
        store_block(to, i, b);
    }
}

}  // namespace quern
