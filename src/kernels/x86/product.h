// A block of a matrix times many rows, of class "f32x16", with AVX2 and FMA: what linear and the kernels of experts are
// made of here. For kernels of this folder.
#pragma once

#include "kernels/matrix.h"

namespace quern::x86 {

struct Product {
    Matrix weight;
    std::int64_t first_row = 0, last_row = 0;  // of weight; at most rows_per_item
    Rows x;
    Rows y;  // at(t)[0] belongs to first_row
    std::int64_t count = 0;
    const float* bias = nullptr;  // of first_row on, or null
};

// Bytes that `product` needs to decode stored weights into; 0 for f32, which is read in place.
std::size_t product_workspace(DType weight);

// y[t][n] = x[t] . weight[n] + bias[n] for t < count and the block's rows.
void product(const Product& p, float* workspace) noexcept;

}  // namespace quern::x86
