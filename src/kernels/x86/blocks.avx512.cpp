// The register blocks of class "f32x16" with AVX-512: 16 lanes are one register, so that 24 dots fit.
#include <immintrin.h>

#include "kernels/x86/product.h"

namespace quern::x86 {
namespace {

// The class's tree: lane i + lane i+8, then +4, +2, +1.
[[gnu::target("avx512f,avx512dq"), gnu::always_inline]] inline float fold(__m512 v) {
    // Masked extractions, since GCC 12 warns about the undefined register inside the plain ones.
    const __m256 low = _mm512_maskz_extractf32x8_ps(0xff, v, 0), high = _mm512_maskz_extractf32x8_ps(0xff, v, 1);
    const __m256 eight = _mm256_add_ps(low, high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

template <int rows, int columns>
[[gnu::target("avx512f,avx512dq"), gnu::noinline]] void dots(const float* const* w, const float* const* x,
                                                             std::int64_t n, float* out) {
    __m512 sum[rows * columns];
    const float *ws[rows], *xs[columns];
#pragma GCC unroll 24
    for (int i = 0; i < rows * columns; ++i) sum[i] = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) ws[r] = w[r];
#pragma GCC unroll 6
    for (int t = 0; t < columns; ++t) xs[t] = x[t];

    for (std::int64_t i = 0; i < n; i += 16) {
        // Lanes beyond n add 0 * 0: that could at most turn -0 into 0, and sums of the class start at 0.
        const __mmask16 there = static_cast<__mmask16>(n - i >= 16 ? 0xffff : (1 << (n - i)) - 1);
        __m512 a[rows];
#pragma GCC unroll 4
        for (int r = 0; r < rows; ++r) a[r] = _mm512_maskz_loadu_ps(there, ws[r] + i);
#pragma GCC unroll 6
        for (int t = 0; t < columns; ++t) {
            const __m512 b = _mm512_maskz_loadu_ps(there, xs[t] + i);
#pragma GCC unroll 4
            for (int r = 0; r < rows; ++r) sum[t * rows + r] = _mm512_fmadd_ps(b, a[r], sum[t * rows + r]);
        }
    }
#pragma GCC unroll 24
    for (int i = 0; i < rows * columns; ++i) out[i] = fold(sum[i]);
}

}  // namespace

#define QUERN_ROW(r) \
    { nullptr, dots<r, 1>, dots<r, 2>, dots<r, 3>, dots<r, 4>, dots<r, 5>, dots<r, 6> }
constexpr RegisterBlocks avx512_blocks{
    .columns = 6, .rows = {0, 4, 4, 4, 4, 4, 4}, .dots = {{}, QUERN_ROW(1), QUERN_ROW(2), QUERN_ROW(3), QUERN_ROW(4)}};
#undef QUERN_ROW

}  // namespace quern::x86
