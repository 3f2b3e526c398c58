#include "tensor/quant/scale_search.h"

#include <algorithm>
#include <cmath>

#include "tensor/half.h"
#include "tensor/quant/block.h"

namespace quern {
namespace {

// How many times fitting and rounding alternate at most; the last rounds rarely change anything.
constexpr int rounds = 4;

// x is about scale * q - min, with scale and min >= 0.
struct Affine {
    float scale = 0.0f, min = 0.0f;
};

float finite_half(float value, std::uint16_t& half) {
    const float bounded = value > 65504.0f ? 65504.0f : value < -65504.0f ? -65504.0f : value == value ? value : 0.0f;
    half = f32_to_f16(bounded);
    return f16_to_f32(half);
}

// Weights' importance: their magnitude, above the floor of the typical magnitude around them.
void importance(const float* x, int n, float* w) {
    float squares = 0.0f;
    for (int j = 0; j < n; ++j) squares += x[j] * x[j];
    const float typical = std::sqrt(squares / static_cast<float>(n));
    for (int j = 0; j < n; ++j) w[j] = typical + std::fabs(x[j]);
}

void round_affine(const float* x, int n, int top, Affine a, std::uint8_t* q) {
    const float inverse = inverse_or_zero(a.scale);
    const auto high = static_cast<float>(top);
    for (int j = 0; j < n; ++j)
        q[j] = static_cast<std::uint8_t>(clamped_int((x[j] + a.min) * inverse + 0.5f, 0.0f, high));
}

float affine_error(const float* x, const float* w, int n, Affine a, const std::uint8_t* q) {
    float sum = 0.0f;
    for (int j = 0; j < n; ++j) {
        const float e = a.scale * static_cast<float>(q[j]) - a.min - x[j];
        sum += w[j] * e * e;
    }
    return sum;
}

// The least squares scale and min for given q; min is held at 0 where it would become negative.
Affine fit_affine(const float* x, const float* w, int n, const std::uint8_t* q) {
    float sw = 0.0f, sq = 0.0f, sqq = 0.0f, sx = 0.0f, sxq = 0.0f;
    for (int j = 0; j < n; ++j) {
        const auto v = static_cast<float>(q[j]);
        sw += w[j];
        sq += w[j] * v;
        sqq += w[j] * v * v;
        sx += w[j] * x[j];
        sxq += w[j] * x[j] * v;
    }
    const float determinant = sw * sqq - sq * sq;
    if (determinant > 0.0f) {
        const Affine a{(sw * sxq - sx * sq) / determinant, (sq * sxq - sqq * sx) / determinant};
        if (a.scale > 0.0f && a.min >= 0.0f) return a;
    }
    return {sqq > 0.0f && sxq > 0.0f ? sxq / sqq : 0.0f, 0.0f};
}

Affine search_affine(const float* x, const float* w, int n, int top) {
    Range range = range_of(x, n);
    range.low = std::min(range.low, 0.0f);
    if (!(range.high > range.low)) return {0.0f, -range.low};
    const float width = range.high - range.low;
    std::uint8_t q[32];
    Affine best{width / static_cast<float>(top), -range.low};
    round_affine(x, n, top, best, q);
    float best_error = affine_error(x, w, n, best, q);
    const auto improve = [&] {
        const Affine a = fit_affine(x, w, n, q);
        const float error = affine_error(x, w, n, a, q);
        if (!(error < best_error)) return false;
        best = a;
        best_error = error;
        return true;
    };
    for (int step = -10; step <= 10; ++step) {
        round_affine(x, n, top, {width / (static_cast<float>(top) + 0.1f * static_cast<float>(step)), -range.low}, q);
        improve();
    }
    for (int i = 0; i < rounds; ++i) {
        round_affine(x, n, top, best, q);
        if (!improve()) break;
    }
    return best;
}

// The integers next to the best scale and min of one sub-block that serve it best under the block's d and dmin.
float choose_affine(const float* x, const float* w, int top, float d, float dmin, Affine wanted, std::uint8_t& scale,
                    std::uint8_t& min, std::uint8_t* q) {
    const int near_scale = clamped_int(wanted.scale * inverse_or_zero(d) + 0.5f, 0.0f, 63.0f);
    const int near_min = clamped_int(wanted.min * inverse_or_zero(dmin) + 0.5f, 0.0f, 63.0f);
    float best = -1.0f;
    std::uint8_t tried[32];
    for (int s = std::max(near_scale - 1, 0); s <= std::min(near_scale + 1, 63); ++s) {
        for (int m = std::max(near_min - 1, 0); m <= std::min(near_min + 1, 63); ++m) {
            const Affine a{d * static_cast<float>(s), dmin * static_cast<float>(m)};
            round_affine(x, 32, top, a, tried);
            const float error = affine_error(x, w, 32, a, tried);
            if (best >= 0.0f && !(error < best)) continue;
            best = error;
            scale = static_cast<std::uint8_t>(s);
            min = static_cast<std::uint8_t>(m);
            std::copy_n(tried, 32, q);
        }
    }
    return best;
}

// The least squares d and dmin of a whole block whose integers are given.
Affine fit_affine_block(const float* x, const float* w, const AffineBlock& b) {
    float saa = 0.0f, sab = 0.0f, sbb = 0.0f, sxa = 0.0f, sxb = 0.0f;
    for (int j = 0; j < 256; ++j) {
        const auto a = static_cast<float>(b.scale[j / 32] * b.q[j]);
        const auto m = static_cast<float>(b.min[j / 32]);
        saa += w[j] * a * a;
        sab += w[j] * a * m;
        sbb += w[j] * m * m;
        sxa += w[j] * x[j] * a;
        sxb += w[j] * x[j] * m;
    }
    const float determinant = saa * sbb - sab * sab;
    if (determinant > 0.0f) {
        const Affine f{(sxa * sbb - sxb * sab) / determinant, (sab * sxa - saa * sxb) / determinant};
        if (f.scale >= 0.0f && f.min >= 0.0f) return f;
    }
    return {saa > 0.0f && sxa > 0.0f ? sxa / saa : 0.0f, 0.0f};
}

// x is about scale * q with q in -32..31.
void round_symmetric(const float* x, float scale, std::int8_t* q) {
    const float inverse = inverse_or_zero(scale);
    for (int j = 0; j < 16; ++j) q[j] = static_cast<std::int8_t>(clamped_int(x[j] * inverse + 32.5f, 0.0f, 63.0f) - 32);
}

float symmetric_error(const float* x, const float* w, float scale, const std::int8_t* q) {
    float sum = 0.0f;
    for (int j = 0; j < 16; ++j) {
        const float e = scale * static_cast<float>(q[j]) - x[j];
        sum += w[j] * e * e;
    }
    return sum;
}

float fit_symmetric(const float* x, const float* w, const std::int8_t* q) {
    float sqq = 0.0f, sxq = 0.0f;
    for (int j = 0; j < 16; ++j) {
        const auto v = static_cast<float>(q[j]);
        sqq += w[j] * v * v;
        sxq += w[j] * x[j] * v;
    }
    return sqq > 0.0f ? sxq / sqq : 0.0f;
}

float search_symmetric(const float* x, const float* w) {
    const float peak = signed_peak(x, 16);
    if (peak == 0.0f) return 0.0f;
    std::int8_t q[16];
    float best = peak / -32.0f;
    round_symmetric(x, best, q);
    float best_error = symmetric_error(x, w, best, q);
    const auto improve = [&] {
        const float scale = fit_symmetric(x, w, q);
        const float error = symmetric_error(x, w, scale, q);
        if (!(error < best_error)) return false;
        best = scale;
        best_error = error;
        return true;
    };
    for (int step = -20; step <= 20; ++step) {
        round_symmetric(x, peak / -(32.0f + 0.1f * static_cast<float>(step)), q);
        improve();
    }
    for (int i = 0; i < rounds; ++i) {
        round_symmetric(x, best, q);
        if (!improve()) break;
    }
    return best;
}

float choose_symmetric(const float* x, const float* w, float d, float wanted, std::int8_t& scale, std::int8_t* q) {
    const int near = round_away(wanted * inverse_or_zero(d), 128);
    float best = -1.0f;
    std::int8_t tried[16];
    for (int s = std::max(near - 1, -128); s <= std::min(near + 1, 127); ++s) {
        const float actual = d * static_cast<float>(s);
        round_symmetric(x, actual, tried);
        const float error = symmetric_error(x, w, actual, tried);
        if (best >= 0.0f && !(error < best)) continue;
        best = error;
        scale = static_cast<std::int8_t>(s);
        std::copy_n(tried, 16, q);
    }
    return best;
}

float fit_symmetric_block(const float* x, const float* w, const SymmetricBlock& b) {
    float saa = 0.0f, sxa = 0.0f;
    for (int j = 0; j < 256; ++j) {
        const auto a = static_cast<float>(b.scale[j / 16] * b.q[j]);
        saa += w[j] * a * a;
        sxa += w[j] * x[j] * a;
    }
    return saa > 0.0f ? sxa / saa : 0.0f;
}

}  // namespace

void search_affine_block(const float* x, int top, AffineBlock& out) {
    float w[256];
    Affine wanted[8], widest;
    for (int sub = 0; sub < 8; ++sub) {
        importance(x + 32 * sub, 32, w + 32 * sub);
        wanted[sub] = search_affine(x + 32 * sub, w + 32 * sub, 32, top);
        widest.scale = std::max(widest.scale, wanted[sub].scale);
        widest.min = std::max(widest.min, wanted[sub].min);
    }
    Affine common{widest.scale / 63.0f, widest.min / 63.0f};
    out = {};
    float best = -1.0f;
    for (int i = 0; i < rounds; ++i) {
        AffineBlock tried{};
        const float d = finite_half(common.scale, tried.d), dmin = finite_half(common.min, tried.dmin);
        float error = 0.0f;
        for (int sub = 0; sub < 8; ++sub)
            error += choose_affine(x + 32 * sub, w + 32 * sub, top, d, dmin, wanted[sub], tried.scale[sub],
                                   tried.min[sub], tried.q + 32 * sub);
        if (best >= 0.0f && !(error < best)) break;
        best = error;
        out = tried;
        common = fit_affine_block(x, w, tried);
    }
}

void search_symmetric_block(const float* x, SymmetricBlock& out) {
    float w[256], wanted[16];
    for (int sub = 0; sub < 16; ++sub) {
        importance(x + 16 * sub, 16, w + 16 * sub);
        wanted[sub] = search_symmetric(x + 16 * sub, w + 16 * sub);
    }
    float common = signed_peak(wanted, 16) / -128.0f;
    out = {};
    float best = -1.0f;
    for (int i = 0; i < rounds; ++i) {
        SymmetricBlock tried{};
        const float d = finite_half(common, tried.d);
        float error = 0.0f;
        for (int sub = 0; sub < 16; ++sub)
            error += choose_symmetric(x + 16 * sub, w + 16 * sub, d, wanted[sub], tried.scale[sub], tried.q + 16 * sub);
        if (best >= 0.0f && !(error < best)) break;
        best = error;
        out = tried;
        common = fit_symmetric_block(x, w, tried);
    }
}

}  // namespace quern
