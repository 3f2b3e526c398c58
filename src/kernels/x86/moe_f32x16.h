// moe_inner and moe_down of class "f32x16" for any weight format, over one instruction set's register blocks. For the
// kernels of this folder, one file for each instruction set.
#pragma once

#include "kernels/act.h"
#include "kernels/spec.h"
#include "kernels/x86/product.h"
#include "ops/moe.h"

namespace quern::x86 {

inline std::int64_t inner_items(const void* args) noexcept {
    return expert_items(static_cast<const MoeInnerArgs*>(args)->gate);
}
// Decoded weights, then `up` of the block for as many slots as there are.
inline std::size_t inner_workspace(const void* args) noexcept {
    const auto& a = *static_cast<const MoeInnerArgs*>(args);
    return std::max(product_workspace(a.gate.dtype), product_workspace(a.up.dtype)) +
           static_cast<std::size_t>(a.slots.dim[0] * rows_per_item) * sizeof(float);
}

template <const RegisterBlocks& blocks>
Status moe_inner(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const MoeInnerArgs*>(args);
    const std::size_t decoded = std::max(product_workspace(a.gate.dtype), product_workspace(a.up.dtype));
    auto* space = reinterpret_cast<float*>(work.workspace);
    const Rows ups{work.workspace + decoded, rows_per_item * std::int64_t(sizeof(float))};
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const ExpertItem item = expert_item(a.gate, a.begin, a.slots, i);
        if (item.count == 0) continue;
        const Matrix gate = matrix_of(a.gate, item.expert), up = matrix_of(a.up, item.expert);
        if (!gate.data || !up.data) return Status::weights_failed;
        const Rows x = rows_of(a.x, item.slots, a.top_k);
        Rows inner = rows_of(a.inner, item.slots);
        inner.data += item.first_row * std::int64_t(sizeof(float));
        product({gate, item.first_row, item.last_row, x, inner, item.count}, blocks, space);
        product({up, item.first_row, item.last_row, x, ups, item.count}, blocks, space);
        for (std::int64_t s = 0; s < item.count; ++s) {
            float* y = inner.at(s);
            for (std::int64_t n = 0; n < item.last_row - item.first_row; ++n) y[n] = gated(a.act, y[n], ups.at(s)[n]);
        }
    }
    return Status::ok;
}

inline std::int64_t down_items(const void* args) noexcept {
    return expert_items(static_cast<const MoeDownArgs*>(args)->down);
}
inline std::size_t down_workspace(const void* args) noexcept {
    return product_workspace(static_cast<const MoeDownArgs*>(args)->down.dtype);
}

template <const RegisterBlocks& blocks>
Status moe_down(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const MoeDownArgs*>(args);
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const ExpertItem item = expert_item(a.down, a.begin, a.slots, i);
        if (item.count == 0) continue;
        const Matrix down = matrix_of(a.down, item.expert);
        if (!down.data) return Status::weights_failed;
        Rows outs = rows_of(a.outs, item.slots);
        outs.data += item.first_row * std::int64_t(sizeof(float));
        product({down, item.first_row, item.last_row, rows_of(a.inner, item.slots), outs, item.count}, blocks,
                reinterpret_cast<float*>(work.workspace));
    }
    return Status::ok;
}

}  // namespace quern::x86
