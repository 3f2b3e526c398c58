// A graph is what a model computes in one step, recorded once: immutable values, and nodes that make values from
// values. Every node has a dotted name ("blk.3.attn_q"), derived from its weight or its input; observers, traces,
// profiles and plans use these names, never indices. Dims may be expressions over step symbols (tensor/dim.h), so the
// graph never changes between steps. Slices, splits and merges are views: they have no node and no kernel. It knows no
// kernel, thread, cache or device but a device's number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ops/all.h"
#include "tensor/lease.h"

namespace quern {

class Graph;

// A handle on a value of a graph; empty where an optional value is absent.
struct Value {
    Graph* graph = nullptr;
    int id = -1;
    explicit operator bool() const { return id >= 0; }
};

// A view's relation to the value it looks into.
struct ViewOf {
    enum class Kind : std::uint8_t { none, slice, split, merge };
    Kind kind = Kind::none;
    int parent = -1;
    std::int64_t first = 0;  // slice: first element of the last dim
};
View apply(const ViewOf& how, const View& parent, const View& shape);

struct ValueInfo {
    enum class Origin : std::uint8_t { input, weight, state, node };
    std::string name;
    TypeOf type;
    Origin origin = Origin::input;
    int device = 0;
    int weight = -1;              // weight: its id in the WeightSource
    int group = -1, member = -1;  // state
    ViewOf view;
};

struct Node {
    std::string name;
    Attr attr;
    std::vector<int> in;  // value ids; -1 where an optional input is absent
    std::vector<int> out;
    Op op() const { return op_of(attr); }
};

struct GraphOptions {
    DType kv_dtype = DType::f32;
    std::int64_t context = 0;  // tokens a sequence may have; 0: the model's own
};

class Graph {
public:
    // `weights` is asked for names, dtypes and shapes while recording, and must outlive the graph.
    Graph(WeightSource& weights, GraphOptions options);
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    const GraphOptions& options() const { return options_; }

    // Inputs of every step: token ids [T], positions [T], and the rows whose logits are wanted [R].
    Value tokens() { return {this, tokens_}; }
    Value positions() { return {this, positions_}; }
    Value logit_rows() { return {this, logit_rows_}; }
    Value input(std::string name, DType dtype, std::vector<Dim> dims, int device = 0);

    // The tensor of this full name. Throws Error(bad_file) when it is absent or has another shape.
    Value weight(const std::string& name, const std::vector<std::int64_t>& dims);
    // The same, but an absent tensor is an empty value.
    Value optional_weight(const std::string& name, const std::vector<std::int64_t>& dims);
    bool has_weight(const std::string& name) const { return weights_.find(name).has_value(); }
    // Its dims, outermost first, or nullopt when there is no such tensor.
    std::optional<std::vector<std::int64_t>> weight_dims(const std::string& name) const;
    // A small tensor's numbers, for attributes made while recording (rope factors). Empty when absent.
    std::vector<float> constant(const std::string& name, std::int64_t elements);
    // Names of the tensors the graph reads.
    const std::unordered_set<std::string>& used_weights() const { return used_; }

    // Declares a state group, and a member of it. Members must be added before the first node reads the group.
    int state_group(StateGroup group);
    Value state(int group, std::string name, DType dtype, std::int64_t width);
    Dim emitted(int group) const { return Dim::symbol(symbol::first_emitted + group); }

    // Records a node; throws Error naming it when shapes do not fit, or when its inputs are on different devices.
    std::vector<Value> node(std::string name, Attr attr, const std::vector<Value>& in);
    Value view(ViewOf how, std::vector<Dim> dims);

    void output(std::string name, Value v);
    Value find_output(std::string_view name) const;  // empty when there is none

    const std::vector<ValueInfo>& values() const { return values_; }
    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<StateGroup>& states() const { return states_; }
    struct Output {
        std::string name;
        int value;
    };
    const std::vector<Output>& outputs() const { return outputs_; }
    const ValueInfo& info(Value v) const { return values_[std::size_t(v.id)]; }

private:
    int add(ValueInfo v);

    WeightSource& weights_;
    GraphOptions options_;
    std::vector<ValueInfo> values_;
    std::vector<Node> nodes_;
    std::vector<StateGroup> states_;
    std::vector<Output> outputs_;
    std::unordered_set<std::string> used_, names_;
    int tokens_, positions_, logit_rows_;
};

}  // namespace quern
