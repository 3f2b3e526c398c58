// Reading stored blocks with AVX2, whose members stand at odd addresses. For kernels of this folder, whose functions
// carry the same target attributes or more.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quern::x86 {

[[gnu::target("avx2"), gnu::always_inline]] inline __m128i load16(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i load32(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

// The processor's conversion makes NaNs quiet and keeps subnormals, as tensor/half.h does.
[[gnu::target("avx2,f16c"), gnu::always_inline]] inline float half_at(const std::byte* from) {
    std::uint16_t h;
    std::memcpy(&h, from, sizeof h);
    return _cvtsh_ss(h);
}

// Each byte shifted down, then masked: lanes are of 16 bits, and the mask takes the neighbours' bits away.
template <int shift, int mask>
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i bits(__m256i bytes) {
    return _mm256_and_si256(_mm256_srli_epi16(bytes, shift), _mm256_set1_epi8(mask));
}

}  // namespace quern::x86
