// exp, log, sin, cos and tanh of our own, since libm's differ between machines and a result's bits must not. Only
// correctly rounded operations (+ - * / and fma) in a written order: the same bits wherever IEEE 754 arithmetic is.
// The double functions serve the ops of class "plain"; exp_f32 and tanh_f32 are part of the attention class and are
// repeated by vector kernels step by step. exp, tanh and sigmoid have no branches, so that a compiler can make vector
// code of a loop over them. Knows no op. Errors are measured by tests/unit/kernels/math_test.cpp.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace quern::math {

double log(double x);  // 1 ulp; NaN below 0, -infinity at 0

struct SinCos {
    double sin, cos;
};
// 1 ulp of the result for |x| < 2^31, so for any angle of an i32 position and a frequency of at most 1; NaN beyond.
SinCos sincos(double x);

// Horner's rule, coefficients from the highest power down.
template <std::size_t n>
[[gnu::always_inline]] inline double polynomial(double x, const std::array<double, n>& terms) {
    double p = terms[0];
    for (std::size_t i = 1; i < n; ++i) p = p * x + terms[i];
    return p;
}

// 1/k! from k = highest down to lowest, every step-th, signs alternating so that the last is positive if `alternate`.
template <std::size_t n>
constexpr std::array<double, n> taylor(int lowest, int step, bool alternate) {
    std::array<double, n> terms{};
    for (std::size_t i = 0; i < n; ++i) {
        const int k = lowest + step * static_cast<int>(n - 1 - i);
        double factorial = 1;  // exact up to 18!, one rounding beyond
        for (int j = 2; j <= k; ++j) factorial *= j;
        terms[i] = (alternate && (n - 1 - i) % 2 == 1 ? -1 : 1) / factorial;
    }
    return terms;
}

// Adding 1.5 * 2^52 leaves the nearest integer in the low bits, and taking it away again gives that integer; good to
// 2^51.
constexpr double integer_magic = 0x1.8p52;

// x = n ln 2 + r, |r| <= ln(2) / 2; part is exp(r) - 1. Nonsense where |n| is beyond 2^51.
struct ExpParts {
    std::uint64_t n;  // as two's complement
    double part;
};
[[gnu::always_inline]] inline ExpParts exp_parts(double x) {
    constexpr double ln2_hi = 0x1.62e42feep-1, ln2_lo = 0x1.a39ef35793c76p-33;  // 32 bits, and the next 53
    constexpr auto terms = taylor<12>(2, 1, false);
    const double shifted = x * 0x1.71547652b82fep0 + integer_magic;
    const double n = shifted - integer_magic;
    const double hi = x - n * ln2_hi, lo = n * ln2_lo;
    const double r = hi - lo;
    const double rest = (hi - r) - lo;  // what r lost
    const double tail = r * r * polynomial(r, terms);
    return {std::bit_cast<std::uint64_t>(shifted) - std::bit_cast<std::uint64_t>(integer_magic),
            r + (tail + (rest + rest * (r + tail)))};
}

// Of a normal number's exponent.
[[gnu::always_inline]] inline double power_of_two(std::uint64_t n) { return std::bit_cast<double>((n + 1023) << 52); }

// 1 ulp; 0 below -745.2, infinite above 709.8.
[[gnu::always_inline]] inline double exp(double x) {
    const ExpParts e = exp_parts(x);
    // In two halves, since 2^n may be beyond the exponents of normal numbers.
    const std::uint64_t half = ((e.n + 4096) >> 1) - 2048;
    double y = (1 + e.part) * power_of_two(half) * power_of_two(e.n - half);
    y = x > 709.8 ? std::numeric_limits<double>::infinity() : y;
    y = x < -745.2 ? 0 : y;
    return x == x ? y : x;
}

// 1 / (1 + exp(-x)); 3 ulp above -709.
[[gnu::always_inline]] inline double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// 3 ulp.
[[gnu::always_inline]] inline double tanh(double x) {
    const double a = std::fabs(x);
    const ExpParts e = exp_parts(2 * a);
    const double power = power_of_two(e.n);
    const double minus_one = power * e.part + (power - 1);  // exp(2a) - 1
    double y = minus_one / (minus_one + 2);
    y = a > 22 ? 1.0 : y;
    y = std::copysign(y, x);
    return a > 0x1p-28 ? y : x;  // NaN too
}

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
