// From a graph to the list of things a step does. Composite nodes become several (moe: group, acquire, inner, down,
// release, combine), nodes whose results nobody asked for disappear. Made once per set of outputs; plans for all
// buckets share it.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace quern::exec {

// A node that a kernel computes, or a lease of experts, which is the plan's own business.
struct Task {
    enum class Kind : std::uint8_t { compute, acquire, release };
    Kind kind = Kind::compute;
    std::string name;          // the graph node's, with ".group", ".inner", ".down" for moe's parts
    Attr attr;                 // compute
    std::vector<int> in, out;  // compute: value ids in Program::values
    std::vector<int> leased;   // acquire, release: values that are expert stacks
    int begin = -1;            // acquire, release: the value holding moe_group's `begin`
    Op op() const { return op_of(attr); }
};

struct Program {
    std::vector<ValueInfo> values;  // the graph's, then those that lowering made
    std::vector<Task> tasks;
    std::vector<Graph::Output> outputs;
    std::vector<StateGroup> states;
};

// What activations are when they meet quantised weights: floats, or int8 blocks where linear_q8 has a recipe.
enum class Precision : std::uint8_t { exact, fast };

// `outputs` names graph outputs; what only others need is left out. Throws Error(bad_request) for an unknown name.
Program lower(const Graph& graph, const std::vector<std::string>& outputs, Precision precision = Precision::exact);

}  // namespace quern::exec
