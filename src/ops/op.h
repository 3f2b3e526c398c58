// The vocabulary shared by graphs and kernels. An op is a name, a shape rule and an argument struct; each has a header
// of its own that says what it means, as mathematics. Adding an op: a header, a row in QUERN_OPS, a file with its
// rules. Knows nothing of graphs, kernels or devices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dim.h"
#include "tensor/state.h"
#include "tensor/view.h"

namespace quern {

// clang-format off
#define QUERN_OPS(X) \
    X(embed) X(select_rows) X(norm) X(linear) X(rope) X(store) X(attend) X(glu) X(add) X(scale) X(softcap) X(gate_rows) \
    X(route) X(moe) X(moe_group) X(moe_inner) X(moe_down) X(moe_combine) X(compress) X(recur) \
    X(quantize) X(linear_q8)
// clang-format on

enum class Op : std::uint8_t {
#define X(name) name,
    QUERN_OPS(X)
#undef X
        count_
};
std::string_view name(Op op);

// What is known of a value while the graph is recorded. A state value has no dims; its rows live in pages.
struct TypeOf {
    DType dtype = DType::f32;
    std::vector<Dim> dims;
    bool is_state = false;
};

// Thrown shape mismatches read "blk.0.attn_q: ...": the graph adds the node's name.
[[noreturn]] void shape_error(std::string what);

// What a kernel's argument struct is made from when a step is bound: views of the inputs and outputs in the op's order.
// An absent optional input has no data. Exactly one of view and paged is meaningful per operand.
struct Operand {
    View view;
    PagedView paged;
};
struct Operands {
    std::span<const Operand> in;
    std::span<const Operand> out;
    Ragged ragged;
};

constexpr std::size_t max_args_bytes = 1024;  // of any argument struct; asserted where each is bound

// Status of a kernel or a step. Kernels cannot throw; the Error is made after the step.
enum class Status : std::uint8_t {
    ok,
    bad_token_id,    // a token id outside the vocabulary reached embed
    bad_routing,     // router logits were not numbers
    weights_failed,  // a lease could not be read
    device_failed,   // what the kernel runs on
    cancelled,
};

}  // namespace quern
