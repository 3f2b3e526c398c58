// What the block formats share: reading and writing a block at any address, and rounding to a bounded integer. For the
// files of this folder; everybody else calls through codec.h or rows.h.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/half.h"

namespace quern {

// Block `index` of a run of blocks. A copy, since stored blocks have odd sizes and stand at odd addresses.
template <class Block>
Block load_block(const std::byte* from, std::int64_t index) {
    Block block;
    std::memcpy(&block, from + index * std::int64_t(sizeof(Block)), sizeof(Block));
    return block;
}

template <class Block>
void store_block(std::byte* to, std::int64_t index, const Block& block) {
    std::memcpy(to + index * std::int64_t(sizeof(Block)), &block, sizeof(Block));
}

// Towards zero, after clamping to [low, high]; NaN gives low, so that no input is undefined behaviour.
inline int clamped_int(float value, float low, float high) {
    const float above = value > low ? value : low;
    return static_cast<int>(above < high ? above : high);
}

// To the nearest integer, halves away from zero, within [-limit, limit]; NaN gives -limit.
inline int round_away(float value, int limit) {
    const int whole = clamped_int(value, -static_cast<float>(limit), static_cast<float>(limit));
    const float rest = value - static_cast<float>(whole);
    const int step = (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
    const int rounded = whole + step;
    return rounded > limit ? limit : rounded < -limit ? -limit : rounded;
}

// 1 / value, or 0 where that would not be a number to multiply with.
inline float inverse_or_zero(float value) { return value == 0.0f ? 0.0f : 1.0f / value; }

// The value of largest magnitude with its sign, the first of equals (so a block of zeros gives its first zero). NaN
// never counts.
inline float signed_peak(const float* x, int n) {
    float peak = x[0] == 0.0f ? x[0] : 0.0f, magnitude = 0.0f;
    for (int j = 0; j < n; ++j) {
        const float a = std::fabs(x[j]);
        peak = a > magnitude ? x[j] : peak;
        magnitude = a > magnitude ? a : magnitude;
    }
    return peak;
}

struct Range {
    float low, high;
};

inline Range range_of(const float* x, int n) {
    Range r{x[0], x[0]};
    for (int j = 1; j < n; ++j) {
        r.low = x[j] < r.low ? x[j] : r.low;
        r.high = x[j] > r.high ? x[j] : r.high;
    }
    return r;
}

// The bits of q5_0 and q5_1: nibbles of weight j and j + 16 in byte j of qs, the fifth bit of weight j in bit j of qh.
inline void put_five_bits(std::uint8_t (&qs)[16], std::uint8_t (&qh)[4], int j, int q) {
    const int shift = j < 16 ? 0 : 4;
    qs[j % 16] = static_cast<std::uint8_t>(qs[j % 16] | ((q & 15) << shift));
    qh[j / 8] = static_cast<std::uint8_t>(qh[j / 8] | ((q >> 4) << (j % 8)));
}

// The fifth bit of each weight in its place, 16 or 0.
inline void get_fifth_bits(const std::uint8_t (&qh)[4], std::uint8_t (&out)[32]) {
    for (int byte = 0; byte < 4; ++byte)
        for (int bit = 0; bit < 8; ++bit) out[8 * byte + bit] = (qh[byte] & (1 << bit)) != 0 ? 16 : 0;
}

}  // namespace quern
