// linear of class "f32x16" for any weight format, with AVX-512.
#include "kernels/x86/linear_f32x16.h"

namespace quern::x86 {
namespace {

constexpr KernelSpec spec{.id = "linear.f32x16.avx512",
                          .op = Op::linear,
                          .home = Home::x86,
                          .needs = Isa::avx512,
                          .weight = decodable(),
                          .numerics = Numerics::f32x16,
                          .speed = {32, 6},
                          .items = linear_items,
                          .workspace = linear_workspace,
                          .run = linear<avx512_blocks>};
const Registered registered_linear{spec};

}  // namespace
}  // namespace quern::x86
