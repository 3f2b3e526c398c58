// attend of class "tile64" with AVX2 and FMA. An item is a few query rows and some of the query heads that share a
// key-value head: a tile of K and V is widened once and meets all of them.
#include <limits>

#include "kernels/attend_shape.h"
#include "kernels/spec.h"
#include "kernels/x86/dot16.avx2.h"
#include "kernels/x86/math.avx2.h"
#include "kernels/x86/widen.h"
#include "ops/attend.h"

namespace quern::x86 {
namespace {

constexpr float none = -std::numeric_limits<float>::infinity();
constexpr std::int64_t chunk = 1024;       // elements after which the class folds lanes
constexpr std::int64_t block_rows = 8;     // query rows that share a widened tile
constexpr std::int64_t enough_items = 16;  // below it, heads of a group are given to different workers

// How the job is cut.
struct Cut {
    std::int64_t rows;    // of an item
    std::int64_t blocks;  // of rows
    std::int64_t heads;   // of an item
    std::int64_t pieces;  // of heads
};
Cut cut(const AttendArgs& a) {
    // Rows of different sequences share nothing: in steps that mostly decode, each row is an item of its own.
    const std::int64_t rows = a.q.rows() <= 2 * a.ragged.sequences ? 1 : block_rows;
    const std::int64_t blocks = (a.q.rows() + rows - 1) / rows;
    std::int64_t heads = a.q.dim[1] / a.kv_heads;
    while (heads % 2 == 0 && blocks * (a.q.dim[1] / heads) < enough_items) heads /= 2;
    return {rows, blocks, heads, a.q.dim[1] / heads};
}

std::int64_t items(const void* args) noexcept {
    const Cut c = cut(*static_cast<const AttendArgs*>(args));
    return c.blocks * c.pieces;
}

// One query's softmax so far, as in the scalar model; its weighted sum of v lies in Space::sums.
struct Query {
    float highest, total;
    std::int64_t t, head;
};

struct Space {
    float *k, *v;    // [page_rows, head_dim] a tile, where it is not read in place
    float* p;        // [page_rows] scores, then their exponentials
    float* tile;     // [head_dim] one query's sum over a tile
    float* sums;     // [queries, head_dim]
    Query* queries;  // [queries]
};

// At most; the same for every step, though steps are cut differently.
std::int64_t queries_of(const AttendArgs& a) { return block_rows * (a.q.dim[1] / a.kv_heads); }
std::int64_t padded(std::int64_t n) { return (n + 15) / 16 * 16; }
std::size_t workspace(const void* args) noexcept {
    const auto& a = *static_cast<const AttendArgs*>(args);
    const std::int64_t head_dim = padded(a.q.dim[2]), queries = queries_of(a);
    const auto floats = static_cast<std::size_t>((2 * page_rows + 1 + queries) * head_dim + page_rows);
    return floats * sizeof(float) + static_cast<std::size_t>(queries) * sizeof(Query);
}
Space space_of(const AttendArgs& a, std::byte* at) {
    const std::int64_t head_dim = padded(a.q.dim[2]), queries = queries_of(a);
    auto* f = reinterpret_cast<float*>(at);
    Space s{};
    s.k = f;
    s.v = s.k + page_rows * head_dim;
    s.p = s.v + page_rows * head_dim;
    s.tile = s.p + page_rows;
    s.sums = s.tile + head_dim;
    s.queries = reinterpret_cast<Query*>(s.sums + queries * head_dim);
    return s;
}

// Rows of a tile as floats: row j of the source at data + (j - first) * stride.
struct Tile {
    std::int64_t first;
    const float* data;
    std::int64_t stride;  // floats
    const float* row(std::int64_t j) const { return data + (j - first) * stride; }
};

Tile load_tile(const PagedView& view, std::int32_t sequence, RowRange rows, std::int64_t kv_head, std::int64_t head_dim,
               float* to) {
    const DTypeInfo& type = info(view.dtype);
    const std::byte* from = view.row(sequence, rows.begin) + kv_head * head_dim / type.block * type.bytes;
    if (view.dtype == DType::f32)
        return {rows.begin, reinterpret_cast<const float*>(from), view.row_stride / std::int64_t(sizeof(float))};
    const std::int64_t stride = padded(head_dim);
    for (std::int64_t j = rows.begin; j < rows.end; ++j)
        widen(view.dtype, from + (j - rows.begin) * view.row_stride, to + (j - rows.begin) * stride, head_dim);
    return {rows.begin, to, stride};
}

// p[j - rows.begin] = q . k[j]
void dot_rows(const float* q, const Tile& k, RowRange rows, std::int64_t head_dim, float* p) {
    for (std::int64_t j = rows.begin; j < rows.end; j += 4) {
        const std::int64_t count = std::min<std::int64_t>(4, rows.end - j);
        float sum[4] = {};
        for (std::int64_t first = 0; first < head_dim; first += chunk) {
            const float *w[4], *x = q + first;
            for (std::int64_t i = 0; i < 4; ++i) w[i] = k.row(j + std::min(i, count - 1)) + first;
            float out[4];
            dots<4, 1>(w, &x, std::min(chunk, head_dim - first), out);
            for (int i = 0; i < 4; ++i) sum[i] += out[i];
        }
        for (std::int64_t i = 0; i < count; ++i) p[j - rows.begin + i] = sum[i];
    }
}

// Scales and caps scores and takes the exponentials of their distance to the highest, which is returned. NaN is not
// higher than anything, as in the model.
[[gnu::target("avx2,fma")]] float exponentials(const AttendArgs& a, float* p, std::int64_t n) {
    for (std::int64_t i = n; i % 8 != 0; ++i) p[i] = none;
    const __m256 scale = _mm256_set1_ps(a.scale), cap = _mm256_set1_ps(a.softcap);
    __m256 highest8 = _mm256_set1_ps(none);
    for (std::int64_t i = 0; i < n; i += 8) {
        __m256 score = _mm256_mul_ps(_mm256_loadu_ps(p + i), scale);
        if (a.softcap > 0) score = _mm256_mul_ps(cap, tanh_f32(_mm256_div_ps(score, cap)));
        if (n - i < 8) {  // padding times a scale below 0, or capped, would be higher than none
            const __m256 valid = _mm256_castsi256_ps(first_lanes(n - i));
            score = _mm256_blendv_ps(_mm256_set1_ps(none), score, valid);
        }
        highest8 = _mm256_max_ps(score, highest8);  // gives the second where one is NaN
        _mm256_storeu_ps(p + i, score);
    }
    alignas(32) float lane[8];
    _mm256_store_ps(lane, highest8);
    float highest = none;
    for (const float x : lane) highest = x > highest ? x : highest;
    const __m256 h = _mm256_set1_ps(highest);
    for (std::int64_t i = 0; i < n; i += 8) _mm256_storeu_ps(p + i, exp_f32(_mm256_sub_ps(_mm256_loadu_ps(p + i), h)));
    return highest;
}

// to[d] = fma chain of p[j] * v[j][d] over rows, for 8 * registers elements from v on. Returns the sum of p, which is
// taken along since its chain of additions would otherwise be waited for.
template <int registers>
[[gnu::target("avx2,fma")]] float sum_rows(const float* p, const float* v, std::int64_t stride, std::int64_t n,
                                           float* to) {
    __m256 sum[registers];
#pragma GCC unroll 8
    for (int i = 0; i < registers; ++i) sum[i] = _mm256_setzero_ps();
    float total = 0;
    for (std::int64_t j = 0; j < n; ++j) {
        const __m256 weight = _mm256_set1_ps(p[j]);
        total += p[j];
#pragma GCC unroll 8
        for (int i = 0; i < registers; ++i)
            sum[i] = _mm256_fmadd_ps(weight, _mm256_loadu_ps(v + j * stride + 8 * i), sum[i]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < registers; ++i) _mm256_storeu_ps(to + 8 * i, sum[i]);
    return total;
}

// The same for the last elements, fewer than eight.
[[gnu::target("avx2,fma")]] float sum_rows_tail(const float* p, const float* v, std::int64_t stride, std::int64_t n,
                                                std::int64_t elements, float* to) {
    const __m256i mask = first_lanes(elements);
    __m256 sum = _mm256_setzero_ps();
    float total = 0;
    for (std::int64_t j = 0; j < n; ++j) {
        total += p[j];
        sum = _mm256_fmadd_ps(_mm256_set1_ps(p[j]), _mm256_maskload_ps(v + j * stride, mask), sum);
    }
    _mm256_maskstore_ps(to, mask, sum);
    return total;
}

float sum_tile(const float* p, const Tile& v, RowRange rows, std::int64_t head_dim, float* to) {
    const std::int64_t n = rows.end - rows.begin;
    const float* from = v.row(rows.begin);
    float total = 0;
    std::int64_t d = 0;
    for (; d + 64 <= head_dim; d += 64) total = sum_rows<8>(p, from + d, v.stride, n, to + d);
    if (d + 32 <= head_dim) total = sum_rows<4>(p, from + d, v.stride, n, to + d), d += 32;
    if (d + 16 <= head_dim) total = sum_rows<2>(p, from + d, v.stride, n, to + d), d += 16;
    if (d + 8 <= head_dim) total = sum_rows<1>(p, from + d, v.stride, n, to + d), d += 8;
    if (d < head_dim) total = sum_rows_tail(p, from + d, v.stride, n, head_dim - d, to + d);
    return total;
}

// Merges a tile into a query's softmax, both sides scaled to the higher of their highest scores.
[[gnu::target("avx2,fma")]] void merge(Query& query, float highest, float total, const float* tile, float* sum,
                                       std::int64_t head_dim) {
    const float merged = highest > query.highest ? highest : query.highest;
    alignas(32) float part[8];
    const __m256 distance = _mm256_setr_ps(query.highest - merged, highest - merged, 0, 0, 0, 0, 0, 0);
    _mm256_store_ps(part, exp_f32(distance));
    query.highest = merged;
    query.total = query.total * part[0] + total * part[1];
    const __m256 old_part = _mm256_set1_ps(part[0]), new_part = _mm256_set1_ps(part[1]);
    for (std::int64_t d = 0; d < head_dim; d += 8) {  // both are padded
        const __m256 old_sum = _mm256_mul_ps(_mm256_loadu_ps(sum + d), old_part);
        const __m256 new_sum = _mm256_mul_ps(_mm256_loadu_ps(tile + d), new_part);
        _mm256_storeu_ps(sum + d, _mm256_add_ps(old_sum, new_sum));
    }
}

// Rows [t, last) of one sequence and `heads` query heads from `head` on.
struct Segment {
    std::int64_t t, last, head, heads;
    std::int32_t sequence;
};

void add_source(const AttendArgs& a, const AttendSource& source, const Segment& s, const Space& space) {
    const std::int64_t head_dim = a.q.dim[2], kv_head = s.head / (a.q.dim[1] / a.kv_heads);
    // Both ends of what a token sees move forward with the token.
    const RowRange all{seen_rows(source, a.ragged.index(s.t)).begin, seen_rows(source, a.ragged.index(s.last - 1)).end};
    for (std::int64_t j = all.begin; j < all.end; j = (j / page_rows + 1) * page_rows) {
        const RowRange rows{j, std::min(all.end, (j / page_rows + 1) * page_rows)};
        if (!has_page(source.k, s.sequence, j) || !has_page(source.v, s.sequence, j)) continue;  // nobody sees it
        const Tile k = load_tile(source.k, s.sequence, rows, kv_head, head_dim, space.k);
        const Tile v = load_tile(source.v, s.sequence, rows, kv_head, head_dim, space.v);
        for (std::int64_t i = 0; i < (s.last - s.t) * s.heads; ++i) {
            Query& query = space.queries[i];
            const RowRange seen = seen_rows(source, a.ragged.index(query.t));
            const RowRange mine{std::max(seen.begin, rows.begin), std::min(seen.end, rows.end)};
            if (mine.empty()) continue;
            dot_rows(a.q.row(query.t, query.head), k, mine, head_dim, space.p);
            const float highest = exponentials(a, space.p, mine.end - mine.begin);
            const float total = sum_tile(space.p, v, mine, head_dim, space.tile);
            merge(query, highest, total, space.tile, space.sums + i * padded(head_dim), head_dim);
        }
    }
}

void attend_segment(const AttendArgs& a, const Segment& s, const Space& space) {
    const std::int64_t head_dim = a.q.dim[2], count = (s.last - s.t) * s.heads;
    for (std::int64_t i = 0; i < count; ++i) space.queries[i] = {none, 0, s.t + i / s.heads, s.head + i % s.heads};
    std::fill(space.sums, space.sums + count * padded(head_dim), 0.0f);
    for (int i = 0; i < a.sources; ++i) add_source(a, a.source[std::size_t(i)], s, space);
    for (std::int64_t i = 0; i < count; ++i) {
        const Query& query = space.queries[i];
        const float* sum = space.sums + i * padded(head_dim);
        float* y = a.y.row(query.t, query.head);
        const bool blind = query.total == 0;
        for (std::int64_t d = 0; d < head_dim; ++d) y[d] = blind ? 0 : sum[d] / query.total;
        if (a.lse)
            a.lse.row(query.t)[query.head] =
                blind ? none : static_cast<float>(double(query.highest) + math::log(double(query.total)));
    }
}

Status attend(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const AttendArgs*>(args);
    const Cut c = cut(a);
    const Space space = space_of(a, work.workspace);
    for (std::int64_t item = work.begin; item < work.end; ++item) {
        const std::int64_t first = item / c.pieces * c.rows, last = std::min(first + c.rows, a.q.rows());
        for (std::int64_t t = first; t < last;) {
            const std::int32_t sequence = a.ragged.row_sequence[t];
            const std::int64_t end = std::min<std::int64_t>(last, a.ragged.row_begin[sequence + 1]);
            attend_segment(a, {t, end, item % c.pieces * c.heads, c.heads, sequence}, space);
            t = end;
        }
    }
    return Status::ok;
}

constexpr KernelSpec spec{.id = "attend.tile64.avx2",
                          .op = Op::attend,
                          .home = Home::x86,
                          .needs = Isa::avx2_fma,
                          .state = {DType::f32, DType::f16, DType::bf16},
                          .numerics = Numerics::f32x16,
                          .speed = {12, 8},
                          .items = items,
                          .workspace = workspace,
                          .run = attend};
const Registered registered_attend{spec};

}  // namespace
}  // namespace quern::x86
