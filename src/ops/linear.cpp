#include "ops/linear.h"

namespace quern {

std::vector<TypeOf> infer(const LinearAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 3 && in[0].dims.size() == 2 && in[1].dims.size() == 2);
    const Dim &k = in[0].dims[1], &n = in[1].dims[0];
    if (!(in[1].dims[1] == k))
        shape_error("linear's weight has rows of " + in[1].dims[1].text() + ", its input has rows of " + k.text());
    if (!in[2].dims.empty() && !(in[2].dims[0] == n))
        shape_error("linear's bias has " + in[2].dims[0].text() + " elements, its weight has " + n.text() + " rows");
    return {{DType::f32, {in[0].dims[0], n}}};
}

LinearArgs bind(const LinearAttr&, const Operands& o) {
    return {o.in[0].view, o.in[1].view, o.in[2].view, o.out[0].view};
}

}  // namespace quern
