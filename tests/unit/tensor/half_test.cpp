#include "tensor/half.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace quern {
namespace {

// The value by definition, in double: sign, exponent and mantissa taken apart with arithmetic instead of bit tricks.
double defined(std::uint32_t bits, int exponent_bits, int mantissa_bits, int bias) {
    const std::uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
    const int exponent = int((bits >> mantissa_bits) & ((1u << exponent_bits) - 1));
    const double sign = (bits >> (mantissa_bits + exponent_bits)) & 1u ? -1.0 : 1.0;
    if (exponent == 0) return sign * std::ldexp(double(mantissa), 1 - bias - mantissa_bits);
    return sign * std::ldexp(double(mantissa + (1u << mantissa_bits)), exponent - bias - mantissa_bits);
}

std::uint32_t bits_of(float f) { return std::bit_cast<std::uint32_t>(f); }
bool is_quiet_nan(float f) { return std::isnan(f) && (bits_of(f) & 0x00400000u); }

// What rounding to nearest even must give, found by comparing distances in double between the two neighbours among all
// non-negative finite values of a format (ascending, so that the index is the code). `beyond` is the value after the
// last, where rounding up means overflow.
struct Rounder {
    std::vector<double> values;
    double beyond;
    std::uint32_t nearest(double x) const {
        const auto above = std::upper_bound(values.begin(), values.end(), x);
        const auto low = std::uint32_t(above - values.begin()) - 1;
        const double down = x - values[low];
        const double up = (above == values.end() ? beyond : *above) - x;
        if (down != up) return down < up ? low : low + 1;
        return low % 2 == 0 ? low : low + 1;
    }
};

// Floats around every value and every midpoint, where rounding goes wrong if it does, and random bits.
std::vector<float> hard_floats(const Rounder& r) {
    std::vector<float> out{0.0f, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::min(),
                           std::numeric_limits<float>::max()};
    for (std::size_t i = 0; i < r.values.size(); ++i) {
        const double next = i + 1 < r.values.size() ? r.values[i + 1] : r.beyond;
        for (const double d : {r.values[i], (r.values[i] + next) / 2}) {
            const auto f = float(d);
            out.insert(out.end(),
                       {f, std::nextafter(f, 0.0f), std::nextafter(f, std::numeric_limits<float>::infinity())});
        }
    }
    std::mt19937 random(7);
    for (int i = 0; i < 200000; ++i) {
        const float f = std::bit_cast<float>(std::uint32_t(random()) & 0x7fffffffu);
        if (std::isfinite(f)) out.push_back(f);
    }
    return out;
}

// Would catch: a wrong subnormal, infinity or NaN among all 65536 halves, and a value that does not survive the way
// back.
TEST(Half, F16WidensExactlyAndComesBack) {
    for (std::uint32_t h = 0; h < 0x10000; ++h) {
        const float f = f16_to_f32(std::uint16_t(h));
        const std::uint32_t magnitude = h & 0x7fff;
        if (magnitude > 0x7c00) {
            ASSERT_TRUE(is_quiet_nan(f)) << h;
            ASSERT_EQ(std::signbit(f), h >= 0x8000) << h;
            ASSERT_EQ(f32_to_f16(f), h | 0x0200) << h;
            continue;
        }
        if (magnitude == 0x7c00)
            ASSERT_EQ(bits_of(f), h >= 0x8000 ? 0xff800000u : 0x7f800000u);
        else
            ASSERT_EQ(bits_of(f), bits_of(float(defined(h, 5, 10, 15)))) << h;
        ASSERT_EQ(f32_to_f16(f), h);
    }
}

TEST(Half, F16RoundsToNearestEven) {
    Rounder r{{}, 65536.0};
    for (std::uint32_t h = 0; h < 0x7c00; ++h) r.values.push_back(defined(h, 5, 10, 15));
    for (const float f : hard_floats(r)) {
        const std::uint32_t expected = f >= 65536.0f ? 0x7c00u : r.nearest(double(f));
        ASSERT_EQ(f32_to_f16(f), expected) << f;
        ASSERT_EQ(f32_to_f16(-f), expected | 0x8000u) << -f;
    }
    EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::infinity()), 0x7c00);
    EXPECT_EQ(f32_to_f16(std::bit_cast<float>(0x7f800001u)), 0x7e00);
    EXPECT_EQ(f32_to_f16(std::bit_cast<float>(0xffffffffu)), 0xffff);
}

TEST(Half, Bf16WidensExactlyAndComesBack) {
    for (std::uint32_t b = 0; b < 0x10000; ++b) {
        const float f = bf16_to_f32(std::uint16_t(b));
        if ((b & 0x7fff) > 0x7f80) {
            ASSERT_TRUE(is_quiet_nan(f)) << b;
            ASSERT_EQ(f32_to_bf16(f), b | 0x0040) << b;
            continue;
        }
        ASSERT_EQ(bits_of(f), b << 16);
        ASSERT_EQ(f32_to_bf16(f), b);
    }
}

TEST(Half, Bf16RoundsToNearestEven) {
    Rounder r{{}, 0x1p128};
    for (std::uint32_t b = 0; b < 0x7f80; ++b) r.values.push_back(double(std::bit_cast<float>(b << 16)));
    for (const float f : hard_floats(r)) {
        if (!std::isfinite(f)) continue;
        ASSERT_EQ(f32_to_bf16(f), r.nearest(double(f))) << f;
        ASSERT_EQ(f32_to_bf16(-f), r.nearest(double(f)) | 0x8000u) << f;
    }
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x7f800001u)), 0x7fc0);
    EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0xffffffffu)), 0xffff);
}

TEST(Half, E4m3AllValuesAndRounding) {
    Rounder r{{}, 480.0};
    for (std::uint32_t e = 0; e < 256; ++e) {
        const float f = e4m3_to_f32(std::uint8_t(e));
        if ((e & 0x7f) == 0x7f) {
            EXPECT_TRUE(is_quiet_nan(f)) << e;
        } else {
            EXPECT_EQ(bits_of(f), bits_of(float(defined(e, 4, 3, 7)))) << e;
            if (e < 0x80) r.values.push_back(double(f));
        }
        EXPECT_EQ(f32_to_e4m3(f), e);
    }
    EXPECT_EQ(r.values.back(), 448.0);
    for (const float f : hard_floats(r)) {
        const std::uint32_t expected = f >= 448.0f ? 0x7eu : r.nearest(double(f));
        ASSERT_EQ(f32_to_e4m3(f), expected) << f;
        ASSERT_EQ(f32_to_e4m3(-f), expected | 0x80u) << -f;
    }
    EXPECT_EQ(f32_to_e4m3(std::numeric_limits<float>::infinity()), 0x7e);
}

TEST(Half, E8m0IsAPowerOfTwo) {
    for (std::uint32_t e = 0; e < 255; ++e) {
        EXPECT_EQ(double(e8m0_to_f32(std::uint8_t(e))), std::ldexp(1.0, int(e) - 127)) << e;
        if (e == 0) continue;
        EXPECT_EQ(f32_to_e8m0(e8m0_to_f32(std::uint8_t(e))), e);
        EXPECT_EQ(f32_to_e8m0(-1.999f * e8m0_to_f32(std::uint8_t(e))), e);
    }
    EXPECT_TRUE(is_quiet_nan(e8m0_to_f32(255)));
    EXPECT_EQ(f32_to_e8m0(std::numeric_limits<float>::quiet_NaN()), 255);
    EXPECT_EQ(f32_to_e8m0(std::numeric_limits<float>::infinity()), 254);
    EXPECT_EQ(f32_to_e8m0(0.0f), 0);
}

// Would catch: a conversion that is no longer usable in tables made at compile time.
static_assert(f16_to_f32(0x3c00) == 1.0f && f32_to_f16(1.0f) == 0x3c00 && f16_to_f32(1) == 0x1p-24f);
static_assert(bf16_to_f32(0x3f80) == 1.0f && e4m3_to_f32(0x38) == 1.0f && e8m0_to_f32(127) == 1.0f);

}  // namespace
}  // namespace quern
