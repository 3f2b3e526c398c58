// norm: root-mean-square norm of each row (Zhang & Sennrich 2019): y = x / sqrt(mean(x^2) + eps) * weight, over the
// last dim. Rows may be heads: x [T, dim] or [T, heads, head_dim].
//   x f32, weight f32 [last] or absent (weight 1), y like x, inverse f32 [rows]: 1 / sqrt(mean(x^2) + eps)
// Error bound: 1e-6 of the row's norm.
#pragma once

#include "ops/op.h"

namespace quern {

struct NormAttr {
    static constexpr Op op = Op::norm;
    float eps = 1e-5f;
};
struct NormArgs {
    View x, weight, y, inverse;
    float eps;
};
std::vector<TypeOf> infer(const NormAttr&, std::span<const TypeOf> in);  // x, [weight] -> y, inverse
NormArgs bind(const NormAttr&, const Operands& o);

}  // namespace quern
