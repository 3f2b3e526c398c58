// Self-test and peaks of AVX-512 (F, BW, DQ, VL).
#include <immintrin.h>

#include <cstdlib>

#include "kernels/probe.h"

namespace quern::x86 {
namespace {

#define QUERN_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]]

std::int32_t small_number(int i) noexcept {
    static const volatile std::int32_t seed = 77;
    return (i * 37 + seed) % 61 - 30;
}

// GCC 12 warns of its own header where a form without a mask is used.
constexpr __mmask16 every = 0xffff;

// Masked loads and stores are in it: no lane may be touched that the mask leaves out.
QUERN_AVX512 bool floats_hold() noexcept {
    alignas(64) float a[16], b[16], c[16], product[16];
    for (int i = 0; i < 16; ++i) {
        a[i] = static_cast<float>(small_number(i));
        b[i] = static_cast<float>(small_number(i + 16));
        c[i] = static_cast<float>(small_number(i + 32));
        product[i] = 1000;
    }
    const __mmask16 mask = static_cast<__mmask16>(0x5fff ^ (small_number(0) == 99));
    const __m512 sum = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a), _mm512_load_ps(b), _mm512_load_ps(c));
    const __m256i halves =
        _mm512_maskz_cvtps_ph(every, sum, _MM_FROUND_TO_NEAREST_INT);  // up to 930: whole numbers are exact
    _mm512_mask_storeu_ps(product, mask, _mm512_maskz_cvtph_ps(every, halves));
    bool holds = true;
    for (int i = 0; i < 16; ++i) {
        const std::int32_t exact = small_number(i) * small_number(i + 16) + small_number(i + 32);
        holds = holds && static_cast<std::int32_t>(product[i]) == ((mask >> i & 1) != 0 ? exact : 1000);
    }
    return holds;
}

QUERN_AVX512 bool integers_hold() noexcept {
    alignas(64) std::uint8_t a[64];
    alignas(64) std::int8_t b[64];
    alignas(64) std::int32_t sums[16];
    for (int i = 0; i < 64; ++i) {
        a[i] = static_cast<std::uint8_t>(std::abs(small_number(i)));
        b[i] = static_cast<std::int8_t>(small_number(i + 64));
    }
    const __m512i pairs = _mm512_maddubs_epi16(_mm512_load_si512(a), _mm512_load_si512(b));
    const __m512i quads = _mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
    const __m512i turned = _mm512_maskz_permutexvar_epi32(
        every, _mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), quads);
    _mm512_store_si512(sums, turned);
    bool holds = true;
    for (int i = 0; i < 16; ++i) {
        std::int32_t exact = 0;
        for (int j = 4 * (15 - i); j < 4 * (16 - i); ++j) exact += std::abs(small_number(j)) * small_number(j + 64);
        holds = holds && sums[i] == exact;
    }
    return holds;
}

bool selftest() noexcept { return floats_hold() && integers_hold(); }

// Written out, since compilers spill what should stay in registers. Twelve sums hide the latency of a product on two
// units; the operands are zeros, which takes no other time. Products of bytes are summed as kernels without VNNI do:
// bytes to pairs, pairs to words of 32 bits, and added.
#define QUERN_TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define QUERN_CLOBBERS                                                                                               \
    "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
        "xmm13", "xmm14", "xmm15"
#define QUERN_LOOP(X) \
    asm volatile("vzeroall\n1:\n" QUERN_TWELVE(X) "dec %0\n\tjnz 1b\n\tvzeroupper" : "+r"(rounds)::QUERN_CLOBBERS)
#define QUERN_F32(i) "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #i "\n\t"
#define QUERN_INT8(i)                                                                                        \
    "vpmaddubsw %%zmm14, %%zmm15, %%zmm12\n\tvpmaddwd %%zmm13, %%zmm12, %%zmm12\n\tvpaddd %%zmm12, %%zmm" #i \
    ", %%zmm" #i "\n\t"

void f32_peak(std::int64_t rounds) noexcept { QUERN_LOOP(QUERN_F32); }
void int8_peak(std::int64_t rounds) noexcept { QUERN_LOOP(QUERN_INT8); }

const RegisteredProbe probe({.isa = Isa::avx512,
                             .selftest = selftest,
                             .peaks = {Peak{"f32", 2 * 16 * 12, f32_peak}, {"int8", 2 * 64 * 12, int8_peak}}});

}  // namespace
}  // namespace quern::x86
