// Ops over state that is not attended row by row.
//
// compress: one row for every `ratio` tokens: the mean of the ratio newest rows, emitted when the last of them has
// come. It reads rows from state, because a group of tokens may begin in an earlier step.
//   state of one row per token (ring or per_token), width d -> y f32 [E, d], E = rows emitted in this step, sequences
//   in order
//
// recur: a gated linear recurrence, elementwise: h = sigmoid(gate[t]) * h + (1 - sigmoid(gate[t])) * x[t], over a
// sequence's rows in order, h starting at 0.  x, gate f32 [T, d], state: slot of width d -> y f32 [T, d] (h after each
// row), state The minimal gated unit of Martin & Cundy 2018; models with richer recurrences get ops of their own.
#pragma once

#include "ops/op.h"

namespace quern {

struct CompressAttr {
    static constexpr Op op = Op::compress;
    std::int64_t ratio = 4;
    std::int64_t width = 0;
    Dim emitted;  // the step symbol of the group that the rows are for
};
struct CompressArgs {
    PagedView state;
    View y;
    std::int64_t ratio;
    Ragged ragged;
};
std::vector<TypeOf> infer(const CompressAttr& a, std::span<const TypeOf> in);  // state
CompressArgs bind(const CompressAttr& a, const Operands& o);

struct RecurAttr {
    static constexpr Op op = Op::recur;
};
struct RecurArgs {
    View x, gate, y;
    PagedView state;
    Ragged ragged;
};
std::vector<TypeOf> infer(const RecurAttr&, std::span<const TypeOf> in);  // x, gate, state -> y, state
RecurArgs bind(const RecurAttr&, const Operands& o);

}  // namespace quern
