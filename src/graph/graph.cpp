#include "graph/graph.h"

#include "base/error.h"
#include "tensor/quant/codec.h"

namespace quern {
namespace {

std::string text(const std::vector<std::int64_t>& dims) {
    std::string s = "[";
    for (const std::int64_t d : dims) s += (s.size() > 1 ? ", " : "") + std::to_string(d);
    return s + "]";
}

}  // namespace

View apply(const ViewOf& how, const View& parent, const View& shape) {
    View v = shape;  // the dims are the view's own, strides come from the parent
    v.data = parent.data;
    v.dtype = parent.dtype;
    const std::int64_t element = info(parent.dtype).bytes;
    for (int i = 0; i < parent.rank - 1 && i < v.rank - 1; ++i)
        v.stride[std::size_t(i)] = parent.stride[std::size_t(i)];
    if (how.kind == ViewOf::Kind::slice) v.data += how.first * element;
    if (how.kind == ViewOf::Kind::split) v.stride[std::size_t(v.rank - 2)] = v.last() * element;
    if (how.kind == ViewOf::Kind::merge)
        CHECK(parent.rows() == 0 || parent.stride[std::size_t(parent.rank - 2)] == parent.last() * element);
    return v;
}

Graph::Graph(WeightSource& weights, GraphOptions options) : weights_(weights), options_(options) {
    const Dim T = Dim::symbol(symbol::T), R = Dim::symbol(symbol::R);
    tokens_ = input("tokens", DType::i32, {T}).id;
    positions_ = input("positions", DType::i32, {T}).id;
    logit_rows_ = input("logit_rows", DType::i32, {R}).id;
}

int Graph::add(ValueInfo v) {
    values_.push_back(std::move(v));
    return static_cast<int>(values_.size()) - 1;
}

Value Graph::input(std::string name, DType dtype, std::vector<Dim> dims, int device) {
    ValueInfo v{std::move(name), {dtype, std::move(dims)}, ValueInfo::Origin::input, device, -1, -1, -1, {}};
    return {this, add(std::move(v))};
}

Value Graph::weight(const std::string& name, const std::vector<std::int64_t>& dims) {
    const Value v = optional_weight(name, dims);
    if (!v)
        throw Error(Code::bad_file, "{}: the file has no such tensor; the model needs it with shape {}", name,
                    text(dims));
    return v;
}

Value Graph::optional_weight(const std::string& name, const std::vector<std::int64_t>& dims) {
    const std::optional<WeightInfo> found = weights_.find(name);
    if (!found) return {};
    if (found->dims != dims)
        throw Error(Code::bad_file, "{}: the file has shape {}, the model needs {}", name, text(found->dims),
                    text(dims));
    if (!codec(found->dtype).decode)
        throw Error(Code::unsupported, "{}: its format {} cannot be computed with", name,
                    quern::info(found->dtype).name);
    used_.insert(name);
    for (std::size_t i = 0; i < values_.size(); ++i)  // tied weights are one value
        if (values_[i].origin == ValueInfo::Origin::weight && values_[i].weight == found->id)
            return {this, static_cast<int>(i)};
    ValueInfo v{name, {found->dtype, {}}, ValueInfo::Origin::weight, 0, found->id, -1, -1, {}};
    for (const std::int64_t d : dims) v.type.dims.emplace_back(d);
    return {this, add(std::move(v))};
}

std::optional<std::vector<std::int64_t>> Graph::weight_dims(const std::string& name) const {
    const std::optional<WeightInfo> found = weights_.find(name);
    return found ? std::optional(found->dims) : std::nullopt;
}

std::vector<float> Graph::constant(const std::string& name, std::int64_t elements) {
    const std::optional<WeightInfo> found = weights_.find(name);
    if (!found) return {};
    if (found->dims != std::vector<std::int64_t>{elements} || found->dtype != DType::f32)
        throw Error(Code::bad_file, "{}: the file has {} {}, the model needs f32 [{}]", name,
                    quern::info(found->dtype).name, text(found->dims), elements);
    used_.insert(name);
    const View v = weights_.bind(found->id);
    return {v.row<float>(0), v.row<float>(0) + elements};
}

int Graph::state_group(StateGroup group) {
    states_.push_back(std::move(group));
    return static_cast<int>(states_.size()) - 1;
}

Value Graph::state(int group, std::string name, DType dtype, std::int64_t width) {
    StateGroup& g = states_[std::size_t(group)];
    if (width % quern::info(dtype).block != 0)
        throw Error(Code::unsupported, "{}: a state row of {} elements cannot be kept in blocks of {}", name, width,
                    quern::info(dtype).name);
    g.members.push_back({name, dtype, width});
    ValueInfo v{std::move(name),
                {dtype, {}, true},
                ValueInfo::Origin::state,
                0,
                -1,
                group,
                static_cast<int>(g.members.size()) - 1,
                {}};
    return {this, add(std::move(v))};
}

std::vector<Value> Graph::node(std::string name, Attr attr, const std::vector<Value>& in) {
    Node n{std::move(name), std::move(attr), {}, {}};
    CHECK(names_.insert(n.name).second);
    std::vector<TypeOf> types;
    int device = -1, state = -1;
    for (const Value v : in) {
        n.in.push_back(v.id);
        types.push_back(v ? info(v).type : TypeOf{});
        if (!v) continue;
        if (device >= 0 && info(v).device != device)
            throw Error(Code::bad_request, "{}: its inputs are on devices {} and {}; move {} first", n.name, device,
                        info(v).device, info(v).name);
        device = info(v).device;
        if (info(v).type.is_state) state = v.id;
    }
    try {
        types = std::visit([&](const auto& a) { return infer(a, types); }, n.attr);
    } catch (Error& e) {
        e.during("{}", n.name);
        throw;
    }
    std::vector<Value> out;
    for (std::size_t i = 0; i < types.size(); ++i) {
        ValueInfo v{i == 0 ? n.name : n.name + "#" + std::to_string(i),
                    types[i],
                    ValueInfo::Origin::node,
                    device,
                    -1,
                    -1,
                    -1,
                    {}};
        if (types[i].is_state) {  // the next state of the same member: other contents in the same pages
            v.group = values_[std::size_t(state)].group;
            v.member = values_[std::size_t(state)].member;
        }
        n.out.push_back(add(std::move(v)));
        out.push_back({this, n.out.back()});
    }
    nodes_.push_back(std::move(n));
    return out;
}

Value Graph::view(ViewOf how, std::vector<Dim> dims) {
    ValueInfo v = values_[std::size_t(how.parent)];
    if (how.kind == ViewOf::Kind::slice) v.name += "@" + std::to_string(how.first);
    v.type.dims = std::move(dims);
    v.view = how;
    return {this, add(std::move(v))};
}

void Graph::output(std::string name, Value v) { outputs_.push_back({std::move(name), v.id}); }

Value Graph::find_output(std::string_view name) const {
    for (const Output& o : outputs_)
        if (o.name == name) return {const_cast<Graph*>(this), o.value};
    return {};
}

}  // namespace quern
