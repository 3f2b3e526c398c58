#include "ops/linear_q8.h"

#include "ops/linear.h"

namespace quern {

std::vector<TypeOf> infer(const QuantizeAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 1 && in[0].dims.size() == 2);
    return {{DType::q8_k, in[0].dims}};
}
QuantizeArgs bind(const QuantizeAttr&, const Operands& o) { return {o.in[0].view, o.out[0].view}; }

std::vector<TypeOf> infer(const LinearQ8Attr&, std::span<const TypeOf> in) { return infer(LinearAttr{}, in); }
LinearQ8Args bind(const LinearQ8Attr&, const Operands& o) {
    return {o.in[0].view, o.in[1].view, o.in[2].view, o.out[0].view};
}

}  // namespace quern
