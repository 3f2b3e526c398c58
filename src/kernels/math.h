// exp, log, sin, cos and tanh of our own, since libm's differ between machines and a result's bits must not. Only
// correctly rounded operations (+ - * / and fma) in a written order: the same bits wherever IEEE 754 arithmetic is.
// The double functions serve the ops of class "plain"; exp_f32 and tanh_f32 are part of the attention class and are
// repeated by vector kernels step by step. Knows no op. Errors are measured by tests/unit/kernels/math_test.cpp.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace quern::math {

double exp(double x);      // 1 ulp; 0 below -745.2, infinite above 709.8
double log(double x);      // 1 ulp; NaN below 0, -infinity at 0
double tanh(double x);     // 3 ulp
double sigmoid(double x);  // 1 / (1 + exp(-x)); 3 ulp above -709

struct SinCos {
    double sin, cos;
};
// 1 ulp of the result for |x| < 2^31, so for any angle of an i32 position and a frequency of at most 1; NaN beyond.
SinCos sincos(double x);

// Constants of exp_f32 and tanh_f32. ln2_high has 15 bits, so its product with an exponent is exact.
constexpr float round_magic = 0x1.8p23f;  // adding it leaves the nearest integer in the low bits
constexpr float log2_e = 0x1.715476p0f;
constexpr float ln2_high = 0x1.62e4p-1f;
constexpr float ln2_low = 0x1.7f7d1cp-20f;
constexpr float exp_lowest = -87.0f;  // below it exp_f32 is 0, so that no subnormal ever arises
constexpr float exp_highest = 88.0f;  // above it exp_f32 is infinite
// Taylor's, from the highest power down; the rest is below 6e-9 for |r| <= ln(2) / 2.
constexpr float exp_terms[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
// tanh(x) = x + x^3 P(x^2) up to tanh_small, from the highest power down: our own minimax fit, relative error 5e-9.
constexpr float tanh_small = 0.625f;
constexpr float tanh_terms[] = {-0x1.76abe8p-8f, 0x1.5256ccp-6f, -0x1.b84446p-5f, 0x1.110768p-3f, -0x1.555534p-2f};

// Relative error 2e-7.
inline float exp_f32(float x) {
    const float shifted = std::fma(x, log2_e, round_magic);
    const float n = shifted - round_magic;
    const float r = std::fma(n, -ln2_low, std::fma(n, -ln2_high, x));
    float p = exp_terms[0];
    for (int i = 1; i < 8; ++i) p = std::fma(p, r, exp_terms[i]);
    const float power = std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) << 23) + 0x3f800000u);
    const float y = p * power;
    const float bounded = x > exp_highest ? std::numeric_limits<float>::infinity() : y;
    return x < exp_lowest ? 0.0f : bounded;
}

// Relative error 3e-7.
inline float tanh_f32(float x) {
    const float a = std::fabs(x);
    const float z = x * x;
    float p = tanh_terms[0];
    for (int i = 1; i < 5; ++i) p = std::fma(p, z, tanh_terms[i]);
    const float small = std::fma(x * z, p, x);
    const float large = 1.0f - 2.0f / (exp_f32(a + a) + 1.0f);
    return a < tanh_small ? small : std::copysign(large, x);
}

}  // namespace quern::math
