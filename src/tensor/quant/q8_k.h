// q8_k: 256 weights as signed bytes with one float scale: w = d * q, and the sums of each 16 for dot products with
// formats that have an offset. A format of activations.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ8_K {
    float d;
    std::int8_t qs[256];
    std::int16_t sums[16];
};
static_assert(sizeof(BlockQ8_K) == 292);

void decode_q8_k(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q8_k(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
