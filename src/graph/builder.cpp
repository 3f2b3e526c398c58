#include "graph/builder.h"

namespace quern {
namespace {

const std::string& name(Value v) { return v.graph->info(v).name; }

// "blk.3.attn_q.weight" -> "blk.3.attn_q"
std::string stem(Value weight) {
    const std::string& n = name(weight);
    constexpr std::string_view suffix = ".weight";
    return n.ends_with(suffix) ? n.substr(0, n.size() - suffix.size()) : n;
}

Value one(std::string as, Attr attr, const std::vector<Value>& in) {
    return in[0].graph->node(std::move(as), std::move(attr), in)[0];
}

}  // namespace

Value Layer::row(const std::string& name, std::int64_t k) const {
    const std::string full = prefix_ + name + ".weight";
    const auto dims = graph_.weight_dims(full);
    if (dims && dims->size() == 1) return split(graph_.weight(full, {k}), k);
    return graph_.weight(full, {1, k});
}

Value embed(Value ids, Value weight) { return one(stem(weight), EmbedAttr{}, {ids, weight}); }
Value select_rows(Value x, Value rows) { return one(name(x) + ".rows", SelectRowsAttr{}, {x, rows}); }
Value norm(Value x, Value weight, float eps) { return one(stem(weight), NormAttr{eps}, {x, weight}); }
Value rope(Value x, Value positions, RopeAttr how) { return one(name(x) + ".rope", std::move(how), {x, positions}); }
Value glu(Value gate, Value up, Act act) { return one(name(gate) + ".glu", GluAttr{act}, {gate, up}); }
Value add(Value a, Value b, const std::string& as) {
    return one(as.empty() ? name(b) + ".add" : as, AddAttr{}, {a, b});
}
Value scale(Value x, float factor) { return one(name(x) + ".scale", ScaleAttr{factor}, {x}); }
Value softcap(Value x, float cap) { return one(name(x) + ".softcap", SoftcapAttr{cap}, {x}); }
Value gate_rows(Value x, Value gate) { return one(name(x) + ".gate_rows", GateRowsAttr{}, {x, gate}); }
Value store(Value state, Value rows) { return one(name(state) + ".store", StoreAttr{}, {state, rows}); }

Value linear(Value x, Value weight, Value bias) {
    // A tied head reads the embedding's tensor, whose name the embedding node has taken.
    std::string as = stem(weight);
    if (as == "token_embd") as = "output";
    return one(std::move(as), LinearAttr{}, {x, weight, bias});
}

Value slice(Value x, std::int64_t first, std::int64_t count) {
    std::vector<Dim> dims = x.graph->info(x).type.dims;
    const std::int64_t n = dims.back().constant();
    if (first < 0 || count < 0 || first + count > n)
        shape_error(name(x) + ": a slice of " + std::to_string(count) + " from " + std::to_string(first) +
                    " leaves its rows of " + std::to_string(n));
    dims.back() = Dim(count);
    return x.graph->view({ViewOf::Kind::slice, x.id, first}, std::move(dims));
}

Value split(Value x, std::int64_t width) {
    std::vector<Dim> dims = x.graph->info(x).type.dims;
    const std::int64_t n = dims.back().constant();
    if (width < 1 || n % width != 0)
        shape_error(name(x) + ": rows of " + std::to_string(n) + " do not split into heads of " +
                    std::to_string(width));
    dims.back() = Dim(n / width);
    dims.emplace_back(width);
    return x.graph->view({ViewOf::Kind::split, x.id, 0}, std::move(dims));
}

Value merge(Value x) {
    std::vector<Dim> dims = x.graph->info(x).type.dims;
    const Dim width = dims.back();
    dims.pop_back();
    dims.back() = dims.back() * width;
    return x.graph->view({ViewOf::Kind::merge, x.id, 0}, std::move(dims));
}

Value attend(const std::string& as, Value q, std::span<const Source> sources, AttendAttr how) {
    std::vector<Value> in{q};
    CHECK(sources.size() <= std::size_t(max_sources));
    for (std::size_t i = 0; i < sources.size(); ++i) {
        in.insert(in.end(), {sources[i].k, sources[i].v});
        how.window[i] = sources[i].window;
    }
    return one(as, how, in);
}

Routing route(Value logits, std::int64_t top_k, Renormalise renormalise) {
    const std::vector<Value> out = logits.graph->node(name(logits) + ".route", RouteAttr{top_k, renormalise}, {logits});
    return {out[0], out[1]};
}

Value moe(const std::string& as, Value x, const Routing& routing, Value gate, Value up, Value down, Act act,
          Value shared) {
    return one(as, MoeAttr{act}, {x, routing.ids, routing.weights, gate, up, down, shared});
}

Value compress(Value state, std::int64_t width, std::int64_t ratio, Dim emitted, const std::string& as) {
    return one(as, CompressAttr{ratio, width, std::move(emitted)}, {state});
}

Recurrence recur(Value x, Value gate, Value state, const std::string& as) {
    const std::vector<Value> out = x.graph->node(as, RecurAttr{}, {x, gate, state});
    return {out[0], out[1]};
}

}  // namespace quern
