// mxfp4: 32 weights as e2m1 floats with a common exponent (OCP Microscaling Formats 1.0): w = 2^(e - 127) * f. Nibbles
// as in q4_0. As in other readers of GGUF, e = 255, which the specification calls NaN, is 2^128.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockMXFP4 {
    std::uint8_t e;
    std::uint8_t qs[16];
};
static_assert(sizeof(BlockMXFP4) == 17);

// Twice the value of each e2m1 code: sign, two exponent bits, one mantissa bit. Code 8 is 0 here, not -0.
inline constexpr float e2m1_doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(e - 128), the factor that goes with the doubled values; finite for every e.
constexpr float half_e8m0(std::uint8_t e) {
    return std::bit_cast<float>(e < 2 ? 0x00200000u << e : (std::uint32_t(e) - 1) << 23);
}

void decode_mxfp4(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_mxfp4(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
