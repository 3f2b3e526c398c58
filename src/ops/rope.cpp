#include "ops/rope.h"

namespace quern {

std::vector<TypeOf> infer(const RopeAttr& a, std::span<const TypeOf> in) {
    CHECK(in.size() == 2 && in[0].dims.size() == 3);
    const std::int64_t head_dim = in[0].dims[2].constant();
    const auto turned = static_cast<std::int64_t>(2 * a.frequency.size());
    if (turned > head_dim)
        shape_error("rope turns " + std::to_string(turned) + " elements of heads that have " +
                    std::to_string(head_dim));
    return {{DType::f32, in[0].dims}};
}

RopeArgs bind(const RopeAttr& a, const Operands& o) {
    return {o.in[0].view,
            o.in[1].view,
            o.out[0].view,
            a.style,
            a.magnitude,
            a.frequency.data(),
            static_cast<std::int64_t>(a.frequency.size())};
}

}  // namespace quern
