// The whole numbers that the k-quants are made of, as products with int8 activations need them: weight j of a block of
// 256 is d * scale[j / 16] * q[j] - dmin * min[j / 16]. Scalar, the definition of class "i8" (ops/linear_q8.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace quern {

struct KParts {
    float d, dmin;
    bool mins;  // whether the format has any; else dmin and min are 0
    std::int8_t scale[16];
    std::int16_t min[16];  // 0..63
    std::int8_t q[256];    // -32..31
};
// False where the format is none of q2_k, q3_k, q4_k, q5_k and q6_k.
bool has_k_parts(DType dtype);
// One block at any address; the format has parts.
KParts k_parts(DType dtype, const std::byte* block) noexcept;

}  // namespace quern
