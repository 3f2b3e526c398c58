#include "kernels/x86/product.h"

#include "kernels/x86/widen.h"

namespace quern::x86 {
namespace {

constexpr std::int64_t group_rows = 4;  // weight rows that stay in the first-level cache: 16 KiB of 1,024 each
// Rows of x that stay in the second-level cache while all groups of a block pass over them, 4 KiB each; a multiple of
// the columns of every instruction set's register blocks.
constexpr std::int64_t stripe = 60;
constexpr std::int64_t few = 3;  // up to here x is small, and weights are read row after row as they lie in memory

// One piece of k of the block.
struct Piece {
    const Product& p;
    const RegisterBlocks& blocks;
    std::int64_t first_k, n;
    const float* w[rows_per_item];  // by row of the block
};

// Rows [row, row + rows) of the block with rows [t, t + columns) of x.
void block(const Piece& piece, int rows, int columns, std::int64_t row, std::int64_t t) {
    const float* x[RegisterBlocks::max_columns];
    for (int i = 0; i < columns; ++i) x[i] = piece.p.x.at(t + i) + piece.first_k;
    float folded[RegisterBlocks::max_rows * RegisterBlocks::max_columns];
    piece.blocks.dots[rows][columns](piece.w + row, x, piece.n, folded);

    const bool begins = piece.first_k == 0, ends = piece.first_k + piece.n == piece.p.weight.k;
    const float* bias = ends && piece.p.bias ? piece.p.bias + row : nullptr;
    for (int i = 0; i < columns; ++i) {
        float* y = piece.p.y.at(t + i) + row;
        for (int r = 0; r < rows; ++r) y[r] = (begins ? 0.0f : y[r]) + folded[i * rows + r];
        if (bias)
            for (int r = 0; r < rows; ++r) y[r] += bias[r];
    }
}

// Rows [row, end) of the block, a group, with rows [t, last) of x.
void group_times(const Piece& piece, std::int64_t row, std::int64_t end, std::int64_t t, std::int64_t last) {
    while (t < last) {
        const int columns = static_cast<int>(std::min<std::int64_t>(piece.blocks.columns, last - t));
        for (std::int64_t r = row; r < end;) {
            int rows = static_cast<int>(std::min<std::int64_t>(piece.blocks.rows[columns], end - r));
            while (!piece.blocks.dots[rows][columns]) --rows;
            block(piece, rows, columns, r, t);
            r += rows;
        }
        t += columns;
    }
}

// Makes rows [row, end) of the block readable as floats.
void load(Piece& piece, std::int64_t row, std::int64_t end, float* workspace) {
    const Matrix& weight = piece.p.weight;
    for (std::int64_t r = row; r < end; ++r) {
        if (weight.dtype == DType::f32) {
            piece.w[r] = reinterpret_cast<const float*>(weight.at(piece.p.first_row + r, piece.first_k));
        } else {
            widen(weight.dtype, weight.at(piece.p.first_row + r, piece.first_k), workspace + r * fold_every, piece.n);
            piece.w[r] = workspace + r * fold_every;
        }
    }
}

}  // namespace

std::size_t product_workspace(DType weight) {
    return weight == DType::f32 ? 0 : std::size_t(rows_per_item * fold_every) * sizeof(float);
}

void product(const Product& p, const RegisterBlocks& blocks, float* workspace) noexcept {
    const std::int64_t rows = p.last_row - p.first_row, k = p.weight.k;
    if (p.count <= few) {
        for (std::int64_t row = 0; row < rows; row += group_rows) {
            const std::int64_t end = std::min(row + group_rows, rows);
            for (std::int64_t first_k = 0; first_k < k; first_k += fold_every) {
                Piece piece{p, blocks, first_k, std::min(fold_every, k - first_k), {}};
                load(piece, row, end, workspace);
                group_times(piece, row, end, 0, p.count);
            }
        }
        return;
    }
    for (std::int64_t first_k = 0; first_k < k; first_k += fold_every) {
        Piece piece{p, blocks, first_k, std::min(fold_every, k - first_k), {}};
        load(piece, 0, rows, workspace);
        for (std::int64_t t = 0; t < p.count; t += stripe)
            for (std::int64_t row = 0; row < rows; row += group_rows)
                group_times(piece, row, std::min(row + group_rows, rows), t, std::min(t + stripe, p.count));
    }
}

}  // namespace quern::x86
