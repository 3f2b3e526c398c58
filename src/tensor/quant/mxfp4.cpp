#include "tensor/quant/mxfp4.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_mxfp4(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 32) {
        const auto b = load_block<BlockMXFP4>(from, i);
        const float d = half_e8m0(b.e);
        for (int j = 0; j < 16; ++j) to[j] = d * e2m1_doubled[b.qs[j] & 15];
        for (int j = 0; j < 16; ++j) to[16 + j] = d * e2m1_doubled[b.qs[j] >> 4];
    }
}

namespace {

// The e2m1 code nearest to value / d, of two equally near ones the smaller.
int nearest_e2m1(float value, float d) {
    const float magnitude = std::fabs(value);
    int best = 0;
    float best_error = magnitude;
    for (int code = 1; code < 8; ++code) {
        const float error = std::fabs(d * e2m1_doubled[code] - magnitude);
        best = error < best_error ? code : best;
        best_error = error < best_error ? error : best_error;
    }
    return best != 0 && value < 0.0f ? best + 8 : best;
}

}  // namespace

// The specification's choice of exponent: the largest weight's, less two, which is e2m1's largest.
void encode_mxfp4(const float* from, std::byte* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, from += 32) {
        const int e = f32_to_e8m0(signed_peak(from, 32)) - 2;
        BlockMXFP4 b{.e = static_cast<std::uint8_t>(e < 0 ? 0 : e), .qs = {}};
        const float d = half_e8m0(b.e);
        for (int j = 0; j < 16; ++j)
            b.qs[j] = static_cast<std::uint8_t>(nearest_e2m1(from[j], d) | (nearest_e2m1(from[j + 16], d) << 4));
        store_block(to, i, b);
    }
}

}  // namespace quern
