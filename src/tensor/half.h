// Conversions between float and the small floating formats: f16 (IEEE binary16), bf16, e4m3 (OCP FP8, the "FN" form
// without infinities) and e8m0 (OCP microscaling exponents). Exact in the widening direction, round to nearest even in
// the narrowing one. A NaN stays a NaN and comes out quiet, with its sign and the payload bits that fit. Written with
// selects instead of branches, so that loops over them vectorise; every step is on normal floats, so that a processor
// set to flush subnormals gives the same bits. Knows nothing of blocks: tensor/quant/.
#pragma once

#include <bit>
#include <cstdint>

namespace quern {

// yes or no by mask: given a ternary, compilers put the float arithmetic of the rare case behind a branch, and the loop
// around it no longer vectorises.
constexpr std::uint32_t select_bits(bool condition, std::uint32_t yes, std::uint32_t no) {
    const std::uint32_t mask = 0u - static_cast<std::uint32_t>(condition);
    return (yes & mask) | (no & ~mask);
}

constexpr float f16_to_f32(std::uint16_t h) {
    const std::uint32_t magnitude = h & 0x7fffu;
    const std::uint32_t shifted = magnitude << 13;
    // Below 2^-14 the value is magnitude * 2^-24: a small integer and a power of two, hence exact.
    const auto subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24f);
    const std::uint32_t normal = shifted + (112u << 23);
    const std::uint32_t special = shifted + (224u << 23);
    std::uint32_t bits = select_bits(magnitude < 0x0400u, subnormal, normal);
    bits = select_bits(magnitude >= 0x7c00u, special, bits);
    bits |= select_bits(magnitude > 0x7c00u, 0x00400000u, 0u);
    return std::bit_cast<float>(bits | ((h & 0x8000u) << 16));
}

// Values from 65520 on become infinite.
constexpr std::uint16_t f32_to_f16(float value) {
    const auto all = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t a = all & 0x7fffffffu;
    // Between 0.5 and 1 floats are 2^-24 apart, as half's subnormals are: the sum rounds where half would.
    const std::uint32_t small = select_bits(a < 0x38800000u, a, 0u);
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(std::bit_cast<float>(small) + 0.5f) - 0x3f000000u;
    const std::uint32_t normal = (a - 0x38000000u + 0x0fffu + ((a >> 13) & 1u)) >> 13;
    std::uint32_t half = select_bits(a < 0x38800000u, subnormal, normal);
    half = select_bits(a >= 0x47800000u, 0x7c00u, half);
    half = select_bits(a > 0x7f800000u, 0x7e00u | ((a >> 13) & 0x01ffu), half);
    return static_cast<std::uint16_t>(half | ((all >> 16) & 0x8000u));
}

constexpr float bf16_to_f32(std::uint16_t b) {
    const std::uint32_t quiet = (b & 0x7fffu) > 0x7f80u ? 0x00400000u : 0u;
    return std::bit_cast<float>((std::uint32_t(b) << 16) | quiet);
}

constexpr std::uint16_t f32_to_bf16(float value) {
    const auto all = std::bit_cast<std::uint32_t>(value);
    const bool nan = (all & 0x7fffffffu) > 0x7f800000u;
    const std::uint32_t rounded = (all + 0x7fffu + ((all >> 16) & 1u)) >> 16;
    return static_cast<std::uint16_t>(nan ? (all >> 16) | 0x0040u : rounded);
}

// One sign, four exponent (bias 7) and three mantissa bits; 0x7f and 0xff are the only NaNs, 448 the largest number.
constexpr float e4m3_to_f32(std::uint8_t e) {
    const std::uint32_t magnitude = e & 0x7fu;
    const auto subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-9f);
    const std::uint32_t normal = (magnitude << 20) + (120u << 23);
    std::uint32_t bits = select_bits(magnitude < 8u, subnormal, normal);
    bits = select_bits(magnitude == 0x7fu, 0x7fc00000u, bits);
    return std::bit_cast<float>(bits | ((e & 0x80u) << 24));
}

// Saturates: what is beyond 448, infinity included, becomes 448 (the "SAT" mode of the OCP FP8 specification).
constexpr std::uint8_t f32_to_e4m3(float value) {
    const auto all = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t a = all & 0x7fffffffu;
    // Between 2^14 and 2^15 floats are 2^-9 apart, as e4m3's subnormals are.
    const std::uint32_t small = select_bits(a < 0x3c800000u, a, 0u);
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(std::bit_cast<float>(small) + 0x1p14f) - 0x46800000u;
    const std::uint32_t normal = (a - 0x3c000000u + 0x7ffffu + ((a >> 20) & 1u)) >> 20;
    std::uint32_t bits = select_bits(a < 0x3c800000u, subnormal, normal);
    bits = select_bits(a > 0x43e00000u, 0x7eu, bits);
    bits = select_bits(a > 0x7f800000u, 0x7fu, bits);
    return static_cast<std::uint8_t>(bits | ((all >> 24) & 0x80u));
}

// 2^(e - 127); 255 is NaN.
constexpr float e8m0_to_f32(std::uint8_t e) {
    std::uint32_t bits = e == 0 ? 0x00400000u : std::uint32_t(e) << 23;
    bits = e == 255 ? 0x7fc00000u : bits;
    return std::bit_cast<float>(bits);
}

// The largest power of two not above |value|, which is how microscaling formats choose a block's exponent; at least
// 2^-127, also for zero. Infinity gives 2^127, NaN gives 255.
constexpr std::uint8_t f32_to_e8m0(float value) {
    const std::uint32_t a = std::bit_cast<std::uint32_t>(value) & 0x7fffffffu;
    const std::uint32_t exponent = a >> 23;
    return static_cast<std::uint8_t>(a > 0x7f800000u ? 255u : exponent == 255u ? 254u : exponent);
}

}  // namespace quern
