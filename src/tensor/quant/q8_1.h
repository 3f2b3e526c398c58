// q8_1: q8_0 with the sum of the weights beside the scale, for dot products with formats that have an offset. A format
// of activations; both numbers are halves, 36 bytes in all (an older layout with floats had 40).
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ8_1 {
    std::uint16_t d;  // half
    std::uint16_t s;  // half: d times the sum of qs
    std::int8_t qs[32];
};
static_assert(sizeof(BlockQ8_1) == 36);

void decode_q8_1(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q8_1(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
