// quantize and linear_q8 of class "i8" with AVX2. A block of 256 of some weight rows is unpacked into bytes, eight rows
// to a panel, which stays in the first-level cache while it meets rows of x; a lane of the sums is a weight row, so
// that eight dots are scaled and added at once.
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels/matrix.h"
#include "kernels/spec.h"
#include "kernels/x86/bytes.avx2.h"
#include "ops/linear_q8.h"
#include "tensor/quant/q2_k.h"
#include "tensor/quant/q3_k.h"
#include "tensor/quant/q4_k.h"
#include "tensor/quant/q5_k.h"
#include "tensor/quant/q6_k.h"
#include "tensor/quant/q8_k.h"

#define QUERN_AVX2 [[gnu::target("avx2,fma,f16c")]]
#define QUERN_AVX2_INLINE [[gnu::target("avx2,fma,f16c"), gnu::always_inline]] inline

namespace quern::x86 {
namespace {

constexpr std::int64_t block = 256;
constexpr int lanes = 8;  // weight rows that are computed together

// ---- unpacking ----

// A block of a weight row as products need it. Weight j is d * scale * (q - offset) - dmin * min; offsets are folded
// into `less`, which is scale * offset of each sixteen.
struct alignas(32) Unpacked {
    std::uint8_t q[block];
    std::int16_t scale[8][16];  // of 32 weights: that of the first sixteen eight times, then that of the second
    std::int16_t less[16];      // by sixteen
    std::int16_t min[16];
    float d, dmin;
};

QUERN_AVX2_INLINE void put(Unpacked& u, int j, __m256i q) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(u.q + 32 * j), q);
}

// Spreads sixteen signed bytes, the scales in order.
QUERN_AVX2_INLINE void put_scales(Unpacked& u, __m128i scales) {
    const __m128i even_odd = _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    const __m256i wide = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(scales, even_odd));
    for (int j = 0; j < 8; ++j)
        _mm256_store_si256(reinterpret_cast<__m256i*>(u.scale[j]),
                           _mm256_shuffle_epi8(wide, _mm256_set1_epi16(static_cast<short>(0x0100 + 0x0202 * j))));
}
template <int shift>  // the offset is 1 << shift
QUERN_AVX2_INLINE void put_less(Unpacked& u, __m128i scales) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(u.less), _mm256_slli_epi16(_mm256_cvtepi8_epi16(scales), shift));
}
QUERN_AVX2_INLINE void put_mins(Unpacked& u, __m128i mins) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(u.min), _mm256_cvtepi8_epi16(mins));
}

struct Q2K {
    using Block = BlockQ2_K;
    static constexpr bool mins = true, offset = false;
    QUERN_AVX2_INLINE static void unpack(const std::byte* b, Unpacked& u) {
        const __m128i packed = load16(b + offsetof(Block, scales)), nibble = _mm_set1_epi8(15);
        put_scales(u, _mm_and_si128(packed, nibble));
        put_mins(u, _mm_and_si128(_mm_srli_epi16(packed, 4), nibble));
        u.d = half_at(b + offsetof(Block, d));
        u.dmin = half_at(b + offsetof(Block, dmin));
        for (int part = 0; part < 2; ++part) {
            const __m256i qs = load32(b + offsetof(Block, qs) + 32 * part);
            put(u, 4 * part, bits<0, 3>(qs));
            put(u, 4 * part + 1, bits<2, 3>(qs));
            put(u, 4 * part + 2, bits<4, 3>(qs));
            put(u, 4 * part + 3, bits<6, 3>(qs));
        }
    }
};

struct Q3K {
    using Block = BlockQ3_K;
    static constexpr bool mins = false, offset = true;
    template <int j>
    QUERN_AVX2_INLINE static void quarter(Unpacked& u, int part, __m256i qs, __m256i third) {
        put(u, 4 * part + j, _mm256_or_si256(bits<2 * j, 3>(qs), _mm256_slli_epi16(bits<j, 1>(third), 2)));
    }
    QUERN_AVX2_INLINE static void unpack(const std::byte* b, Unpacked& u) {
        std::uint8_t packed[12];
        std::memcpy(packed, b + offsetof(Block, scales), sizeof packed);
        alignas(16) std::int8_t scale[16];
        for (int r = 0; r < 16; ++r) {
            const int low = (packed[r % 8] >> (r / 8 * 4)) & 15, high = (packed[8 + r % 4] >> (r / 4 * 2)) & 3;
            scale[r] = static_cast<std::int8_t>((low | (high << 4)) - 32);
        }
        put_scales(u, load16(scale));
        put_less<2>(u, load16(scale));
        u.d = half_at(b + offsetof(Block, d));
        const __m256i hmask = load32(b + offsetof(Block, hmask));
        for (int part = 0; part < 2; ++part) {
            const __m256i qs = load32(b + offsetof(Block, qs) + 32 * part);
            const __m256i third = part == 0 ? hmask : _mm256_srli_epi16(hmask, 4);
            quarter<0>(u, part, qs, third);
            quarter<1>(u, part, qs, third);
            quarter<2>(u, part, qs, third);
            quarter<3>(u, part, qs, third);
        }
    }
};

QUERN_AVX2_INLINE __m128i pair(std::uint32_t low, std::uint32_t high) {
    return _mm_cvtsi64_si128(static_cast<long long>(low | (std::uint64_t(high) << 32)));
}

// What q4_k and q5_k share: scales and mins of each 32.
template <class Block>
QUERN_AVX2_INLINE void unpack_affine(const std::byte* b, Unpacked& u) {
    std::uint32_t p[3];  // k_scales.h, four bytes at a time
    std::memcpy(p, b + offsetof(Block, scales), sizeof p);
    constexpr std::uint32_t six = 0x3f3f3f3f, four = 0x0f0f0f0f, two = 0x30303030;
    const __m128i scale = pair(p[0] & six, (p[2] & four) | ((p[0] >> 2) & two));
    const __m128i min = pair(p[1] & six, ((p[2] >> 4) & four) | ((p[1] >> 2) & two));
    put_scales(u, _mm_unpacklo_epi8(scale, scale));
    put_mins(u, _mm_unpacklo_epi8(min, min));
    u.d = half_at(b + offsetof(Block, d));
    u.dmin = half_at(b + offsetof(Block, dmin));
}

struct Q4K {
    using Block = BlockQ4_K;
    static constexpr bool mins = true, offset = false;
    QUERN_AVX2_INLINE static void unpack(const std::byte* b, Unpacked& u) {
        unpack_affine<Block>(b, u);
        for (int j = 0; j < 8; j += 2) {
            const __m256i qs = load32(b + offsetof(Block, qs) + 16 * j);
            put(u, j, bits<0, 15>(qs));
            put(u, j + 1, bits<4, 15>(qs));
        }
    }
};

struct Q5K {
    using Block = BlockQ5_K;
    static constexpr bool mins = true, offset = false;
    QUERN_AVX2_INLINE static void unpack(const std::byte* b, Unpacked& u) {
        unpack_affine<Block>(b, u);
        __m256i high = load32(b + offsetof(Block, qh));  // the next 32 weights' bits lowest
        for (int j = 0; j < 8; j += 2) {
            const __m256i qs = load32(b + offsetof(Block, qs) + 16 * j);
            put(u, j, _mm256_or_si256(bits<0, 15>(qs), _mm256_slli_epi16(bits<0, 1>(high), 4)));
            put(u, j + 1, _mm256_or_si256(bits<4, 15>(qs), _mm256_slli_epi16(bits<1, 1>(high), 4)));
            high = _mm256_srli_epi16(high, 2);
        }
    }
};

struct Q6K {
    using Block = BlockQ6_K;
    static constexpr bool mins = false, offset = true;
    template <int j>
    QUERN_AVX2_INLINE static void quarter(Unpacked& u, int part, const std::byte* ql, __m256i qh) {
        const __m256i low = bits<j / 2 * 4, 15>(load32(ql + 32 * (j % 2)));
        put(u, 4 * part + j, _mm256_or_si256(low, _mm256_slli_epi16(bits<2 * j, 3>(qh), 4)));
    }
    QUERN_AVX2_INLINE static void unpack(const std::byte* b, Unpacked& u) {
        const __m128i scale = load16(b + offsetof(Block, scales));
        put_scales(u, scale);
        put_less<5>(u, scale);
        u.d = half_at(b + offsetof(Block, d));
        for (int part = 0; part < 2; ++part) {
            const std::byte* ql = b + offsetof(Block, ql) + 64 * part;
            const __m256i qh = load32(b + offsetof(Block, qh) + 32 * part);
            quarter<0>(u, part, ql, qh);
            quarter<1>(u, part, ql, qh);
            quarter<2>(u, part, ql, qh);
            quarter<3>(u, part, ql, qh);
        }
    }
};

// ---- products ----

// The sums of the eight lanes of each of eight vectors, as one vector.
QUERN_AVX2_INLINE __m256i sums_of(const __m256i (&v)[lanes]) {
    const __m256i a = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    const __m256i b = _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
}

// Ends what the compiler may put off: it would gather all products of eight rows first, and spill most of them.
QUERN_AVX2_INLINE void keep(__m256i& v) { asm volatile("" : "+x"(v)); }

// sum of scale * q * x over the block, in eight lanes. Pairs of products stay below 63 * 127 * 2, within 16 bits.
template <class Format>
QUERN_AVX2_INLINE __m256i dot(const Unpacked& w, const __m256i (&x)[8], __m256i x_sums) {
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
        const __m256i q = _mm256_load_si256(reinterpret_cast<const __m256i*>(w.q + 32 * j));
        const __m256i scale = _mm256_load_si256(reinterpret_cast<const __m256i*>(w.scale[j]));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(q, x[j]), scale));
        keep(sum);
    }
    if constexpr (Format::offset)
        sum = _mm256_sub_epi32(sum,
                               _mm256_madd_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(w.less)), x_sums));
    return sum;
}

// Adds a block of eight weight rows times one of x to y.
template <class Format>
QUERN_AVX2_INLINE __m256 times(const Unpacked (&w)[lanes], __m256 d, __m256 dmin, const std::byte* x, __m256 y) {
    __m256i a[8];
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) a[j] = load32(x + offsetof(BlockQ8_K, qs) + 32 * j);
    const __m256i x_sums = load32(x + offsetof(BlockQ8_K, sums));
    float scale;
    std::memcpy(&scale, x + offsetof(BlockQ8_K, d), sizeof scale);
    const __m256 dx = _mm256_set1_ps(scale);
    __m256i each[lanes];
#pragma GCC unroll 8
    for (int r = 0; r < lanes; ++r) each[r] = dot<Format>(w[r], a, x_sums);
    y = _mm256_fmadd_ps(_mm256_mul_ps(d, dx), _mm256_cvtepi32_ps(sums_of(each)), y);
    if constexpr (Format::mins) {
#pragma GCC unroll 8
        for (int r = 0; r < lanes; ++r)
            each[r] = _mm256_madd_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(w[r].min)), x_sums);
        y = _mm256_fnmadd_ps(_mm256_mul_ps(dmin, dx), _mm256_cvtepi32_ps(sums_of(each)), y);
    }
    return y;
}

// Weight rows that are unpacked together. With many rows of x they are so many that x is read through few times; with
// few, eight at a time, which the next ones' prefetching can hide behind.
constexpr std::int64_t few = 8, many_rows = 64;
constexpr std::int64_t stripe = 32;  // rows of x whose block stays in the first-level cache

std::int64_t rows_of_item(const LinearQ8Args& a) { return a.x.rows() <= few ? rows_per_item : many_rows; }
std::int64_t rows_together(const LinearQ8Args& a) { return a.x.rows() <= few ? lanes : many_rows; }

// A block of eight weight rows.
struct alignas(32) Panel {
    Unpacked w[lanes];
    float d[lanes], dmin[lanes];
};

// Block i of rows [first, last), eight at most; what is missing of eight repeats the last.
template <class Format>
QUERN_AVX2 void unpack(const Matrix& weight, std::int64_t i, std::int64_t first, std::int64_t last, Panel& p) {
    for (int r = 0; r < lanes; ++r) {
        Format::unpack(weight.at(std::min(first + r, last - 1), i * block), p.w[r]);
        p.d[r] = p.w[r].d;
        p.dmin[r] = Format::mins ? p.w[r].dmin : 0.0f;
    }
}

// Adds block i of a panel times rows [t, end) of x to their sums.
template <class Format>
QUERN_AVX2 void times_rows(const Panel& p, const View& x, std::int64_t i, std::int64_t t, std::int64_t end,
                           float* sums) {
    const __m256 d = _mm256_load_ps(p.d), dmin = _mm256_load_ps(p.dmin);
    for (; t < end; ++t) {
        const std::byte* from = x.row<std::byte>(t) + i * std::int64_t(sizeof(BlockQ8_K));
        _mm256_store_ps(sums + t * lanes, times<Format>(p.w, d, dmin, from, _mm256_load_ps(sums + t * lanes)));
    }
}

// Eight rows in turn are no stream that the processor would see: while block i of `count` rows is computed, its share
// of as many rows behind them is asked for, as they lie in memory.
template <class Format>
QUERN_AVX2_INLINE void prefetch_behind(const Matrix& weight, std::int64_t first, std::int64_t count, std::int64_t i) {
    const std::int64_t share = count * std::int64_t(sizeof(typename Format::Block));
    const std::byte* from = weight.at(first, 0) + count * weight.stride + i * share;
    for (std::int64_t at = 0; at < share; at += 64) _mm_prefetch(reinterpret_cast<const char*>(from + at), _MM_HINT_T1);
}

// Weight rows [first, last), many_rows at most, with all rows of x.
template <class Format>
QUERN_AVX2 void rows_times(const LinearQ8Args& a, std::int64_t first, std::int64_t last, std::byte* workspace) {
    const Matrix weight = matrix_of(a.weight);
    const std::int64_t rows = a.x.rows(), panels = (last - first + lanes - 1) / lanes;
    auto* panel = reinterpret_cast<Panel*>(workspace);
    auto* sums = reinterpret_cast<float*>(panel + panels);
    std::fill_n(sums, panels * rows * lanes, 0.0f);
    for (std::int64_t i = 0; i < weight.k / block; ++i) {
        if (rows <= few) prefetch_behind<Format>(weight, first, lanes, i);
        for (std::int64_t p = 0; p < panels; ++p) unpack<Format>(weight, i, first + p * lanes, last, panel[p]);
        for (std::int64_t t = 0; t < rows; t += stripe)
            for (std::int64_t p = 0; p < panels; ++p)
                times_rows<Format>(panel[p], a.x, i, t, std::min(t + stripe, rows), sums + p * rows * lanes);
    }
    for (std::int64_t t = 0; t < rows; ++t)
        for (std::int64_t n = first; n < last; ++n) {
            const float y = sums[((n - first) / lanes * rows + t) * lanes + (n - first) % lanes];
            a.y.row(t)[n] = a.bias ? y + a.bias.row(0)[n] : y;
        }
}

std::int64_t items(const void* args) noexcept {
    const auto& a = *static_cast<const LinearQ8Args*>(args);
    return (a.weight.rows() + rows_of_item(a) - 1) / rows_of_item(a);
}
std::size_t workspace(const void* args) noexcept {
    const auto& a = *static_cast<const LinearQ8Args*>(args);
    const auto panels = static_cast<std::size_t>(rows_together(a) / lanes);
    return panels * (sizeof(Panel) + static_cast<std::size_t>(a.x.rows()) * lanes * sizeof(float));
}

template <class Format>
void rows_of_items(const LinearQ8Args& a, const Work& work) {
    const std::int64_t step = rows_together(a), last = std::min(work.end * rows_of_item(a), a.weight.rows());
    for (std::int64_t n = work.begin * rows_of_item(a); n < last; n += step)
        rows_times<Format>(a, n, std::min(n + step, last), work.workspace);
}

Status linear_q8(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const LinearQ8Args*>(args);
    switch (a.weight.dtype) {
        case DType::q2_k:
            rows_of_items<Q2K>(a, work);
            break;
        case DType::q3_k:
            rows_of_items<Q3K>(a, work);
            break;
        case DType::q4_k:
            rows_of_items<Q4K>(a, work);
            break;
        case DType::q5_k:
            rows_of_items<Q5K>(a, work);
            break;
        default:
            rows_of_items<Q6K>(a, work);
            break;
    }
    return Status::ok;
}

// ---- quantize ----

// The largest magnitude's sign goes into the scale, the first of equals deciding; infinite and NaN are told apart
// before.
QUERN_AVX2 bool scale_of(const float* x, float& d) {
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    __m256 most = _mm256_setzero_ps(), strange = _mm256_setzero_ps();
    const __m256 infinity = _mm256_set1_ps(std::numeric_limits<float>::infinity());
    for (int i = 0; i < block; i += 8) {
        const __m256 size = _mm256_and_ps(_mm256_loadu_ps(x + i), magnitude);
        strange = _mm256_or_ps(strange, _mm256_cmp_ps(size, infinity, _CMP_NLT_UQ));
        most = _mm256_max_ps(size, most);
    }
    if (_mm256_movemask_ps(strange) != 0) return false;
    alignas(32) float sizes[8];
    _mm256_store_ps(sizes, most);
    const __m256 peak = _mm256_set1_ps(*std::max_element(sizes, sizes + 8));
    for (int i = 0; i < block; i += 8) {
        const __m256 v = _mm256_loadu_ps(x + i);
        const int here = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_and_ps(v, magnitude), peak, _CMP_EQ_OQ));
        if (here == 0) continue;
        d = x[i + __builtin_ctz(static_cast<unsigned>(here))] / -127.0f;
        break;
    }
    return true;
}

// To the nearest integer, halves away from zero, within [-127, 127]; NaN, of 0 times an infinite inverse, gives -127.
QUERN_AVX2_INLINE __m256i rounded(__m256 v) {
    v = _mm256_min_ps(_mm256_max_ps(v, _mm256_set1_ps(-127.0f)), _mm256_set1_ps(127.0f));
    const __m256i whole = _mm256_cvttps_epi32(v);
    const __m256 rest = _mm256_sub_ps(v, _mm256_cvtepi32_ps(whole));
    const __m256i up = _mm256_castps_si256(_mm256_cmp_ps(rest, _mm256_set1_ps(0.5f), _CMP_GE_OQ));
    const __m256i down = _mm256_castps_si256(_mm256_cmp_ps(rest, _mm256_set1_ps(-0.5f), _CMP_LE_OQ));
    return _mm256_add_epi32(_mm256_sub_epi32(whole, up), down);
}

QUERN_AVX2 void quantize_block(const float* x, std::byte* to) {
    BlockQ8_K b{std::numeric_limits<float>::quiet_NaN(), {}, {}};
    if (scale_of(x, b.d)) {
        const __m256 inverse = _mm256_set1_ps(b.d == 0.0f ? 0.0f : 1.0f / b.d);
        for (int r = 0; r < 16; ++r) {
            const __m256i first = rounded(_mm256_mul_ps(_mm256_loadu_ps(x + 16 * r), inverse));
            const __m256i second = rounded(_mm256_mul_ps(_mm256_loadu_ps(x + 16 * r + 8), inverse));
            const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xd8);
            const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
            std::memcpy(b.qs + 16 * r, &bytes, sizeof bytes);
            alignas(32) std::int32_t each[8];
            _mm256_store_si256(reinterpret_cast<__m256i*>(each), _mm256_add_epi32(first, second));
            std::int32_t sum = 0;
            for (const std::int32_t e : each) sum += e;
            b.sums[r] = static_cast<std::int16_t>(sum);
        }
    }
    std::memcpy(to, &b, sizeof b);
}

std::int64_t quantize_items(const void* args) noexcept { return static_cast<const QuantizeArgs*>(args)->x.rows(); }

Status quantize(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const QuantizeArgs*>(args);
    for (std::int64_t t = work.begin; t < work.end; ++t)
        for (std::int64_t i = 0; i < a.x.last() / block; ++i)
            quantize_block(a.x.row(t) + i * block, a.y.row<std::byte>(t) + i * std::int64_t(sizeof(BlockQ8_K)));
    return Status::ok;
}

constexpr KernelSpec linear_spec{.id = "linear_q8.i8.avx2",
                                 .op = Op::linear_q8,
                                 .home = Home::x86,
                                 .needs = Isa::avx2_fma,
                                 .weight = {DType::q2_k, DType::q3_k, DType::q4_k, DType::q5_k, DType::q6_k},
                                 .numerics = Numerics::i8,
                                 .speed = {48, 6},
                                 .items = items,
                                 .workspace = workspace,
                                 .run = linear_q8};
constexpr KernelSpec quantize_spec{.id = "quantize.avx2",
                                   .op = Op::quantize,
                                   .home = Home::x86,
                                   .needs = Isa::avx2_fma,
                                   .speed = {8, 8},
                                   .items = quantize_items,
                                   .run = quantize};
const Registered registered_linear{linear_spec}, registered_quantize{quantize_spec};

}  // namespace
}  // namespace quern::x86
