// The words in which a model's forward pass is written: one function per op, taking and giving Values. Rows of an
// activation are the tokens of the step. Names are derived: linear and norm take their weight's name without ".weight",
// others append to their input's ("blk.3.attn_q.rope"), so each op on a value may appear once; `as` names what would
// collide. All throw Error naming the node when shapes do not fit.
#pragma once

#include <span>
#include <string>

#include "graph/graph.h"

namespace quern {

// The names of one layer: layer(g, 3)("attn_q", {n, k}) is the tensor blk.3.attn_q.weight.
class Layer {
public:
    Layer(Graph& g, int index) : graph_(g), prefix_("blk." + std::to_string(index) + ".") {}
    Value operator()(const std::string& name, const std::vector<std::int64_t>& dims) const {
        return graph_.weight(prefix_ + name + ".weight", dims);
    }
    // "attn_q" -> blk.3.attn_q.bias, or an empty value when the file has none.
    Value bias(const std::string& name, std::int64_t n) const {
        return graph_.optional_weight(prefix_ + name + ".bias", {n});
    }
    // A matrix of one row, which files write as [k] or as [1, k].
    Value row(const std::string& name, std::int64_t k) const;
    bool has(const std::string& name) const { return graph_.has_weight(prefix_ + name + ".weight"); }
    // A name in this layer for a state or a node.
    std::string operator[](const std::string& name) const { return prefix_ + name; }

private:
    Graph& graph_;
    std::string prefix_;
};

Value embed(Value ids, Value weight);
Value select_rows(Value x, Value rows);
Value norm(Value x, Value weight, float eps);
Value linear(Value x, Value weight, Value bias = {});
Value rope(Value x, Value positions, RopeAttr how);
Value glu(Value gate, Value up, Act act);
Value add(Value a, Value b, const std::string& as = {});  // named after b
Value scale(Value x, float factor);
Value softcap(Value x, float cap);
Value gate_rows(Value x, Value gate);

// Views: the last dim's elements [first, first + count); [.., n] as [.., n / width, width]; and back.
Value slice(Value x, std::int64_t first, std::int64_t count);
Value split(Value x, std::int64_t width);
Value merge(Value x);

// Appends rows to a state and gives the state that has them.
Value store(Value state, Value rows);
struct Source {
    Value k, v;
    std::int64_t window = 0;  // rows a token may look back, itself included; 0: all
};
// `how` without windows, which the sources carry; named `as`.
Value attend(const std::string& as, Value q, std::span<const Source> sources, AttendAttr how);

struct Routing {
    Value ids, weights;
};
Routing route(Value logits, std::int64_t top_k, Renormalise renormalise);
Value moe(const std::string& as, Value x, const Routing& routing, Value gate, Value up, Value down, Act act,
          Value shared = {});

Value compress(Value state, std::int64_t width, std::int64_t ratio, Dim emitted, const std::string& as);
struct Recurrence {
    Value y, state;
};
Recurrence recur(Value x, Value gate, Value state, const std::string& as);

}  // namespace quern
