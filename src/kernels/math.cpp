#include "kernels/math.h"

namespace quern::math {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// x = 2^n (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = 2 atanh(s), s = f / (2 + f), arranged so that the large
// part f - f^2/2 is computed with little error.
double log(double x) {
    constexpr double ln2_hi = 0x1.62e42feep-1, ln2_lo = 0x1.a39ef35793c76p-33;
    constexpr std::array<double, 11> terms{2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
                                           2.0 / 11, 2.0 / 9,  2.0 / 7,  2.0 / 5,  2.0 / 3};
    if (!(x > 0)) return x == 0 ? -infinity : nan;
    if (x == infinity) return x;
    int n = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        n = -54;
    }
    auto bits = std::bit_cast<std::uint64_t>(x);
    // Counts exponents from sqrt(1/2) on instead of from 1.
    constexpr std::uint64_t half_root = 0x3fe6a09e667f3bcdu;
    n += static_cast<int>(static_cast<std::int64_t>(bits - half_root) >> 52);
    bits -= static_cast<std::uint64_t>(static_cast<std::int64_t>(bits - half_root) >> 52) << 52;
    const double f = std::bit_cast<double>(bits) - 1;
    const double s = f / (2 + f);
    const double z = s * s;
    const double half = 0.5 * f * f;
    const double rest = s * (half + z * polynomial(z, terms));
    return n * ln2_hi - ((half - (rest + n * ln2_lo)) - f);
}

namespace {

struct Difference {
    double value, error;
};
// a - b, rounded, and what the rounding lost (Knuth).
inline Difference difference(double a, double b) {
    const double value = a - b;
    const double back = value - a;
    return {value, (a - (value - back)) - (b + back)};
}

}  // namespace

// Reduction after Cody & Waite: pi/2 in four parts of 22 bits, whose products with the quotient are exact, and one of
// 53. The first two differences are exact, the errors of the others are kept, so that r + tail is the angle to far
// below an ulp even where x is next to a multiple of pi/2.
SinCos sincos(double x) {
    constexpr double part1 = 0x1.921fb0p+0, part2 = 0x1.5110b0p-22, part3 = 0x1.184698p-44, part4 = 0x1.3198a0p-69,
                     part5 = 0x1.701b839a25205p-92;
    constexpr auto sin_terms = taylor<8>(3, 2, true);  // r - sin(r) = r^3 times this
    constexpr auto cos_terms = taylor<7>(4, 2, true);  // cos(r) - 1 + r^2/2 = r^4 times this
    if (!(std::fabs(x) < 0x1p31)) return {nan, nan};
    const double n = (x * 0x1.45f306dc9c883p-1 + integer_magic) - integer_magic;
    const Difference third = difference((x - n * part1) - n * part2, n * part3);
    const Difference fourth = difference(third.value, n * part4);
    const double rest = (third.error + fourth.error) - n * part5;
    const double r = fourth.value + rest;
    const double tail = (fourth.value - r) + rest;

    const double z = r * r;
    const double sin_r = r - (r * z * polynomial(z, sin_terms) - tail * (1 - 0.5 * z));
    const double half = 0.5 * z;
    const double w = 1 - half;
    const double cos_r = w + (((1 - w) - half) + (z * z * polynomial(z, cos_terms) - r * tail));

    switch (static_cast<std::int64_t>(n) & 3) {
        case 0:
            return {sin_r, cos_r};
        case 1:
            return {cos_r, -sin_r};
        case 2:
            return {-sin_r, -cos_r};
        default:
            return {-cos_r, sin_r};
    }
}

}  // namespace quern::math
