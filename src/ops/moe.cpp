#include "ops/moe.h"

namespace quern {

std::vector<TypeOf> infer(const RouteAttr& a, std::span<const TypeOf> in) {
    CHECK(in.size() == 1 && in[0].dims.size() == 2);
    const std::int64_t experts = in[0].dims[1].constant();
    if (a.top_k < 1 || a.top_k > experts)
        shape_error("the router chooses " + std::to_string(a.top_k) + " of " + std::to_string(experts) + " experts");
    return {{DType::i32, {in[0].dims[0], a.top_k}}, {DType::f32, {in[0].dims[0], a.top_k}}};
}
RouteArgs bind(const RouteAttr& a, const Operands& o) {
    return {o.in[0].view, o.out[0].view, o.out[1].view, a.renormalise};
}

std::vector<TypeOf> infer(const MoeAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 7 && in[3].dims.size() == 3 && in[4].dims.size() == 3 && in[5].dims.size() == 3);
    const std::vector<Dim>&gate = in[3].dims, &up = in[4].dims, &down = in[5].dims;
    if (gate != up || !(down[0] == gate[0]) || !(down[1] == gate[2]) || !(down[2] == gate[1]))
        shape_error("the experts' gate, up and down matrices do not fit each other");
    return {{DType::f32, in[0].dims}};
}

Slabs slabs(const View& v) {
    return {reinterpret_cast<const std::byte* const*>(v.data), v.dtype, v.dim[0], v.dim[1], v.dim[2]};
}

std::vector<TypeOf> infer(const MoeGroupAttr& a, std::span<const TypeOf> in) {
    return {{DType::i32, {a.experts + 1}}, {DType::i32, {in[0].dims[0] * in[0].dims[1]}}};
}
MoeGroupArgs bind(const MoeGroupAttr&, const Operands& o) { return {o.in[0].view, o.out[0].view, o.out[1].view}; }

std::vector<TypeOf> infer(const MoeInnerAttr&, std::span<const TypeOf> in) {
    return {{DType::f32, {in[2].dims[0], in[3].dims[1]}}};
}
MoeInnerArgs bind(const MoeInnerAttr& a, const Operands& o) {
    const View &x = o.in[0].view, &slots = o.in[2].view;
    const std::int64_t top_k = x.rows() == 0 ? 1 : slots.dim[0] / x.rows();
    return {x, o.in[1].view, slots, o.out[0].view, slabs(o.in[3].view), slabs(o.in[4].view), top_k, a.act};
}

std::vector<TypeOf> infer(const MoeDownAttr&, std::span<const TypeOf> in) {
    return {{DType::f32, {in[0].dims[0], in[3].dims[1]}}};
}
MoeDownArgs bind(const MoeDownAttr&, const Operands& o) {
    return {o.in[0].view, o.in[1].view, o.in[2].view, o.out[0].view, slabs(o.in[3].view)};
}

std::vector<TypeOf> infer(const MoeCombineAttr&, std::span<const TypeOf> in) {
    return {{DType::f32, {in[1].dims[0], in[0].dims[1]}}};
}
MoeCombineArgs bind(const MoeCombineAttr&, const Operands& o) {
    return {o.in[0].view, o.in[1].view, o.in[2].view, o.out[0].view};
}

}  // namespace quern
