// Self-test and peaks of AVX2 with FMA and F16C.
#include <immintrin.h>

#include <cstdlib>
#include <cstring>

#include "kernels/probe.h"

namespace quern::x86 {
namespace {

#define QUERN_AVX2 [[gnu::target("avx2,fma,f16c")]]

// Small whole numbers, which f32 and f16 hold exactly; unknown to the compiler.
std::int32_t small_number(int i) noexcept {
    static const volatile std::int32_t seed = 77;
    return (i * 37 + seed) % 61 - 30;
}

QUERN_AVX2 bool floats_hold() noexcept {
    alignas(32) float a[8], b[8], c[8], product[8], lanes[8];
    alignas(16) std::uint16_t halves[8];
    for (int i = 0; i < 8; ++i) {
        a[i] = static_cast<float>(small_number(i));
        b[i] = static_cast<float>(small_number(i + 8));
        c[i] = static_cast<float>(small_number(i + 16));
    }
    const __m256 va = _mm256_load_ps(a), vb = _mm256_load_ps(b);
    _mm256_store_ps(product, _mm256_fmadd_ps(va, vb, _mm256_load_ps(c)));
    // to halves and back, turned round
    _mm_store_si128(reinterpret_cast<__m128i*>(halves), _mm256_cvtps_ph(va, _MM_FROUND_TO_NEAREST_INT));
    const __m256 back = _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(halves)));
    _mm256_store_ps(lanes, _mm256_permutevar8x32_ps(back, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0)));
    bool holds = true;
    for (int i = 0; i < 8; ++i) {
        const std::int32_t exact = small_number(i) * small_number(i + 8) + small_number(i + 16);
        holds = holds && static_cast<std::int32_t>(product[i]) == exact;
        holds = holds && static_cast<std::int32_t>(lanes[i]) == small_number(7 - i);
    }
    return holds;
}

QUERN_AVX2 bool integers_hold() noexcept {
    alignas(32) std::uint8_t a[32];
    alignas(32) std::int8_t b[32];
    alignas(32) std::int32_t sums[8];
    for (int i = 0; i < 32; ++i) {
        a[i] = static_cast<std::uint8_t>(std::abs(small_number(i)));
        b[i] = static_cast<std::int8_t>(small_number(i + 32));
    }
    const __m256i va = _mm256_load_si256(reinterpret_cast<const __m256i*>(a));
    const __m256i vb = _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
    const __m256i pairs = _mm256_maddubs_epi16(va, _mm256_sign_epi8(vb, _mm256_set1_epi8(-1)));
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums), _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    bool holds = true;
    for (int i = 0; i < 8; ++i) {
        std::int32_t exact = 0;
        for (int j = 4 * i; j < 4 * i + 4; ++j) exact -= std::abs(small_number(j)) * small_number(j + 32);
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
#define QUERN_F32(i) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #i "\n\t"
#define QUERN_INT8(i)                                                                                        \
    "vpmaddubsw %%ymm14, %%ymm15, %%ymm12\n\tvpmaddwd %%ymm13, %%ymm12, %%ymm12\n\tvpaddd %%ymm12, %%ymm" #i \
    ", %%ymm" #i "\n\t"

void f32_peak(std::int64_t rounds) noexcept { QUERN_LOOP(QUERN_F32); }
void int8_peak(std::int64_t rounds) noexcept { QUERN_LOOP(QUERN_INT8); }

const RegisteredProbe probe({.isa = Isa::avx2_fma,
                             .selftest = selftest,
                             .peaks = {Peak{"f32", 2 * 8 * 12, f32_peak}, {"int8", 2 * 32 * 12, int8_peak}}});

}  // namespace
}  // namespace quern::x86
