// store: appends this step's rows to a state: row i of the rows that sequence s gains goes to the state's row
// past / ratio + i, converted to the state's dtype. The value it returns is the state with those rows.
//   state, rows f32 [T or emitted rows, ...] -> state
//
// attend: softmax attention of each query row over rows kept in state; K and V are read only from there, this step's
// own rows included, so that prefill and decode see the same stored bits.
//   q f32 [T, heads, head_dim]; sources: pairs of states (k rows of kv_heads * head_dim, v likewise)
//   y f32 [T, heads, head_dim]; lse f32 [T, heads]: log of the sum of exp of the scores
//   score = dot(q, k) * scale, then softcap > 0: softcap * tanh(score / softcap)
// Query head h reads KV head h / (heads / kv_heads). A token at index p of its sequence sees row j of a source when the
// row's last token has come ((j + 1) * ratio - 1 <= p) and, with window > 0 (for ratio 1 only), when p - j < window. A
// token that sees nothing gets zeros and lse = -inf. Numerics class "tile64": K/V rows are taken in tiles of 64,
// anchored at row 0 of the sequence; rows not seen are skipped, so what stale pages hold does not matter. A score is a
// 16-lane dot as in ops/linear.h. In a tile: m = max of scores, p = exp(score - m), l = sum of p in order of rows,
// acc[d] = fma chain in order of rows. Tiles are merged in order of sources and rows: with m' = max, both sides scaled
// by exp(m - m'). exp and tanh are kernels/math.h's in float. Error bound: 1e-5 of the largest |v|.
#pragma once

#include "ops/op.h"

namespace quern {

struct StoreAttr {
    static constexpr Op op = Op::store;
};
struct StoreArgs {
    View rows;  // [n, width]; rank 3 is read as heads * head_dim
    PagedView state;
    Ragged ragged;
};
std::vector<TypeOf> infer(const StoreAttr&, std::span<const TypeOf> in);  // state, rows -> state
StoreArgs bind(const StoreAttr&, const Operands& o);

constexpr int max_sources = 3;

struct AttendAttr {
    static constexpr Op op = Op::attend;
    std::int64_t kv_heads = 1;
    float scale = 1;
    float softcap = 0;                               // 0: none
    std::array<std::int64_t, max_sources> window{};  // of each source, in rows; 0: all
};
struct AttendSource {
    PagedView k, v;
    std::int64_t window;
};
struct AttendArgs {
    View q, y, lse;
    std::array<AttendSource, max_sources> source;
    int sources;
    std::int64_t kv_heads;
    float scale, softcap;
    Ragged ragged;
};
std::vector<TypeOf> infer(const AttendAttr&, std::span<const TypeOf> in);  // q, k0, v0, [k1, v1, ...] -> y, lse
AttendArgs bind(const AttendAttr& a, const Operands& o);

}  // namespace quern
