// A block of a matrix times many rows, of class "f32x16": what linear and the kernels of experts are made of here. The
// loops over memory are the same for all instruction sets, which differ in their register blocks only. For kernels of
// this folder.
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

// What one instruction set brings: out[t * rows + r] = dot of x[t] and w[r] over n elements, 1,024 at most, for blocks
// of as many dots as its registers hold.
struct RegisterBlocks {
    using Dots = void (*)(const float* const* w, const float* const* x, std::int64_t n, float* out);
    static constexpr int max_rows = 4, max_columns = 6;
    int columns;                               // rows of x in a block, at most
    int rows[max_columns + 1];                 // weight rows in a block, by its columns
    Dots dots[max_rows + 1][max_columns + 1];  // by rows and columns; null: not there
};
extern const RegisterBlocks avx2_blocks, avx512_blocks;

// Bytes that `product` needs to decode stored weights into; 0 for f32, which is read in place.
std::size_t product_workspace(DType weight);

// y[t][n] = x[t] . weight[n] + bias[n] for t < count and the block's rows.
void product(const Product& p, const RegisterBlocks& blocks, float* workspace) noexcept;

}  // namespace quern::x86
