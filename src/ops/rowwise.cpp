#include "ops/rowwise.h"

namespace quern {
namespace {

std::string text(const std::vector<Dim>& dims) {
    std::string s = "[";
    for (const Dim& d : dims) s += (s.size() > 1 ? ", " : "") + d.text();
    return s + "]";
}

std::vector<TypeOf> same_shape(const char* what, const TypeOf& a, const TypeOf& b) {
    if (a.dims != b.dims) shape_error(std::string(what) + " of " + text(a.dims) + " and " + text(b.dims));
    return {{DType::f32, a.dims}};
}

}  // namespace

std::vector<TypeOf> infer(const GluAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 2);
    return same_shape("a gated unit", in[0], in[1]);
}
GluArgs bind(const GluAttr& a, const Operands& o) { return {o.in[0].view, o.in[1].view, o.out[0].view, a.act}; }

std::vector<TypeOf> infer(const AddAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 2);
    return same_shape("a sum", in[0], in[1]);
}
AddArgs bind(const AddAttr&, const Operands& o) { return {o.in[0].view, o.in[1].view, o.out[0].view}; }

std::vector<TypeOf> infer(const ScaleAttr&, std::span<const TypeOf> in) { return {{DType::f32, in[0].dims}}; }
ScaleArgs bind(const ScaleAttr& a, const Operands& o) { return {o.in[0].view, o.out[0].view, a.factor}; }

std::vector<TypeOf> infer(const SoftcapAttr&, std::span<const TypeOf> in) { return {{DType::f32, in[0].dims}}; }
SoftcapArgs bind(const SoftcapAttr& a, const Operands& o) { return {o.in[0].view, o.out[0].view, a.cap}; }

std::vector<TypeOf> infer(const GateRowsAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 2 && in[1].dims.size() == 2);
    return {{DType::f32, in[0].dims}};
}
GateRowsArgs bind(const GateRowsAttr&, const Operands& o) { return {o.in[0].view, o.in[1].view, o.out[0].view}; }

}  // namespace quern
