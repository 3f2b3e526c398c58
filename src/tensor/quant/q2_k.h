// q2_k: 256 weights as 2-bit numbers in 16 sub-blocks of 16: w = d * scale * q - dmin * min, the scale in the low and
// the min in the high nibble of scales[sub]. Byte l of each 32 bytes of qs holds weights l, l + 32, l + 64 and l + 96
// of a half of the block, lowest bits first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ2_K {
    std::uint8_t scales[16];
    std::uint8_t qs[64];
    std::uint16_t d;     // half
    std::uint16_t dmin;  // half
};
static_assert(sizeof(BlockQ2_K) == 84);

void decode_q2_k(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
