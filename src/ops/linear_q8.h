// Products with activations in int8, which `--precision fast` puts in the place of linear: a row is quantised once and
// then meets every matrix that reads it.
//   quantize:  y = q8_k of x: blocks of 256 with one float scale (tensor/quant/q8_k.h)
//     x f32 [T, k], k a multiple of 256, y q8_k [T, k]. The encoder's bits; a block that holds a NaN or an infinity
//     gets a scale of NaN and zeros, so that nothing made of it looks like a number.
//   linear_q8: y[t][n] = sum over k of x[t][k] * weight[n][k], + bias[n]
//     x q8_k [T, k], weight q2_k, q3_k, q4_k, q5_k or q6_k [n, k], bias f32 [n] or absent, y f32 [T, n]
// Numerics class "i8": weights are d * scale * q - dmin * min with whole scale, q and min (tensor/quant/k_parts.h). For
// each block of 256 the sums of scale * q * x and of min * x are exact integers, each rounded to float once; then, in
// order of k, y = fma(d * dx, first, y), and y = fma(-(dmin * dx), second, y) in formats with mins. The bias is added
// last. Error bound against double sums of what was stored: 1e-5 of |x||w|, w taken without its mins' cancelling.
#pragma once

#include "ops/op.h"

namespace quern {

struct QuantizeAttr {
    static constexpr Op op = Op::quantize;
};
struct QuantizeArgs {
    View x, y;
};
std::vector<TypeOf> infer(const QuantizeAttr&, std::span<const TypeOf> in);  // x
QuantizeArgs bind(const QuantizeAttr&, const Operands& o);

struct LinearQ8Attr {
    static constexpr Op op = Op::linear_q8;
};
struct LinearQ8Args {
    View x, weight, bias, y;
};
std::vector<TypeOf> infer(const LinearQ8Attr&, std::span<const TypeOf> in);  // x, weight, [bias]
LinearQ8Args bind(const LinearQ8Attr&, const Operands& o);

}  // namespace quern
