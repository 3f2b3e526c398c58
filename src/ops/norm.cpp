#include "ops/norm.h"

namespace quern {

std::vector<TypeOf> infer(const NormAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 2);
    const std::vector<Dim>& x = in[0].dims;
    CHECK(x.size() == 2 || x.size() == 3);
    if (!in[1].dims.empty() && !(in[1].dims[0] == x.back()))
        shape_error("norm's weight has " + in[1].dims[0].text() + " elements, its rows have " + x.back().text());
    return {{DType::f32, x}, {DType::f32, {x.size() == 3 ? x[0] * x[1] : x[0]}}};
}

NormArgs bind(const NormAttr& a, const Operands& o) {
    return {o.in[0].view, o.in[1].view, o.out[0].view, o.out[1].view, a.eps};
}

}  // namespace quern
