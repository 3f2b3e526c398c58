#include "ops/recurrent.h"

namespace quern {

std::vector<TypeOf> infer(const CompressAttr& a, std::span<const TypeOf> in) {
    CHECK(in.size() == 1 && in[0].is_state);
    return {{DType::f32, {a.emitted, a.width}}};
}
CompressArgs bind(const CompressAttr& a, const Operands& o) {
    return {o.in[0].paged, o.out[0].view, a.ratio, o.ragged};
}

std::vector<TypeOf> infer(const RecurAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 3 && in[2].is_state);
    return {{DType::f32, in[0].dims}, in[2]};
}
RecurArgs bind(const RecurAttr&, const Operands& o) {
    return {o.in[0].view, o.in[1].view, o.out[0].view, o.in[2].paged, o.ragged};
}

}  // namespace quern
