// Dot products of class "f32x16" (ops/linear.h) with AVX2 and FMA, several at once in registers. Each keeps its own 16
// lanes, two registers of eight, so that none knows of the others. The scalar definition is kernels/reference/dot.h.
// For kernels of this folder, whose functions carry the same target attribute.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace quern::x86 {

// Eight -1 and sixteen 0: loading at [8 - n] gives a mask of the first n of eight lanes.
alignas(64) inline constexpr std::int32_t mask_table[24] = {-1, -1, -1, -1, -1, -1, -1, -1};

[[gnu::target("avx2,fma")]] inline __m256i first_lanes(std::int64_t n) {
    const std::int64_t from = n <= 0 ? 8 : n >= 8 ? 0 : 8 - n;
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mask_table + from));
}

// The class's tree for four dots at once: lane i + lane i+8, then +4, +2, +1.
[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m128 fold(__m256 low, __m256 high) {
    const __m256 eight = _mm256_add_ps(low, high);
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}
[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m128 fold(__m128 a, __m128 b, __m128 c, __m128 d) {
    const __m128 ab = _mm_add_ps(_mm_movelh_ps(a, b), _mm_movehl_ps(b, a));
    const __m128 cd = _mm_add_ps(_mm_movelh_ps(c, d), _mm_movehl_ps(d, c));
    return _mm_add_ps(_mm_shuffle_ps(ab, cd, 0x88), _mm_shuffle_ps(ab, cd, 0xdd));
}

// Holds a value in its register; GCC would load it again for each of its uses, and loads are what runs short.
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void keep(__m256& v) { asm("" : "+x"(v)); }

// out[t * rows + r] = fold of x[t] . w[r] over n elements, n at most the class's 1,024. Reads no element past n.
template <int rows, int columns>
[[gnu::target("avx2,fma"), gnu::noinline]] void dots(const float* const* w, const float* const* x, std::int64_t n,
                                                     float* out) {
    constexpr int count = rows * columns;
    __m256 low[count], high[count];
#pragma GCC unroll 16
    for (int i = 0; i < count; ++i) low[i] = high[i] = _mm256_setzero_ps();
    const float *ws[rows], *xs[columns];
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) ws[r] = w[r];
#pragma GCC unroll 16
    for (int t = 0; t < columns; ++t) xs[t] = x[t];

    const std::int64_t whole = n / 16 * 16;
    for (std::int64_t i = 0; i < whole; i += 16) {
        __m256 a[rows];
#pragma GCC unroll 16
        for (int r = 0; r < rows; ++r) a[r] = _mm256_loadu_ps(ws[r] + i);
#pragma GCC unroll 16
        for (int t = 0; t < columns; ++t) {
            __m256 b = _mm256_loadu_ps(xs[t] + i);
            keep(b);
#pragma GCC unroll 16
            for (int r = 0; r < rows; ++r) low[t * rows + r] = _mm256_fmadd_ps(b, a[r], low[t * rows + r]);
        }
#pragma GCC unroll 16
        for (int r = 0; r < rows; ++r) a[r] = _mm256_loadu_ps(ws[r] + i + 8);
#pragma GCC unroll 16
        for (int t = 0; t < columns; ++t) {
            __m256 b = _mm256_loadu_ps(xs[t] + i + 8);
            keep(b);
#pragma GCC unroll 16
            for (int r = 0; r < rows; ++r) high[t * rows + r] = _mm256_fmadd_ps(b, a[r], high[t * rows + r]);
        }
    }
    if (whole < n) {
        // Lanes beyond n add 0 * 0: that could at most turn -0 into 0, and sums of the class start at 0.
        const __m256i low_mask = first_lanes(n - whole), high_mask = first_lanes(n - whole - 8);
#pragma GCC unroll 16
        for (int t = 0; t < columns; ++t) {
            const __m256 b = _mm256_maskload_ps(xs[t] + whole, low_mask);
            const __m256 c = _mm256_maskload_ps(xs[t] + whole + 8, high_mask);
#pragma GCC unroll 16
            for (int r = 0; r < rows; ++r) {
                const int o = t * rows + r;
                low[o] = _mm256_fmadd_ps(b, _mm256_maskload_ps(ws[r] + whole, low_mask), low[o]);
                high[o] = _mm256_fmadd_ps(c, _mm256_maskload_ps(ws[r] + whole + 8, high_mask), high[o]);
            }
        }
    }
    __m128 half[(count + 3) / 4 * 4];
#pragma GCC unroll 16
    for (int i = 0; i < (count + 3) / 4 * 4; ++i) half[i] = i < count ? fold(low[i], high[i]) : _mm_setzero_ps();
    alignas(16) float folded[(count + 3) / 4 * 4];
#pragma GCC unroll 16
    for (int i = 0; i < count; i += 4) _mm_store_ps(folded + i, fold(half[i], half[i + 1], half[i + 2], half[i + 3]));
#pragma GCC unroll 16
    for (int i = 0; i < count; ++i) out[i] = folded[i];
}

}  // namespace quern::x86
