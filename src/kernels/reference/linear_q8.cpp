// quantize, and the double-sum reference and the scalar model of linear_q8: ops/linear_q8.h in code.
#include "ops/linear_q8.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/matrix.h"
#include "kernels/reference/dot.h"
#include "kernels/spec.h"
#include "tensor/quant/k_parts.h"
#include "tensor/quant/q8_k.h"

namespace quern {
namespace {

constexpr std::int64_t block = 256;
constexpr DTypeSet k_quants{DType::q2_k, DType::q3_k, DType::q4_k, DType::q5_k, DType::q6_k};

std::int64_t quantize_items(const void* args) noexcept { return static_cast<const QuantizeArgs*>(args)->x.rows(); }

Status quantize(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const QuantizeArgs*>(args);
    for (std::int64_t t = work.begin; t < work.end; ++t) {
        const float* x = a.x.row(t);
        auto* y = a.y.row<std::byte>(t);
        for (std::int64_t i = 0; i < a.x.last() / block; ++i, x += block, y += sizeof(BlockQ8_K)) {
            if (std::all_of(x, x + block, [](float v) { return std::isfinite(v); })) {
                encode_q8_k(x, y, 1);
            } else {
                const BlockQ8_K bad{std::numeric_limits<float>::quiet_NaN(), {}, {}};
                std::memcpy(y, &bad, sizeof bad);
            }
        }
    }
    return Status::ok;
}

std::int64_t items(const void* args) noexcept {
    return row_blocks(static_cast<const LinearQ8Args*>(args)->weight.rows());
}
std::size_t workspace(const void* args) noexcept {
    return 2 * static_cast<std::size_t>(static_cast<const LinearQ8Args*>(args)->weight.last()) * sizeof(float);
}

// One row of x with one weight row.
using Dot = double (*)(const Matrix& weight, std::int64_t n, const std::byte* x, float* scratch);

double dot_decoded(const Matrix& weight, std::int64_t n, const std::byte* x, float* scratch) {
    weight.decode(n, 0, weight.k, scratch);
    decode_q8_k(x, scratch + weight.k, weight.k / block);
    return dot_double(scratch + weight.k, scratch, weight.k);
}

double dot_i8(const Matrix& weight, std::int64_t n, const std::byte* x, float*) {
    float y = 0;
    for (std::int64_t i = 0; i < weight.k / block; ++i) {
        const KParts w = k_parts(weight.dtype, weight.at(n, i * block));
        BlockQ8_K a;
        std::memcpy(&a, x + i * std::int64_t(sizeof a), sizeof a);
        std::int32_t sum = 0, mins = 0;
        for (int j = 0; j < block; ++j) sum += w.scale[j / 16] * w.q[j] * a.qs[j];
        for (int r = 0; r < 16; ++r) mins += w.min[r] * a.sums[r];
        y = std::fma(w.d * a.d, static_cast<float>(sum), y);
        if (w.mins) y = std::fma(-(w.dmin * a.d), static_cast<float>(mins), y);
    }
    return double(y);
}

template <Dot dot, class Sum>
Status linear_q8(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const LinearQ8Args*>(args);
    const Matrix weight = matrix_of(a.weight);
    const std::int64_t last = std::min(work.end * rows_per_item, a.weight.rows());
    auto* scratch = reinterpret_cast<float*>(work.workspace);
    for (std::int64_t n = work.begin * rows_per_item; n < last; ++n)
        for (std::int64_t t = 0; t < a.x.rows(); ++t) {
            auto sum = static_cast<Sum>(dot(weight, n, a.x.row<std::byte>(t), scratch));
            if (a.bias) sum += static_cast<Sum>(a.bias.row(0)[n]);
            a.y.row(t)[n] = static_cast<float>(sum);
        }
    return Status::ok;
}

constexpr KernelSpec quantize_spec{
    .id = "quantize.reference", .op = Op::quantize, .items = quantize_items, .run = quantize};
constexpr KernelSpec reference_spec{.id = "linear_q8.reference",
                                    .op = Op::linear_q8,
                                    .weight = k_quants,
                                    .numerics = Numerics::double_sum,
                                    .items = items,
                                    .workspace = workspace,
                                    .run = linear_q8<dot_decoded, double>};
constexpr KernelSpec model_spec{.id = "linear_q8.i8.model",
                                .op = Op::linear_q8,
                                .weight = k_quants,
                                .numerics = Numerics::i8,
                                .items = items,
                                .workspace = workspace,
                                .run = linear_q8<dot_i8, float>};
const Registered registered_quantize{quantize_spec}, registered_reference{reference_spec}, registered_model{model_spec};

}  // namespace
}  // namespace quern
