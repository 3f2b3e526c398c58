// exp_f32 and tanh_f32 of kernels/math.h for eight floats at once: the same operations in the same order, hence the
// same bits. For kernels of this folder.
#pragma once

#include <immintrin.h>

#include "kernels/math.h"

namespace quern::x86 {

[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m256 exp_f32(__m256 x) {
    const __m256 magic = _mm256_set1_ps(math::round_magic);
    const __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(math::log2_e), magic);
    const __m256 n = _mm256_sub_ps(shifted, magic);
    const __m256 high = _mm256_fmadd_ps(n, _mm256_set1_ps(-math::ln2_high), x);
    const __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-math::ln2_low), high);
    __m256 p = _mm256_set1_ps(math::exp_terms[0]);
#pragma GCC unroll 8
    for (int i = 1; i < 8; ++i) p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(math::exp_terms[i]));
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    const __m256 power = _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_set1_epi32(0x3f800000)));
    const __m256 y = _mm256_mul_ps(p, power);
    const __m256 infinity = _mm256_set1_ps(std::numeric_limits<float>::infinity());
    const __m256 over = _mm256_cmp_ps(x, _mm256_set1_ps(math::exp_highest), _CMP_GT_OQ);
    const __m256 under = _mm256_cmp_ps(x, _mm256_set1_ps(math::exp_lowest), _CMP_LT_OQ);
    return _mm256_andnot_ps(under, _mm256_blendv_ps(y, infinity, over));
}

[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m256 tanh_f32(__m256 x) {
    const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
    const __m256 a = _mm256_andnot_ps(sign, x);
    const __m256 z = _mm256_mul_ps(x, x);
    __m256 p = _mm256_set1_ps(math::tanh_terms[0]);
#pragma GCC unroll 8
    for (int i = 1; i < 5; ++i) p = _mm256_fmadd_ps(p, z, _mm256_set1_ps(math::tanh_terms[i]));
    const __m256 small = _mm256_fmadd_ps(_mm256_mul_ps(x, z), p, x);
    const __m256 grown = _mm256_add_ps(exp_f32(_mm256_add_ps(a, a)), one);
    const __m256 large = _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0f), grown));
    const __m256 signed_large = _mm256_or_ps(_mm256_andnot_ps(sign, large), _mm256_and_ps(sign, x));
    return _mm256_blendv_ps(signed_large, small, _mm256_cmp_ps(a, _mm256_set1_ps(math::tanh_small), _CMP_LT_OQ));
}

}  // namespace quern::x86
