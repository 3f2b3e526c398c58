// The kernel of rope.
#include "ops/rope.h"

#include "kernels/math.h"
#include "kernels/spec.h"

namespace quern {
namespace {

std::int64_t rope_items(const void* args) noexcept { return static_cast<const RopeArgs*>(args)->x.rows(); }

Status rope(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const RopeArgs*>(args);
    const auto* positions = a.positions.row<std::int32_t>(0);
    const std::int64_t heads = a.x.dim[1];
    const std::int64_t next = a.style == RopeStyle::interleaved ? 1 : a.pairs;  // from one of a pair to the other
    for (std::int64_t t = work.begin; t < work.end; ++t) {
        for (std::int64_t i = 0; i < a.pairs; ++i) {
            const math::SinCos turn = math::sincos(positions[t] * a.frequency[i]);
            const double c = turn.cos * double(a.magnitude), s = turn.sin * double(a.magnitude);
            const std::int64_t first = a.style == RopeStyle::interleaved ? 2 * i : i;
            for (std::int64_t h = 0; h < heads; ++h) {
                const float* x = a.x.row(t, h) + first;
                float* y = a.y.row(t, h) + first;
                const double u = double(x[0]), v = double(x[next]);
                y[0] = static_cast<float>(u * c - v * s);
                y[next] = static_cast<float>(u * s + v * c);
            }
        }
        for (std::int64_t h = 0; h < heads; ++h)
            for (std::int64_t i = 2 * a.pairs; i < a.x.dim[2]; ++i) a.y.row(t, h)[i] = a.x.row(t, h)[i];
    }
    return Status::ok;
}

constexpr KernelSpec spec{.id = "rope.reference", .op = Op::rope, .items = rope_items, .run = rope};
const Registered registered_rope{spec};

}  // namespace
}  // namespace quern
