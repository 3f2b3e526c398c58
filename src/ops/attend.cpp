#include "ops/attend.h"

namespace quern {

std::vector<TypeOf> infer(const StoreAttr&, std::span<const TypeOf> in) {
    CHECK(in.size() == 2 && in[0].is_state);
    return {in[0]};
}

StoreArgs bind(const StoreAttr&, const Operands& o) { return {o.in[1].view, o.in[0].paged, o.ragged}; }

std::vector<TypeOf> infer(const AttendAttr& a, std::span<const TypeOf> in) {
    CHECK(in.size() >= 3 && in.size() % 2 == 1 && in.size() <= 1 + 2 * max_sources && in[0].dims.size() == 3);
    const std::int64_t heads = in[0].dims[1].constant();
    if (a.kv_heads < 1 || heads % a.kv_heads != 0)
        shape_error("attention has " + std::to_string(heads) + " query heads, not a multiple of its " +
                    std::to_string(a.kv_heads) + " key-value heads");
    return {{DType::f32, in[0].dims}, {DType::f32, {in[0].dims[0], in[0].dims[1]}}};
}

AttendArgs bind(const AttendAttr& a, const Operands& o) {
    AttendArgs args{o.in[0].view, o.out[0].view, o.out[1].view, {}, 0, a.kv_heads, a.scale, a.softcap, o.ragged};
    for (std::size_t i = 1; i + 1 < o.in.size(); i += 2, ++args.sources)
        args.source[std::size_t(args.sources)] = {o.in[i].paged, o.in[i + 1].paged, a.window[i / 2]};
    return args;
}

}  // namespace quern
