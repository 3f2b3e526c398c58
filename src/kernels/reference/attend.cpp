// The double-sum reference of attend and the scalar model of its class "tile64" (ops/attend.h). One item is one query
// row and one key-value head, with all query heads that read it.
#include "ops/attend.h"

#include <limits>

#include "kernels/attend_shape.h"
#include "kernels/math.h"
#include "kernels/reference/dot.h"
#include "kernels/spec.h"
#include "tensor/quant/codec.h"

namespace quern {
namespace {

constexpr float none = -std::numeric_limits<float>::infinity();

std::int64_t items(const void* args) noexcept {
    const auto& a = *static_cast<const AttendArgs*>(args);
    return a.q.rows() * a.kv_heads;
}

// Reads one head's part of a stored row as floats.
void read_head(const PagedView& v, std::int32_t sequence, std::int64_t row, std::int64_t head, std::int64_t head_dim,
               float* to) {
    const DTypeInfo& type = info(v.dtype);
    codec(v.dtype).decode(v.row(sequence, row) + head * head_dim / type.block * type.bytes, to, head_dim / type.block);
}

// ---- the class ----

struct TileSpace {  // floats of a worker
    float* row;     // [head_dim] a decoded row
    float* p;       // [page_rows] scores, then their exponentials
    float* tile;    // [head_dim] a tile's sum
    float* sum;     // [head_dim] of all tiles
};
std::size_t model_workspace(const void* args) noexcept {
    const auto& a = *static_cast<const AttendArgs*>(args);
    return static_cast<std::size_t>(3 * a.q.dim[2] + page_rows) * sizeof(float);
}

// Softmax so far: sum of exp(score - highest) * v and of exp(score - highest).
struct Softmax {
    float highest = none;
    float total = 0;
};

float score_f32(const AttendArgs& a, float dot) {
    const float score = dot * a.scale;
    return a.softcap > 0 ? a.softcap * math::tanh_f32(score / a.softcap) : score;
}

// Adds the rows of one tile to the softmax of one query.
void add_tile(const AttendArgs& a, const AttendSource& source, std::int32_t sequence, std::int64_t kv_head,
              RowRange rows, const float* q, const TileSpace& space, Softmax& s) {
    const std::int64_t head_dim = a.q.dim[2];
    float highest = none;
    for (std::int64_t j = rows.begin; j < rows.end; ++j) {
        read_head(source.k, sequence, j, kv_head, head_dim, space.row);
        const float score = score_f32(a, dot_f32x16(q, space.row, head_dim));
        space.p[j - rows.begin] = score;
        highest = score > highest ? score : highest;
    }
    float total = 0;
    std::fill(space.tile, space.tile + head_dim, 0.0f);
    for (std::int64_t j = rows.begin; j < rows.end; ++j) {
        const float p = math::exp_f32(space.p[j - rows.begin] - highest);
        total += p;
        read_head(source.v, sequence, j, kv_head, head_dim, space.row);
        for (std::int64_t d = 0; d < head_dim; ++d) space.tile[d] = std::fma(p, space.row[d], space.tile[d]);
    }
    const float merged = highest > s.highest ? highest : s.highest;
    const float old_part = math::exp_f32(s.highest - merged), new_part = math::exp_f32(highest - merged);
    s = {merged, s.total * old_part + total * new_part};
    for (std::int64_t d = 0; d < head_dim; ++d) space.sum[d] = space.sum[d] * old_part + space.tile[d] * new_part;
}

Status attend_tile64(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const AttendArgs*>(args);
    const std::int64_t head_dim = a.q.dim[2], group = a.q.dim[1] / a.kv_heads;
    auto* floats = reinterpret_cast<float*>(work.workspace);
    const TileSpace space{floats, floats + head_dim, floats + head_dim + page_rows, floats + 2 * head_dim + page_rows};
    for (std::int64_t item = work.begin; item < work.end; ++item) {
        const std::int64_t t = item / a.kv_heads, kv_head = item % a.kv_heads;
        const std::int32_t sequence = a.ragged.row_sequence[t];
        for (std::int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
            Softmax s;
            std::fill(space.sum, space.sum + head_dim, 0.0f);
            for (int i = 0; i < a.sources; ++i) {
                const AttendSource& source = a.source[std::size_t(i)];
                const RowRange seen = seen_rows(source, a.ragged.index(t));
                for (std::int64_t j = seen.begin; j < seen.end;) {
                    const std::int64_t end = std::min(seen.end, (j / page_rows + 1) * page_rows);
                    add_tile(a, source, sequence, kv_head, {j, end}, a.q.row(t, h), space, s);
                    j = end;
                }
            }
            float* y = a.y.row(t, h);
            const bool blind = s.total == 0;  // a sum that has rows is at least 1, or NaN
            for (std::int64_t d = 0; d < head_dim; ++d) y[d] = blind ? 0 : space.sum[d] / s.total;
            if (a.lse)
                a.lse.row(t)[h] = blind ? none : static_cast<float>(double(s.highest) + math::log(double(s.total)));
        }
    }
    return Status::ok;
}

// ---- the reference ----

std::size_t reference_workspace(const void* args) noexcept {
    const auto head_dim = static_cast<std::size_t>(static_cast<const AttendArgs*>(args)->q.dim[2]);
    return head_dim * (sizeof(double) + sizeof(float));
}

// Calls f(source, row) for every row that token t sees, in order.
template <class F>
void for_each_seen(const AttendArgs& a, std::int64_t t, F f) {
    for (int i = 0; i < a.sources; ++i) {
        const AttendSource& source = a.source[std::size_t(i)];
        const RowRange seen = seen_rows(source, a.ragged.index(t));
        for (std::int64_t j = seen.begin; j < seen.end; ++j) f(source, j);
    }
}

Status attend_double(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const AttendArgs*>(args);
    const std::int64_t head_dim = a.q.dim[2], group = a.q.dim[1] / a.kv_heads;
    auto* sum = reinterpret_cast<double*>(work.workspace);
    auto* row = reinterpret_cast<float*>(sum + head_dim);
    for (std::int64_t item = work.begin; item < work.end; ++item) {
        const std::int64_t t = item / a.kv_heads, kv_head = item % a.kv_heads;
        const std::int32_t sequence = a.ragged.row_sequence[t];
        for (std::int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
            const auto score = [&](const AttendSource& source, std::int64_t j) {
                read_head(source.k, sequence, j, kv_head, head_dim, row);
                const double x = dot_double(a.q.row(t, h), row, head_dim) * double(a.scale);
                return a.softcap > 0 ? double(a.softcap) * math::tanh(x / double(a.softcap)) : x;
            };
            double highest = double(none), total = 0;
            for_each_seen(a, t, [&](const AttendSource& source, std::int64_t j) {
                highest = std::max(highest, score(source, j));
            });
            std::fill(sum, sum + head_dim, 0.0);
            for_each_seen(a, t, [&](const AttendSource& source, std::int64_t j) {
                const double p = math::exp(score(source, j) - highest);
                total += p;
                read_head(source.v, sequence, j, kv_head, head_dim, row);
                for (std::int64_t d = 0; d < head_dim; ++d) sum[d] += p * double(row[d]);
            });
            const bool blind = total == 0;
            for (std::int64_t d = 0; d < head_dim; ++d)
                a.y.row(t, h)[d] = blind ? 0 : static_cast<float>(sum[d] / total);
            if (a.lse) a.lse.row(t)[h] = blind ? none : static_cast<float>(highest + math::log(total));
        }
    }
    return Status::ok;
}

constexpr DTypeSet states{DType::f32, DType::f16, DType::bf16};
constexpr KernelSpec reference_spec{.id = "attend.reference",
                                    .op = Op::attend,
                                    .state = states,
                                    .numerics = Numerics::double_sum,
                                    .items = items,
                                    .workspace = reference_workspace,
                                    .run = attend_double};
constexpr KernelSpec model_spec{.id = "attend.tile64.model",
                                .op = Op::attend,
                                .state = states,
                                .numerics = Numerics::f32x16,
                                .items = items,
                                .workspace = model_workspace,
                                .run = attend_tile64};
const Registered registered_reference{reference_spec}, registered_model{model_spec};

}  // namespace
}  // namespace quern
