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

}  // namespace quern
