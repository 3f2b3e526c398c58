// Our own exp, log, sin, cos and tanh against libm's in long double, over wide samples and at the edges.
#include "kernels/math.h"

#include <gtest/gtest.h>

#include <random>

namespace quern {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The distance of `got` from `want` in units of the last place of `want`.
double ulps(double got, long double want) {
    const double near = std::abs(static_cast<double>(want));
    const double ulp = std::max(std::nextafter(near, infinity) - near, 0x1p-1074);
    return static_cast<double>(std::abs(static_cast<long double>(got) - want) / static_cast<long double>(ulp));
}

// The worst error of f over samples x, which `sample` makes from a uniform number in [0, 1).
template <class F, class Want, class Sample>
double worst(F f, Want want, Sample sample, int n = 400000) {
    std::mt19937_64 random(1);
    double most = 0;
    for (int i = 0; i < n; ++i) {
        const double x = sample(static_cast<double>(random() >> 11) * 0x1p-53);
        const double e = ulps(f(x), want(static_cast<long double>(x)));
        if (!(e <= most)) most = e;
        if (std::isnan(most)) return most;
    }
    return most;
}

const auto wide = [](double low, double high) { return [=](double u) { return low + (high - low) * u; }; };
// Both signs, exponents spread evenly.
const auto logarithmic = [](double low, double high) {
    return [=](double u) {
        const double v = 2 * u;
        return std::copysign(low * std::pow(high / low, v < 1 ? v : v - 1), v < 1 ? 1.0 : -1.0);
    };
};

TEST(Math, ExpIsWithinAnUlp) {
    const auto want = [](long double x) { return std::exp(x); };
    EXPECT_LE(worst(math::exp, want, wide(-708, 709.7)), 1);
    EXPECT_LE(worst(math::exp, want, wide(-2, 2)), 1);
    EXPECT_LE(worst(math::exp, want, logarithmic(1e-20, 1)), 1);
    EXPECT_LE(worst(math::exp, want, wide(-745, -708)), 1.5);  // subnormal results are rounded once more
}

TEST(Math, LogIsWithinAnUlp) {
    const auto want = [](long double x) { return std::log(x); };
    EXPECT_LE(worst(math::log, want, wide(0.5, 2)), 1);
    EXPECT_LE(worst(math::log, want, wide(0.999, 1.001)), 1);
    EXPECT_LE(worst(math::log, want, [](double u) { return std::ldexp(1 + u, int(u * 1e9) % 1000 - 500); }), 1);
    EXPECT_LE(worst(math::log, want, wide(5e-324, 1e-308)), 1);
}

TEST(Math, TanhAndSigmoidAreWithinThreeUlps) {
    const auto tanh = [](long double x) { return std::tanh(x); };
    EXPECT_LE(worst(math::tanh, tanh, wide(-25, 25)), 3);
    EXPECT_LE(worst(math::tanh, tanh, wide(-0.5, 0.5)), 3);
    EXPECT_LE(worst(math::tanh, tanh, logarithmic(1e-20, 25)), 3);
    const auto sigmoid = [](long double x) { return 1 / (1 + std::exp(-x)); };
    EXPECT_LE(worst(math::sigmoid, sigmoid, wide(-700, 40)), 3);
    EXPECT_LE(worst(math::sigmoid, sigmoid, wide(-5, 5)), 3);
}

TEST(Math, SineAndCosineAreWithinAnUlpForEveryAngleOfAPosition) {
    const auto sin = [](double x) { return math::sincos(x).sin; };
    const auto cos = [](double x) { return math::sincos(x).cos; };
    const auto want_sin = [](long double x) { return std::sin(x); };
    const auto want_cos = [](long double x) { return std::cos(x); };
    for (const double high : {0.8, 7.0, 1e3, 1e5, 1e7, 2147483647.0}) {
        EXPECT_LE(worst(sin, want_sin, wide(-high, high)), 1) << high;
        EXPECT_LE(worst(cos, want_cos, wide(-high, high)), 1) << high;
    }
    const auto whole = [](double u) { return std::floor(u * 1e7); };  // positions at frequency 1
    EXPECT_LE(worst(sin, want_sin, whole), 1);
    EXPECT_LE(worst(cos, want_cos, whole), 1);
    const auto near_zeros = [](double u) { return std::floor(u * 6e6) * 1.5707963267948966; };
    EXPECT_LE(worst(sin, want_sin, near_zeros), 1);
    EXPECT_LE(worst(cos, want_cos, near_zeros), 1);
}

TEST(Math, EdgesAreWhatTheyShouldBe) {
    EXPECT_EQ(math::exp(0), 1);
    EXPECT_EQ(math::exp(710), infinity);
    EXPECT_EQ(math::exp(infinity), infinity);
    EXPECT_EQ(math::exp(-746), 0);
    EXPECT_EQ(math::exp(-infinity), 0);
    EXPECT_TRUE(std::isnan(math::exp(nan)));
    EXPECT_EQ(math::log(1), 0);
    EXPECT_EQ(math::log(0), -infinity);
    EXPECT_EQ(math::log(infinity), infinity);
    EXPECT_TRUE(std::isnan(math::log(-1)));
    EXPECT_TRUE(std::isnan(math::log(nan)));
    EXPECT_EQ(math::tanh(infinity), 1);
    EXPECT_EQ(math::tanh(-infinity), -1);
    EXPECT_TRUE(std::signbit(math::tanh(-0.0)));
    EXPECT_TRUE(std::isnan(math::tanh(nan)));
    EXPECT_EQ(math::sigmoid(0), 0.5);
    EXPECT_EQ(math::sigmoid(-infinity), 0);
    EXPECT_EQ(math::sigmoid(infinity), 1);
    EXPECT_TRUE(std::isnan(math::sigmoid(nan)));
    EXPECT_EQ(math::sincos(0).sin, 0);
    EXPECT_EQ(math::sincos(0).cos, 1);
    for (const double x : {nan, infinity, -infinity, 0x1p31}) {
        EXPECT_TRUE(std::isnan(math::sincos(x).sin)) << x;
        EXPECT_TRUE(std::isnan(math::sincos(x).cos)) << x;
    }
}

double relative(float got, double want) { return std::abs(double(got) - want) / std::abs(want); }

TEST(Math, FloatExpIsWithinItsError) {
    double most = 0;
    for (float x = -87; x <= 88; x += 0.00037f) {
        const double e = relative(math::exp_f32(x), std::exp(double(x)));
        if (!(e <= most)) most = e;
    }
    EXPECT_LE(most, 2e-7);
    EXPECT_EQ(math::exp_f32(0), 1);
    EXPECT_EQ(math::exp_f32(-0.0f), 1);
    EXPECT_EQ(math::exp_f32(-87.5f), 0);
    EXPECT_EQ(math::exp_f32(-3e38f), 0);
    EXPECT_EQ(math::exp_f32(-std::numeric_limits<float>::infinity()), 0);
    EXPECT_EQ(math::exp_f32(88.5f), std::numeric_limits<float>::infinity());
    EXPECT_EQ(math::exp_f32(std::numeric_limits<float>::infinity()), std::numeric_limits<float>::infinity());
    EXPECT_TRUE(std::isnan(math::exp_f32(std::numeric_limits<float>::quiet_NaN())));
}

TEST(Math, FloatTanhIsWithinItsError) {
    double most = 0;
    for (float x = -12; x <= 12; x += 0.000051f) {
        const double e = x == 0 ? 0 : relative(math::tanh_f32(x), std::tanh(double(x)));
        if (!(e <= most)) most = e;
    }
    for (float x = 1e-30f; x < 1; x *= 1.01f) {
        const double e = relative(math::tanh_f32(x), std::tanh(double(x)));
        if (!(e <= most)) most = e;
    }
    EXPECT_LE(most, 3e-7);
    EXPECT_EQ(math::tanh_f32(100), 1);
    EXPECT_EQ(math::tanh_f32(-std::numeric_limits<float>::infinity()), -1);
    EXPECT_EQ(math::tanh_f32(0), 0);
    EXPECT_TRUE(std::isnan(math::tanh_f32(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace quern
