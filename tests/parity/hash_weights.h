// Weights from an integer hash, the C++ half of hash_weights.py: both languages get equal bits, so that tests/parity
// stores configurations and logits only. The rule is written out in hash_weights.py and README.md; change all three.
// Knows nothing of models or files: a name, a seed and an index give a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace quern::parity {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;

// The stream of one tensor: what its name and the case's seed amount to.
constexpr std::uint64_t weight_key(std::string_view tensor, std::uint64_t seed) {
    return splitmix64(fnv1a(tensor) + seed * golden);
}

// The 24 random bits of element `index` (row-major, from 0).
constexpr std::uint32_t weight_bits(std::uint64_t key, std::uint64_t index) {
    return static_cast<std::uint32_t>(splitmix64(key + index * golden) >> 40);
}

// offset + scale * u with u uniform in [-1, 1). Exactly two roundings to float32, so build with -ffp-contract=off.
inline float weight_value(std::uint64_t key, std::uint64_t index, float offset, float scale) {
    const auto centred = static_cast<std::int32_t>(weight_bits(key, index)) - (1 << 23);
    const float u = static_cast<float>(centred) * 0x1p-23f;
    const float product = scale * u;
    return offset + product;
}

// All elements of a tensor.
inline std::vector<float> weight_values(std::string_view tensor, std::uint64_t seed, std::size_t count, float offset,
                                        float scale) {
    const std::uint64_t key = weight_key(tensor, seed);
    std::vector<float> out(count);
    for (std::size_t i = 0; i < count; ++i) out[i] = weight_value(key, i, offset, scale);
    return out;
}

}  // namespace quern::parity
