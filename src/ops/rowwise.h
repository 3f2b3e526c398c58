// Ops that work on each row, or each element, alone.
//   glu:       y = act(gate) * up                        gate, up, y f32 [T, n]
//   add:       y = a + b                                 f32, same shape
//   scale:     y = x * factor
//   softcap:   y = cap * tanh(x / cap)                   (Gemma 2)
//   gate_rows: y[t] = x[t] * sigmoid(gate[t][0])         gate f32 [T, 1] (Qwen2-MoE's shared expert)
// Activations: silu(x) = x * sigmoid(x); gelu_tanh(x) = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) (Hendrycks &
// Gimpel 2016). exp and tanh are kernels/math.h's, in double. Error bound: 1e-6 of the element.
#pragma once

#include "ops/op.h"

namespace quern {

enum class Act : std::uint8_t { silu, gelu_tanh };

struct GluAttr {
    static constexpr Op op = Op::glu;
    Act act = Act::silu;
};
struct GluArgs {
    View gate, up, y;
    Act act;
};
std::vector<TypeOf> infer(const GluAttr&, std::span<const TypeOf> in);  // gate, up
GluArgs bind(const GluAttr& a, const Operands& o);

struct AddAttr {
    static constexpr Op op = Op::add;
};
struct AddArgs {
    View a, b, y;
};
std::vector<TypeOf> infer(const AddAttr&, std::span<const TypeOf> in);  // a, b
AddArgs bind(const AddAttr&, const Operands& o);

struct ScaleAttr {
    static constexpr Op op = Op::scale;
    float factor = 1;
};
struct ScaleArgs {
    View x, y;
    float factor;
};
std::vector<TypeOf> infer(const ScaleAttr&, std::span<const TypeOf> in);  // x
ScaleArgs bind(const ScaleAttr& a, const Operands& o);

struct SoftcapAttr {
    static constexpr Op op = Op::softcap;
    float cap = 1;
};
struct SoftcapArgs {
    View x, y;
    float cap;
};
std::vector<TypeOf> infer(const SoftcapAttr&, std::span<const TypeOf> in);  // x
SoftcapArgs bind(const SoftcapAttr& a, const Operands& o);

struct GateRowsAttr {
    static constexpr Op op = Op::gate_rows;
};
struct GateRowsArgs {
    View x, gate, y;
};
std::vector<TypeOf> infer(const GateRowsAttr&, std::span<const TypeOf> in);  // x, gate
GateRowsArgs bind(const GateRowsAttr&, const Operands& o);

}  // namespace quern
