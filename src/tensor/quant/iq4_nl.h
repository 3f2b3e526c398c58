// iq4_nl: 32 weights as indices into sixteen unevenly spaced values, one half scale: w = d * value[q]. Nibbles as in
// q4_0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ4_NL {
    std::uint16_t d;  // half
    std::uint8_t qs[16];
};
static_assert(sizeof(BlockIQ4_NL) == 18);

// Floats, since that is what they are multiplied as.
inline constexpr float iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

void decode_iq4_nl(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
