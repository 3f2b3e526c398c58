#include "ops/embed.h"

namespace quern {

std::vector<TypeOf> infer(const EmbedAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 2 && in[1].dims.size() == 2);
    return {{DType::f32, {in[0].dims[0], in[1].dims[1]}}};
}

EmbedArgs bind(const EmbedAttr&, const Operands& o) { return {o.in[0].view, o.in[1].view, o.out[0].view}; }

std::vector<TypeOf> infer(const SelectRowsAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 2 && in[0].dims.size() == 2);
    return {{DType::f32, {in[1].dims[0], in[0].dims[1]}}};
}

SelectRowsArgs bind(const SelectRowsAttr&, const Operands& o) { return {o.in[0].view, o.in[1].view, o.out[0].view}; }

}  // namespace quern
