// linear of class "f32x16" for any weight format, over one instruction set's register blocks. For the kernels of this
// folder, one file for each instruction set.
#pragma once

#include "kernels/spec.h"
#include "kernels/x86/product.h"
#include "ops/linear.h"

namespace quern::x86 {

inline std::int64_t linear_items(const void* args) noexcept {
    return row_blocks(static_cast<const LinearArgs*>(args)->weight.rows());
}
inline std::size_t linear_workspace(const void* args) noexcept {
    return product_workspace(static_cast<const LinearArgs*>(args)->weight.dtype);
}

template <const RegisterBlocks& blocks>
Status linear(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const LinearArgs*>(args);
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const std::int64_t first = i * rows_per_item;
        Product p{matrix_of(a.weight), first,      std::min(first + rows_per_item, a.weight.rows()), rows_of(a.x),
                  rows_of(a.y),        a.x.rows(), a.bias ? a.bias.row(0) + first : nullptr};
        p.y.data += first * std::int64_t(sizeof(float));
        product(p, blocks, reinterpret_cast<float*>(work.workspace));
    }
    return Status::ok;
}

}  // namespace quern::x86
