// linear: y[t][n] = sum over k of x[t][k] * weight[n][k], + bias[n].
//   x f32 [T, k], weight any decodable format [n, k], bias f32 [n] or absent, y f32 [T, n]
// Numerics class of float activations ("f32x16"), for every weight format: the weight is decoded to f32; 16 partial
// sums, lane = k mod 16, each an fma chain in order of k; every 1,024 k (and at the end) the lanes are folded by a
// fixed tree (lane i + lane i+8, then +4, +2, +1), and the folds are added in order. The bias is added last. So a row's
// bits do not depend on T, tiles or threads. Error bound against double sums: 1e-5 of |x||w|.
#pragma once

#include "ops/op.h"

namespace quern {

struct LinearAttr {
    static constexpr Op op = Op::linear;
};
struct LinearArgs {
    View x, weight, bias, y;
};
std::vector<TypeOf> infer(const LinearAttr&, std::span<const TypeOf> in);  // x, weight, [bias]
LinearArgs bind(const LinearAttr&, const Operands& o);

}  // namespace quern
