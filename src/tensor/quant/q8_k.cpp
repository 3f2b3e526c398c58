#include "tensor/quant/q8_k.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_q8_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const auto b = load_block<BlockQ8_K>(from, i);
        for (int j = 0; j < 256; ++j) to[j] = b.d * static_cast<float>(b.qs[j]);
    }
}

// The weight of largest magnitude (the first of equals) becomes -127 exactly.
void encode_q8_k(const float* from, std::byte* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, from += 256) {
        BlockQ8_K b{.d = signed_peak(from, 256) / -127.0f, .qs = {}, .sums = {}};
        const float inverse = inverse_or_zero(b.d);
        for (int j = 0; j < 256; ++j) b.qs[j] = static_cast<std::int8_t>(round_away(from[j] * inverse, 127));
        for (int j = 0; j < 256; ++j) b.sums[j / 16] = static_cast<std::int16_t>(b.sums[j / 16] + b.qs[j]);
        store_block(to, i, b);
    }
}

}  // namespace quern
