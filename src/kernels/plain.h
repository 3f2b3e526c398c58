// The loops of ops of class "plain": one text for the scalar kernels of reference/, which define the bits, and for each
// instruction set, whose file compiles them again with its target attribute, so that the compiler makes vector code of
// them. Vector code of a loop without reductions has the bits of the loop: every operation is IEEE 754's, and
// contraction is off. Everything here must be inlined into its caller to take over the caller's target.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/act.h"
#include "kernels/math.h"
#include "kernels/rows.h"
#include "ops/moe.h"
#include "ops/norm.h"
#include "ops/rope.h"
#include "ops/rowwise.h"

#define QUERN_INLINE [[gnu::always_inline]] inline

namespace quern::plain {

// In eight partial sums, lane = i mod 8, folded by a fixed tree: the recipe of norm.
QUERN_INLINE double sum_of_squares(const float* x, std::int64_t n) {
    double lane[8] = {};
    const std::int64_t whole = n / 8 * 8;
    for (std::int64_t i = 0; i < whole; i += 8)
        for (int j = 0; j < 8; ++j) lane[j] += double(x[i + j]) * double(x[i + j]);
    for (std::int64_t i = whole; i < n; ++i) lane[i - whole] += double(x[i]) * double(x[i]);
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

QUERN_INLINE Status norm(const NormArgs& a, const Work& work) {
    const std::int64_t n = a.x.last();
    const float* weight = a.weight ? a.weight.row(0) : nullptr;
    for (std::int64_t r = work.begin; r < work.end; ++r) {
        const float* x = row_at(a.x, r);
        float* y = row_at(a.y, r);
        const double inverse = 1 / std::sqrt(sum_of_squares(x, n) / static_cast<double>(n) + double(a.eps));
        if (weight)
            for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(double(x[i]) * inverse * double(weight[i]));
        else
            for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(double(x[i]) * inverse);
        if (a.inverse) a.inverse.row(0)[r] = static_cast<float>(inverse);
    }
    return Status::ok;
}

// Workspace of rope: cosine and sine of each pair.
inline std::size_t rope_workspace(const void* args) noexcept {
    return static_cast<std::size_t>(static_cast<const RopeArgs*>(args)->pairs) * 2 * sizeof(double);
}

QUERN_INLINE void turn(const float* x, float* y, const double* cos, const double* sin, std::int64_t pairs,
                       std::int64_t step, std::int64_t next) {
    for (std::int64_t i = 0; i < pairs; ++i) {
        const double u = double(x[i * step]), v = double(x[i * step + next]);
        y[i * step] = static_cast<float>(u * cos[i] - v * sin[i]);
        y[i * step + next] = static_cast<float>(u * sin[i] + v * cos[i]);
    }
}

QUERN_INLINE Status rope(const RopeArgs& a, const Work& work) {
    const auto* positions = a.positions.row<std::int32_t>(0);
    auto* cos = reinterpret_cast<double*>(work.workspace);
    double* sin = cos + a.pairs;
    for (std::int64_t t = work.begin; t < work.end; ++t) {
        for (std::int64_t i = 0; i < a.pairs; ++i) {
            const math::SinCos angle = math::sincos(positions[t] * a.frequency[i]);
            cos[i] = angle.cos * double(a.magnitude);
            sin[i] = angle.sin * double(a.magnitude);
        }
        for (std::int64_t h = 0; h < a.x.dim[1]; ++h) {
            const float* x = a.x.row(t, h);
            float* y = a.y.row(t, h);
            if (a.style == RopeStyle::half)
                turn(x, y, cos, sin, a.pairs, 1, a.pairs);
            else
                turn(x, y, cos, sin, a.pairs, 2, 1);
            for (std::int64_t i = 2 * a.pairs; i < a.x.dim[2]; ++i) y[i] = x[i];
        }
    }
    return Status::ok;
}

// The elements of an item of a kernel that works on each element alone: a part of a row.
struct Elements {
    std::int64_t row, first, last;
};
QUERN_INLINE Elements elements_of(const View& v, std::int64_t item) {
    const std::int64_t blocks = (v.last() + elements_per_item - 1) / elements_per_item;
    const std::int64_t first = item % blocks * elements_per_item;
    return {item / blocks, first, std::min(first + elements_per_item, v.last())};
}
template <class Args>
std::int64_t items(const void* args) noexcept {
    return count_items(static_cast<const Args*>(args)->y);
}

QUERN_INLINE Status glu(const GluArgs& a, const Work& work) {
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const Elements e = elements_of(a.y, i);
        const float *gate = row_at(a.gate, e.row), *up = row_at(a.up, e.row);
        float* y = row_at(a.y, e.row);
        if (a.act == Act::silu)
            for (std::int64_t j = e.first; j < e.last; ++j) y[j] = gated(Act::silu, gate[j], up[j]);
        else
            for (std::int64_t j = e.first; j < e.last; ++j) y[j] = gated(Act::gelu_tanh, gate[j], up[j]);
    }
    return Status::ok;
}

QUERN_INLINE Status add(const AddArgs& arg, const Work& work) {
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const Elements e = elements_of(arg.y, i);
        const float *a = row_at(arg.a, e.row), *b = row_at(arg.b, e.row);
        float* y = row_at(arg.y, e.row);
        for (std::int64_t j = e.first; j < e.last; ++j) y[j] = a[j] + b[j];
    }
    return Status::ok;
}

QUERN_INLINE Status scale(const ScaleArgs& a, const Work& work) {
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const Elements e = elements_of(a.y, i);
        const float* x = row_at(a.x, e.row);
        float* y = row_at(a.y, e.row);
        for (std::int64_t j = e.first; j < e.last; ++j) y[j] = x[j] * a.factor;
    }
    return Status::ok;
}

QUERN_INLINE Status softcap(const SoftcapArgs& a, const Work& work) {
    const double cap = double(a.cap);
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const Elements e = elements_of(a.y, i);
        const float* x = row_at(a.x, e.row);
        float* y = row_at(a.y, e.row);
        for (std::int64_t j = e.first; j < e.last; ++j) y[j] = static_cast<float>(cap * math::tanh(double(x[j]) / cap));
    }
    return Status::ok;
}

QUERN_INLINE Status gate_rows(const GateRowsArgs& a, const Work& work) {
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const Elements e = elements_of(a.y, i);
        const float* x = row_at(a.x, e.row);
        float* y = row_at(a.y, e.row);
        const double gate = math::sigmoid(double(*row_at(a.gate, e.row)));
        for (std::int64_t j = e.first; j < e.last; ++j) y[j] = static_cast<float>(double(x[j]) * gate);
    }
    return Status::ok;
}

QUERN_INLINE Status moe_combine(const MoeCombineArgs& a, const Work& work) {
    const std::int64_t top_k = a.weights.last();
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const Elements e = elements_of(a.y, i);
        const float* weights = a.weights.row(e.row);
        float* y = a.y.row(e.row);
        for (std::int64_t j = e.first; j < e.last; ++j) y[j] = 0;
        for (std::int64_t c = 0; c < top_k; ++c) {
            const float* out = a.outs.row(e.row * top_k + c);
            for (std::int64_t j = e.first; j < e.last; ++j) y[j] = std::fma(weights[c], out[j], y[j]);
        }
        if (!a.shared) continue;
        const float* shared = a.shared.row(e.row);
        for (std::int64_t j = e.first; j < e.last; ++j) y[j] += shared[j];
    }
    return Status::ok;
}

inline std::int64_t norm_items(const void* args) noexcept { return count_rows(static_cast<const NormArgs*>(args)->x); }
inline std::int64_t rope_items(const void* args) noexcept { return static_cast<const RopeArgs*>(args)->x.rows(); }

// All of these ops, for a file that registers their kernels: op, argument struct, items, workspace.
#define QUERN_PLAIN_OPS(X)                                          \
    X(norm, NormArgs, plain::norm_items, nullptr)                   \
    X(rope, RopeArgs, plain::rope_items, plain::rope_workspace)     \
    X(glu, GluArgs, plain::items<GluArgs>, nullptr)                 \
    X(add, AddArgs, plain::items<AddArgs>, nullptr)                 \
    X(scale, ScaleArgs, plain::items<ScaleArgs>, nullptr)           \
    X(softcap, SoftcapArgs, plain::items<SoftcapArgs>, nullptr)     \
    X(gate_rows, GateRowsArgs, plain::items<GateRowsArgs>, nullptr) \
    X(moe_combine, MoeCombineArgs, plain::items<MoeCombineArgs>, nullptr)

}  // namespace quern::plain
