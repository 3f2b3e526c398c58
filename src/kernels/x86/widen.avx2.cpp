// Decoders of stored elements with AVX2. Each takes the scalar decoder's steps in its order, a product and a sum for
// each weight, so that the bits are those of tensor/quant/; formats without one here are decoded there.
#include <immintrin.h>

#include <cstddef>
#include <cstring>

#include "kernels/x86/bytes.avx2.h"
#include "kernels/x86/widen.h"
#include "tensor/quant/codec.h"
#include "tensor/quant/iq4_nl.h"
#include "tensor/quant/iq4_xs.h"
#include "tensor/quant/k_scales.h"
#include "tensor/quant/mxfp4.h"
#include "tensor/quant/q2_k.h"
#include "tensor/quant/q3_k.h"
#include "tensor/quant/q4_0.h"
#include "tensor/quant/q4_1.h"
#include "tensor/quant/q4_k.h"
#include "tensor/quant/q5_0.h"
#include "tensor/quant/q5_1.h"
#include "tensor/quant/q5_k.h"
#include "tensor/quant/q6_k.h"
#include "tensor/quant/q8_0.h"

// Without fma: a product and a sum round twice.
#define QUERN_AVX2 [[gnu::target("avx2,f16c")]]
#define QUERN_AVX2_INLINE [[gnu::target("avx2,f16c"), gnu::always_inline]] inline

namespace quern::x86 {
namespace {

QUERN_AVX2_INLINE __m128i low_half(__m256i v) { return _mm256_castsi256_si128(v); }
QUERN_AVX2_INLINE __m128i high_half(__m256i v) { return _mm256_extracti128_si256(v, 1); }

template <class Block>
QUERN_AVX2_INLINE const std::byte* at(const std::byte* from, std::int64_t i) {
    return from + i * std::int64_t(sizeof(Block));
}

// Sixteen nibble bytes: the low nibbles, then the high ones.
QUERN_AVX2_INLINE __m256i nibbles(const void* qs) {
    const __m128i bytes = load16(qs);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes), _mm256_set1_epi8(15));
}

// Bit j of 32 as byte j: `value` where it is set, else 0.
QUERN_AVX2_INLINE __m256i bytes_of_bits(const void* from, char value) {
    std::int32_t word;
    std::memcpy(&word, from, sizeof word);
    const __m256i spread = _mm256_shuffle_epi8(
        _mm256_set1_epi32(word), _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
    const __m256i each = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
    return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(spread, each), each), _mm256_set1_epi8(value));
}

QUERN_AVX2_INLINE __m256 floats(__m128i eight) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight)); }

// to[j] = scale * q[j] of sixteen or 32 signed bytes.
QUERN_AVX2_INLINE void scaled(float* to, __m128i q, __m256 scale) {
    _mm256_storeu_ps(to, _mm256_mul_ps(scale, floats(q)));
    _mm256_storeu_ps(to + 8, _mm256_mul_ps(scale, floats(_mm_unpackhi_epi64(q, q))));
}
QUERN_AVX2_INLINE void scaled(float* to, __m256i q, float scale) {
    scaled(to, low_half(q), _mm256_set1_ps(scale));
    scaled(to + 16, high_half(q), _mm256_set1_ps(scale));
}
// to[j] = scale * q[j] - min.
QUERN_AVX2_INLINE void lowered(float* to, __m128i q, __m256 scale, __m256 min) {
    _mm256_storeu_ps(to, _mm256_sub_ps(_mm256_mul_ps(scale, floats(q)), min));
    _mm256_storeu_ps(to + 8, _mm256_sub_ps(_mm256_mul_ps(scale, floats(_mm_unpackhi_epi64(q, q))), min));
}
QUERN_AVX2_INLINE void lowered(float* to, __m256i q, float scale, float min) {
    lowered(to, low_half(q), _mm256_set1_ps(scale), _mm256_set1_ps(min));
    lowered(to + 16, high_half(q), _mm256_set1_ps(scale), _mm256_set1_ps(min));
}
// to[j] = scale * q[j] + base; not lowered() with -base, which would turn the sign of NaNs.
QUERN_AVX2_INLINE void raised(float* to, __m256i q, float scale, float base) {
    const __m256 s = _mm256_set1_ps(scale), b = _mm256_set1_ps(base);
    const __m128i parts[4] = {low_half(q), _mm_unpackhi_epi64(low_half(q), low_half(q)), high_half(q),
                              _mm_unpackhi_epi64(high_half(q), high_half(q))};
    for (int i = 0; i < 4; ++i) _mm256_storeu_ps(to + 8 * i, _mm256_add_ps(_mm256_mul_ps(s, floats(parts[i])), b));
}

// ---- floats of half the size ----

QUERN_AVX2 void f16(const std::byte* from, float* to, std::int64_t n) noexcept {
    const std::int64_t whole = n / 8 * 8;
    for (std::int64_t i = 0; i < whole; i += 8) _mm256_storeu_ps(to + i, _mm256_cvtph_ps(load16(from + 2 * i)));
    codec(DType::f16).decode(from + 2 * whole, to + whole, n - whole);
}

QUERN_AVX2 void bf16(const std::byte* from, float* to, std::int64_t n) noexcept {
    const std::int64_t whole = n / 8 * 8;
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff), infinity = _mm256_set1_epi32(0x7f800000);
    const __m256i quiet = _mm256_set1_epi32(0x00400000);
    for (std::int64_t i = 0; i < whole; i += 8) {
        const __m256i all = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(from + 2 * i)), 16);
        const __m256i nan = _mm256_cmpgt_epi32(_mm256_and_si256(all, magnitude), infinity);
        _mm256_storeu_ps(to + i, _mm256_castsi256_ps(_mm256_or_si256(all, _mm256_and_si256(nan, quiet))));
    }
    codec(DType::bf16).decode(from + 2 * whole, to + whole, n - whole);
}

// ---- blocks of 32 ----

QUERN_AVX2 void q8_0(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const std::byte* b = at<BlockQ8_0>(from, i);
        scaled(to + 32 * i, load32(b + offsetof(BlockQ8_0, qs)), half_at(b + offsetof(BlockQ8_0, d)));
    }
}

QUERN_AVX2 void q4_0(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const std::byte* b = at<BlockQ4_0>(from, i);
        const __m256i q = _mm256_sub_epi8(nibbles(b + offsetof(BlockQ4_0, qs)), _mm256_set1_epi8(8));
        scaled(to + 32 * i, q, half_at(b + offsetof(BlockQ4_0, d)));
    }
}

QUERN_AVX2 void q4_1(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const std::byte* b = at<BlockQ4_1>(from, i);
        raised(to + 32 * i, nibbles(b + offsetof(BlockQ4_1, qs)), half_at(b + offsetof(BlockQ4_1, d)),
               half_at(b + offsetof(BlockQ4_1, m)));
    }
}

QUERN_AVX2 void q5_0(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const std::byte* b = at<BlockQ5_0>(from, i);
        const __m256i q =
            _mm256_or_si256(nibbles(b + offsetof(BlockQ5_0, qs)), bytes_of_bits(b + offsetof(BlockQ5_0, qh), 16));
        scaled(to + 32 * i, _mm256_sub_epi8(q, _mm256_set1_epi8(16)), half_at(b + offsetof(BlockQ5_0, d)));
    }
}

QUERN_AVX2 void q5_1(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const std::byte* b = at<BlockQ5_1>(from, i);
        const __m256i q =
            _mm256_or_si256(nibbles(b + offsetof(BlockQ5_1, qs)), bytes_of_bits(b + offsetof(BlockQ5_1, qh), 16));
        raised(to + 32 * i, q, half_at(b + offsetof(BlockQ5_1, d)), half_at(b + offsetof(BlockQ5_1, m)));
    }
}

// Sixteen values, whole numbers, as bytes to be looked up in.
template <const float (&values)[16]>
QUERN_AVX2_INLINE __m256i table() {
    alignas(16) static constexpr auto bytes = [] {
        struct {
            signed char v[16];
        } t{};
        for (int i = 0; i < 16; ++i) t.v[i] = static_cast<signed char>(values[i]);
        return t;
    }();
    return _mm256_broadcastsi128_si256(load16(bytes.v));
}

QUERN_AVX2 void iq4_nl(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    const __m256i values = table<iq4_values>();
    for (std::int64_t i = 0; i < blocks; ++i) {
        const std::byte* b = at<BlockIQ4_NL>(from, i);
        scaled(to + 32 * i, _mm256_shuffle_epi8(values, nibbles(b + offsetof(BlockIQ4_NL, qs))),
               half_at(b + offsetof(BlockIQ4_NL, d)));
    }
}

QUERN_AVX2 void mxfp4(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    const __m256i values = table<e2m1_doubled>();
    for (std::int64_t i = 0; i < blocks; ++i) {
        const std::byte* b = at<BlockMXFP4>(from, i);
        scaled(to + 32 * i, _mm256_shuffle_epi8(values, nibbles(b + offsetof(BlockMXFP4, qs))),
               half_e8m0(static_cast<std::uint8_t>(b[offsetof(BlockMXFP4, e)])));
    }
}

// ---- blocks of 256 ----

QUERN_AVX2 void iq4_xs(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    const __m256i values = table<iq4_values>();
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const std::byte* b = at<BlockIQ4_XS>(from, i);
        const float d = half_at(b + offsetof(BlockIQ4_XS, d));
        std::uint16_t high;
        std::memcpy(&high, b + offsetof(BlockIQ4_XS, scales_h), sizeof high);
        std::uint8_t low[4];
        std::memcpy(low, b + offsetof(BlockIQ4_XS, scales_l), sizeof low);
        for (int sub = 0; sub < 8; ++sub) {
            const unsigned scale = ((low[sub / 2] >> (sub % 2 * 4)) & 15u) | ((unsigned(high) >> (sub * 2) & 3u) << 4);
            scaled(to + 32 * sub, _mm256_shuffle_epi8(values, nibbles(b + offsetof(BlockIQ4_XS, qs) + 16 * sub)),
                   d * static_cast<float>(static_cast<int>(scale) - 32));
        }
    }
}

// d * scale and dmin * min of the eight sub-blocks of q4_k and q5_k.
struct Affine {
    float scale[8], min[8];
};
template <class Block>
QUERN_AVX2_INLINE Affine affine(const std::byte* b) {
    std::uint8_t packed[12];
    std::memcpy(packed, b + offsetof(Block, scales), sizeof packed);
    const KScales k = unpack_k_scales(packed);
    const __m256 d = _mm256_set1_ps(half_at(b + offsetof(Block, d)));
    const __m256 dmin = _mm256_set1_ps(half_at(b + offsetof(Block, dmin)));
    Affine a;
    _mm256_storeu_ps(a.scale, _mm256_mul_ps(d, floats(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(k.scale)))));
    _mm256_storeu_ps(a.min, _mm256_mul_ps(dmin, floats(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(k.min)))));
    return a;
}

QUERN_AVX2 void q4_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const std::byte* b = at<BlockQ4_K>(from, i);
        const Affine a = affine<BlockQ4_K>(b);
        for (int sub = 0; sub < 8; sub += 2) {
            const __m256i qs = load32(b + offsetof(BlockQ4_K, qs) + 16 * sub);
            lowered(to + 32 * sub, bits<0, 15>(qs), a.scale[sub], a.min[sub]);
            lowered(to + 32 * sub + 32, bits<4, 15>(qs), a.scale[sub + 1], a.min[sub + 1]);
        }
    }
}

QUERN_AVX2 void q5_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const std::byte* b = at<BlockQ5_K>(from, i);
        const Affine a = affine<BlockQ5_K>(b);
        __m256i high = load32(b + offsetof(BlockQ5_K, qh));  // this sub-block's bit lowest
        for (int sub = 0; sub < 8; sub += 2) {
            const __m256i qs = load32(b + offsetof(BlockQ5_K, qs) + 16 * sub);
            const __m256i first = _mm256_slli_epi16(bits<0, 1>(high), 4),
                          second = _mm256_slli_epi16(bits<1, 1>(high), 4);
            lowered(to + 32 * sub, _mm256_or_si256(bits<0, 15>(qs), first), a.scale[sub], a.min[sub]);
            lowered(to + 32 * sub + 32, _mm256_or_si256(bits<4, 15>(qs), second), a.scale[sub + 1], a.min[sub + 1]);
            high = _mm256_srli_epi16(high, 2);
        }
    }
}

// 32 weights of q6_k, the j-th quarter of a half of the block.
template <int j>
QUERN_AVX2_INLINE void q6_k_run(float* to, const std::byte* ql, __m256i qh, const float* scales) {
    const __m256i low = bits<j / 2 * 4, 15>(load32(ql + 32 * (j % 2)));
    const __m256i q = _mm256_or_si256(low, _mm256_slli_epi16(bits<2 * j, 3>(qh), 4));
    const __m256i less = _mm256_sub_epi8(q, _mm256_set1_epi8(32));
    scaled(to + 32 * j, low_half(less), _mm256_broadcast_ss(scales + 2 * j));
    scaled(to + 32 * j + 16, high_half(less), _mm256_broadcast_ss(scales + 2 * j + 1));
}

QUERN_AVX2 void q6_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const std::byte* b = at<BlockQ6_K>(from, i);
        float scales[16];
        scaled(scales, load16(b + offsetof(BlockQ6_K, scales)), _mm256_set1_ps(half_at(b + offsetof(BlockQ6_K, d))));
        for (int part = 0; part < 2; ++part) {
            const std::byte* ql = b + offsetof(BlockQ6_K, ql) + 64 * part;
            const __m256i qh = load32(b + offsetof(BlockQ6_K, qh) + 32 * part);
            q6_k_run<0>(to + 128 * part, ql, qh, scales + 8 * part);
            q6_k_run<1>(to + 128 * part, ql, qh, scales + 8 * part);
            q6_k_run<2>(to + 128 * part, ql, qh, scales + 8 * part);
            q6_k_run<3>(to + 128 * part, ql, qh, scales + 8 * part);
        }
    }
}

// 32 weights of q2_k, the j-th quarter of a half of the block.
template <int j>
QUERN_AVX2_INLINE void q2_k_run(float* to, __m256i qs, const float* scales, const float* mins) {
    const __m256i q = bits<2 * j, 3>(qs);
    lowered(to + 32 * j, low_half(q), _mm256_broadcast_ss(scales + 2 * j), _mm256_broadcast_ss(mins + 2 * j));
    lowered(to + 32 * j + 16, high_half(q), _mm256_broadcast_ss(scales + 2 * j + 1),
            _mm256_broadcast_ss(mins + 2 * j + 1));
}

QUERN_AVX2 void q2_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    const __m128i nibble = _mm_set1_epi8(15);
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const std::byte* b = at<BlockQ2_K>(from, i);
        const __m128i packed = load16(b + offsetof(BlockQ2_K, scales));
        float scales[16], mins[16];
        scaled(scales, _mm_and_si128(packed, nibble), _mm256_set1_ps(half_at(b + offsetof(BlockQ2_K, d))));
        scaled(mins, _mm_and_si128(_mm_srli_epi16(packed, 4), nibble),
               _mm256_set1_ps(half_at(b + offsetof(BlockQ2_K, dmin))));
        for (int part = 0; part < 2; ++part) {
            const __m256i qs = load32(b + offsetof(BlockQ2_K, qs) + 32 * part);
            q2_k_run<0>(to + 128 * part, qs, scales + 8 * part, mins + 8 * part);
            q2_k_run<1>(to + 128 * part, qs, scales + 8 * part, mins + 8 * part);
            q2_k_run<2>(to + 128 * part, qs, scales + 8 * part, mins + 8 * part);
            q2_k_run<3>(to + 128 * part, qs, scales + 8 * part, mins + 8 * part);
        }
    }
}

// 32 weights of q3_k, the j-th quarter of a half of the block, whose third bits are bit j of each byte of `third`.
template <int j>
QUERN_AVX2_INLINE void q3_k_run(float* to, __m256i qs, __m256i third, const float* scales) {
    const __m256i q = _mm256_or_si256(bits<2 * j, 3>(qs), _mm256_slli_epi16(bits<j, 1>(third), 2));
    const __m256i less = _mm256_sub_epi8(q, _mm256_set1_epi8(4));
    scaled(to + 32 * j, low_half(less), _mm256_broadcast_ss(scales + 2 * j));
    scaled(to + 32 * j + 16, high_half(less), _mm256_broadcast_ss(scales + 2 * j + 1));
}

QUERN_AVX2 void q3_k(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 256) {
        const std::byte* b = at<BlockQ3_K>(from, i);
        std::uint8_t packed[12];
        std::memcpy(packed, b + offsetof(BlockQ3_K, scales), sizeof packed);
        alignas(16) std::int8_t whole[16];
        for (int sub = 0; sub < 16; ++sub) {
            const int low = (packed[sub % 8] >> (sub / 8 * 4)) & 15, high = (packed[8 + sub % 4] >> (sub / 4 * 2)) & 3;
            whole[sub] = static_cast<std::int8_t>((low | (high << 4)) - 32);
        }
        float scales[16];
        scaled(scales, load16(whole), _mm256_set1_ps(half_at(b + offsetof(BlockQ3_K, d))));
        const __m256i hmask = load32(b + offsetof(BlockQ3_K, hmask));
        for (int part = 0; part < 2; ++part) {
            const __m256i qs = load32(b + offsetof(BlockQ3_K, qs) + 32 * part);
            const __m256i third = part == 0 ? hmask : _mm256_srli_epi16(hmask, 4);
            q3_k_run<0>(to + 128 * part, qs, third, scales + 8 * part);
            q3_k_run<1>(to + 128 * part, qs, third, scales + 8 * part);
            q3_k_run<2>(to + 128 * part, qs, third, scales + 8 * part);
            q3_k_run<3>(to + 128 * part, qs, third, scales + 8 * part);
        }
    }
}

Decode decoder(DType dtype) {
    switch (dtype) {
        case DType::f16:
            return f16;
        case DType::bf16:
            return bf16;
        case DType::q8_0:
            return q8_0;
        case DType::q4_0:
            return q4_0;
        case DType::q4_1:
            return q4_1;
        case DType::q5_0:
            return q5_0;
        case DType::q5_1:
            return q5_1;
        case DType::iq4_nl:
            return iq4_nl;
        case DType::mxfp4:
            return mxfp4;
        case DType::iq4_xs:
            return iq4_xs;
        case DType::q2_k:
            return q2_k;
        case DType::q3_k:
            return q3_k;
        case DType::q4_k:
            return q4_k;
        case DType::q5_k:
            return q5_k;
        case DType::q6_k:
            return q6_k;
        default:
            return codec(dtype).decode;
    }
}

}  // namespace

void widen(DType dtype, const std::byte* from, float* to, std::int64_t n) noexcept {
    decoder(dtype)(from, to, n / info(dtype).block);
}

}  // namespace quern::x86
