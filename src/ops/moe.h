// Mixture of experts: a router picks top_k experts for each row; the row goes through those and the results are added,
// weighted (Shazeer et al. 2017).
//
// route: logits f32 [T, experts] -> ids i32 [T, top_k], weights f32 [T, top_k]
//   probabilities = softmax(logits), in double; the top_k largest, ties to the lowest id, in order of falling
//   probability; Renormalise::yes divides the chosen weights by their sum. A row with NaN ends the step with
//   bad_routing.
//
// moe: x f32 [T, dim], ids, weights, gate and up [experts, ff, dim], down [experts, dim, ff], shared f32 [T, dim] or
// absent
//   y[t] = sum over c of weights[t][c] * down[e](act(gate[e](x[t])) * up[e](x[t])), e = ids[t][c];  then + shared[t]
// It has no kernel of its own. A plan lowers it to
//   moe_group:   ids -> begin i32 [experts + 1], slots i32 [T * top_k]: slots t * top_k + c sorted by expert, then by
//   slot (acquire:    the slabs of experts that have slots are leased; a step of the plan, it may wait) moe_inner:   x,
//   begin, slots, gate, up -> inner f32 [T * top_k, ff], each slot its own row moe_down:    inner, begin, slots, down
//   -> outs f32 [T * top_k, dim] (release) moe_combine: outs, weights, shared -> y, added in order of c (an fma chain
//   from 0), the shared expert last
// Weights come as a table of slab pointers, since experts need not lie in one piece of memory. Products are of
// ops/linear.h's class, so a row's bits do not depend on how rows were grouped.
#pragma once

#include "ops/op.h"
#include "ops/rowwise.h"

namespace quern {

enum class Renormalise : std::uint8_t { no, yes };

struct RouteAttr {
    static constexpr Op op = Op::route;
    std::int64_t top_k = 2;
    Renormalise renormalise = Renormalise::yes;
};
struct RouteArgs {
    View logits, ids, weights;
    Renormalise renormalise;
};
std::vector<TypeOf> infer(const RouteAttr& a, std::span<const TypeOf> in);  // logits -> ids, weights
RouteArgs bind(const RouteAttr& a, const Operands& o);

struct MoeAttr {
    static constexpr Op op = Op::moe;
    Act act = Act::silu;
};
std::vector<TypeOf> infer(const MoeAttr&, std::span<const TypeOf> in);  // x, ids, weights, gate, up, down, [shared]

// A stack of expert matrices: slab[e] is expert e's rows [rows, k], dense, or null while it is not leased. It travels
// in an Operand's view: data points at the table, dim = [experts, rows, k], dtype is the slabs'.
struct Slabs {
    const std::byte* const* slab = nullptr;
    DType dtype = DType::f32;
    std::int64_t experts = 0, rows = 0, k = 0;
};
Slabs slabs(const View& v);

struct MoeGroupAttr {
    static constexpr Op op = Op::moe_group;
    std::int64_t experts = 1;
};
struct MoeGroupArgs {
    View ids, begin, slots;
};
std::vector<TypeOf> infer(const MoeGroupAttr& a, std::span<const TypeOf> in);  // ids -> begin, slots
MoeGroupArgs bind(const MoeGroupAttr&, const Operands& o);

struct MoeInnerAttr {
    static constexpr Op op = Op::moe_inner;
    Act act = Act::silu;
};
struct MoeInnerArgs {
    View x, begin, slots, inner;
    Slabs gate, up;
    std::int64_t top_k;
    Act act;
};
std::vector<TypeOf> infer(const MoeInnerAttr&, std::span<const TypeOf> in);  // x, begin, slots, gate, up
MoeInnerArgs bind(const MoeInnerAttr& a, const Operands& o);

struct MoeDownAttr {
    static constexpr Op op = Op::moe_down;
};
struct MoeDownArgs {
    View inner, begin, slots, outs;
    Slabs down;
};
std::vector<TypeOf> infer(const MoeDownAttr&, std::span<const TypeOf> in);  // inner, begin, slots, down
MoeDownArgs bind(const MoeDownAttr&, const Operands& o);

struct MoeCombineAttr {
    static constexpr Op op = Op::moe_combine;
};
struct MoeCombineArgs {
    View outs, weights, shared, y;
};
std::vector<TypeOf> infer(const MoeCombineAttr&, std::span<const TypeOf> in);  // outs, weights, [shared]
MoeCombineArgs bind(const MoeCombineAttr&, const Operands& o);

}  // namespace quern
