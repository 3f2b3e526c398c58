// linear of class "f32x16" for any weight format, with AVX2 and FMA.
#include "kernels/spec.h"
#include "kernels/x86/product.h"
#include "ops/linear.h"

namespace quern::x86 {
namespace {

std::int64_t items(const void* args) noexcept {
    return row_blocks(static_cast<const LinearArgs*>(args)->weight.rows());
}
std::size_t workspace(const void* args) noexcept {
    return product_workspace(static_cast<const LinearArgs*>(args)->weight.dtype);
}

Status linear(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const LinearArgs*>(args);
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const std::int64_t first = i * rows_per_item;
        Product p{matrix_of(a.weight), first,      std::min(first + rows_per_item, a.weight.rows()), rows_of(a.x),
                  rows_of(a.y),        a.x.rows(), a.bias ? a.bias.row(0) + first : nullptr};
        p.y.data += first * std::int64_t(sizeof(float));
        product(p, reinterpret_cast<float*>(work.workspace));
    }
    return Status::ok;
}

constexpr KernelSpec spec{.id = "linear.f32x16.avx2",
                          .op = Op::linear,
                          .home = Home::x86,
                          .needs = Isa::avx2_fma,
                          .weight = decodable(),
                          .numerics = Numerics::f32x16,
                          .preference = 10,
                          .items = items,
                          .workspace = workspace,
                          .run = linear};
const Registered registered_linear{spec};

}  // namespace
}  // namespace quern::x86
