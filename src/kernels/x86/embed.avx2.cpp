// embed with AVX2: half-size floats are widened by the processor, other formats as everywhere.
#include "ops/embed.h"
#include "kernels/spec.h"
#include "kernels/x86/widen.h"

namespace quern::x86 {
namespace {

std::int64_t items(const void* args) noexcept { return static_cast<const EmbedArgs*>(args)->y.rows(); }

Status embed(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const EmbedArgs*>(args);
    const auto* ids = a.ids.row<std::int32_t>(0);
    for (std::int64_t t = work.begin; t < work.end; ++t) {
        if (ids[t] < 0 || ids[t] >= a.weight.rows()) return Status::bad_token_id;
        widen(a.weight.dtype, a.weight.row<std::byte>(ids[t]), a.y.row(t), a.y.last());
    }
    return Status::ok;
}

constexpr KernelSpec spec{.id = "embed.avx2",
                          .op = Op::embed,
                          .home = Home::x86,
                          .needs = Isa::avx2_fma,
                          .weight = decodable(),
                          .speed = {4, 8},
                          .items = items,
                          .run = embed};
const Registered registered_embed{spec};

}  // namespace
}  // namespace quern::x86
