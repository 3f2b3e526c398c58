#include "exec/lower.h"

#include <map>

#include "base/error.h"
#include "tensor/quant/k_parts.h"

namespace quern::exec {
namespace {

// The value whose memory a view looks into.
int root(const std::vector<ValueInfo>& values, int id) {
    while (id >= 0 && values[std::size_t(id)].view.kind != ViewOf::Kind::none) id = values[std::size_t(id)].view.parent;
    return id;
}

// Nodes that the wanted outputs need, walking backwards. A node that only writes state is needed when the state it
// returns is read by a needed node, or when it is the last writer of that state in the step.
std::vector<bool> needed_nodes(const Graph& graph, const std::vector<Graph::Output>& outputs) {
    const std::vector<ValueInfo>& values = graph.values();
    std::vector<bool> value(values.size()), node(graph.nodes().size());
    for (const Graph::Output& o : outputs) value[std::size_t(root(values, o.value))] = true;
    for (std::size_t i = graph.nodes().size(); i-- > 0;) {
        const Node& n = graph.nodes()[i];
        for (const int out : n.out)
            node[i] = node[i] || value[std::size_t(out)] || values[std::size_t(out)].type.is_state;
        if (!node[i]) continue;
        for (const int in : n.in)
            if (in >= 0) value[std::size_t(root(values, in))] = true;
    }
    return node;
}

class Lowering {
public:
    explicit Lowering(Program& program) : p_(program) {}

    void compute(std::string name, Attr attr, std::vector<int> in, std::vector<int> out) {
        Task t;
        t.name = std::move(name);
        t.attr = std::move(attr);
        t.in = std::move(in);
        t.out = std::move(out);
        p_.tasks.push_back(std::move(t));
    }

    // Makes the values of an op whose results only lowering knows.
    std::vector<int> compute_new(const std::string& name, Attr attr, std::vector<int> in) {
        std::vector<TypeOf> types;
        for (const int i : in) types.push_back(i < 0 ? TypeOf{} : p_.values[std::size_t(i)].type);
        types = std::visit([&](const auto& a) { return infer(a, types); }, attr);
        std::vector<int> out;
        for (std::size_t i = 0; i < types.size(); ++i) {
            out.push_back(static_cast<int>(p_.values.size()));
            p_.values.push_back(
                {i == 0 ? name : name + "#" + std::to_string(i), types[i], ValueInfo::Origin::node, 0, -1, -1, -1, {}});
        }
        compute(name, std::move(attr), std::move(in), out);
        return out;
    }

    void lease(Task::Kind kind, const std::string& name, int begin, std::vector<int> stacks) {
        Task t;
        t.kind = kind;
        t.name = name;
        t.begin = begin;
        t.leased = std::move(stacks);
        p_.tasks.push_back(std::move(t));
    }

    void moe(const Node& n) {
        const int x = n.in[0], ids = n.in[1], weights = n.in[2], gate = n.in[3], up = n.in[4], down = n.in[5];
        const std::int64_t experts = p_.values[std::size_t(gate)].type.dims[0].constant();
        const std::vector<int> grouped = compute_new(n.name + ".group", MoeGroupAttr{experts}, {ids});
        lease(Task::Kind::acquire, n.name + ".acquire", grouped[0], {gate, up, down});
        const int inner = compute_new(n.name + ".inner", MoeInnerAttr{std::get<MoeAttr>(n.attr).act},
                                      {x, grouped[0], grouped[1], gate, up})[0];
        const int outs = compute_new(n.name + ".down", MoeDownAttr{}, {inner, grouped[0], grouped[1], down})[0];
        lease(Task::Kind::release, n.name + ".release", grouped[0], {gate, up, down});
        compute(n.name, MoeCombineAttr{}, {outs, weights, n.in[6]}, n.out);
    }

    // Whether linear can take int8 activations: its weights are k-quants, and its rows hold whole blocks with them.
    bool takes_q8(const Node& n) const {
        const ValueInfo& weight = p_.values[std::size_t(n.in[1])];
        return weight.origin == ValueInfo::Origin::weight && has_k_parts(weight.type.dtype);
    }
    // Several matrices read the same rows, which are quantised once.
    void linear_q8(const Node& n) {
        const auto [found, fresh] = quantized_.emplace(n.in[0], -1);
        if (fresh) found->second = compute_new(n.name + ".quantize", QuantizeAttr{}, {n.in[0]})[0];
        compute(n.name, LinearQ8Attr{}, {found->second, n.in[1], n.in[2]}, n.out);
    }

private:
    Program& p_;
    std::map<int, int> quantized_;  // by value, its q8_k
};

}  // namespace

Program lower(const Graph& graph, const std::vector<std::string>& outputs, Precision precision) {
    Program p;
    p.values = graph.values();
    p.states = graph.states();
    for (const std::string& name : outputs) {
        const Value v = graph.find_output(name);
        if (!v) throw Error(Code::bad_request, "planning: the model has no output called {}", name);
        p.outputs.push_back({name, v.id});
    }
    const std::vector<bool> needed = needed_nodes(graph, p.outputs);
    Lowering lowering(p);
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
        const Node& n = graph.nodes()[i];
        if (!needed[i]) continue;
        if (n.op() == Op::moe)
            lowering.moe(n);
        else if (precision == Precision::fast && n.op() == Op::linear && lowering.takes_q8(n))
            lowering.linear_q8(n);
        else
            lowering.compute(n.name, n.attr, n.in, n.out);
    }
    return p;
}

}  // namespace quern::exec
