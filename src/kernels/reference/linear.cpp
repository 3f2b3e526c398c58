// The double-sum reference of linear and the scalar model of its class "f32x16". One weight row at a time is decoded
// and multiplied with every row of x.
#include "ops/linear.h"

#include "kernels/matrix.h"
#include "kernels/reference/dot.h"
#include "kernels/spec.h"

namespace quern {
namespace {

std::int64_t items(const void* args) noexcept {
    return row_blocks(static_cast<const LinearArgs*>(args)->weight.rows());
}
std::size_t workspace(const void* args) noexcept {
    return static_cast<std::size_t>(static_cast<const LinearArgs*>(args)->weight.last()) * sizeof(float);
}

template <auto dot>
Status linear(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const LinearArgs*>(args);
    const Matrix weight = matrix_of(a.weight);
    const std::int64_t last = std::min(work.end * rows_per_item, a.weight.rows());
    auto* w = reinterpret_cast<float*>(work.workspace);
    for (std::int64_t n = work.begin * rows_per_item; n < last; ++n) {
        weight.decode(n, 0, weight.k, w);
        for (std::int64_t t = 0; t < a.x.rows(); ++t) {
            auto sum = dot(a.x.row(t), w, weight.k);
            if (a.bias) sum += a.bias.row(0)[n];
            a.y.row(t)[n] = static_cast<float>(sum);
        }
    }
    return Status::ok;
}

constexpr KernelSpec reference_spec{.id = "linear.reference",
                                    .op = Op::linear,
                                    .weight = decodable(),
                                    .numerics = Numerics::double_sum,
                                    .items = items,
                                    .workspace = workspace,
                                    .run = linear<dot_double>};
constexpr KernelSpec model_spec{.id = "linear.f32x16.model",
                                .op = Op::linear,
                                .weight = decodable(),
                                .numerics = Numerics::f32x16,
                                .items = items,
                                .workspace = workspace,
                                .run = linear<dot_f32x16>};
const Registered registered_reference{reference_spec}, registered_model{model_spec};

}  // namespace
}  // namespace quern
