// moe_inner and moe_down of class "f32x16" for any weight format, with AVX-512.
#include "kernels/x86/moe_f32x16.h"

namespace quern::x86 {
namespace {

constexpr KernelSpec inner_spec{.id = "moe_inner.f32x16.avx512",
                                .op = Op::moe_inner,
                                .home = Home::x86,
                                .needs = Isa::avx512,
                                .weight = decodable(),
                                .numerics = Numerics::f32x16,
                                .speed = {32, 6},
                                .items = inner_items,
                                .workspace = inner_workspace,
                                .run = moe_inner<avx512_blocks>};
constexpr KernelSpec down_spec{.id = "moe_down.f32x16.avx512",
                               .op = Op::moe_down,
                               .home = Home::x86,
                               .needs = Isa::avx512,
                               .weight = decodable(),
                               .numerics = Numerics::f32x16,
                               .speed = {32, 6},
                               .items = down_items,
                               .workspace = down_workspace,
                               .run = moe_down<avx512_blocks>};
const Registered registered_inner{inner_spec}, registered_down{down_spec};

}  // namespace
}  // namespace quern::x86
