// What linear and the kernels of experts share: a matrix of stored weights, rows picked by slot, and how output rows
// are dealt out as items. No arithmetic.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/spec.h"
#include "ops/linear.h"
#include "ops/moe.h"
#include "tensor/quant/codec.h"

namespace quern {

constexpr std::int64_t rows_per_item = 16;  // output rows; a block of weights then fits in a second-level cache
constexpr std::int64_t fold_every = 1024;   // the class's constant, see ops/linear.h; a multiple of every block

inline std::int64_t row_blocks(std::int64_t rows) { return (rows + rows_per_item - 1) / rows_per_item; }

// Weights [rows, k] in any decodable format.
struct Matrix {
    const std::byte* data = nullptr;
    std::int64_t stride = 0;  // bytes
    DType dtype = DType::f32;
    std::int64_t k = 0;

    const std::byte* at(std::int64_t row, std::int64_t first_k) const {
        return data + row * stride + first_k / info(dtype).block * info(dtype).bytes;
    }
    void decode(std::int64_t row, std::int64_t first_k, std::int64_t n, float* to) const {
        codec(dtype).decode(at(row, first_k), to, n / info(dtype).block);
    }
};

inline Matrix matrix_of(const View& v) { return {v.data, v.stride[0], v.dtype, v.dim[1]}; }
// Expert e's matrix; its data is null while it is not leased.
inline Matrix matrix_of(const Slabs& s, std::int64_t e) {
    return {s.slab[e], s.k / info(s.dtype).block * info(s.dtype).bytes, s.dtype, s.k};
}

// Rows of floats: all in order, or those that `slots` names, `divide` slots to a row.
struct Rows {
    std::byte* data = nullptr;
    std::int64_t stride = 0;  // bytes
    const std::int32_t* slots = nullptr;
    std::int32_t divide = 1;

    float* at(std::int64_t i) const {
        return reinterpret_cast<float*>(data + (slots ? slots[i] / divide : i) * stride);
    }
};

inline Rows rows_of(const View& v) { return {v.data, v.stride[0]}; }
inline Rows rows_of(const View& v, const std::int32_t* slots, std::int64_t divide = 1) {
    return {v.data, v.stride[0], slots, static_cast<std::int32_t>(divide)};
}

// An item of a kernel over experts: a block of one expert's output rows, for all slots of that expert.
struct ExpertItem {
    std::int64_t expert, first_row, last_row;
    const std::int32_t* slots;
    std::int64_t count;  // of slots; often 0
};
inline std::int64_t expert_items(const Slabs& s) { return s.experts * row_blocks(s.rows); }
inline ExpertItem expert_item(const Slabs& s, const View& begin, const View& slots, std::int64_t item) {
    const std::int64_t blocks = row_blocks(s.rows), e = item / blocks, first = item % blocks * rows_per_item;
    const auto* bounds = begin.row<std::int32_t>(0);
    return {e, first, std::min(first + rows_per_item, s.rows), slots.row<std::int32_t>(0) + bounds[e],
            bounds[e + 1] - bounds[e]};
}

}  // namespace quern
