// Which kernel computes a node, and why not the others. All of this happens when a plan is made, never in a step.
// Today: hard limits, the node's numerics class, locks, then the kernels' declared preference; proofs and timings come
// between.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernels/spec.h"

namespace quern::dispatch {

// What a kernel would have to do.
struct Request {
    std::string node;  // for error texts
    Op op = Op::count_;
    std::vector<DType> weights;  // formats of its weight operands
    std::vector<DType> states;
    std::int64_t k = 0;         // length of the dot products; 0: none
    std::int64_t head_dim = 0;  // 0: none
};

// What the user wants. Kernels are named by id or by a glob over ids ("*.avx512"). None of it overrules a hard limit.
struct Policy {
    Isa isa = Isa::none;                         // what may be used; cpu_isa() or less
    std::map<std::string, std::string> lock{};   // op name -> kernel id: this one or an Error
    std::vector<std::string> deny{};             // never these
    std::vector<std::string> allow{};            // where it names kernels of the op: only these
    std::vector<std::string> prefer{}, avoid{};  // among legal kernels of the class: first, last
};

// Everything this processor has, no locks.
Policy machine_policy();

struct Candidate {
    const KernelSpec* spec = nullptr;
    std::vector<Reason> reasons;  // empty: legal
};

struct Choice {
    const KernelSpec* kernel = nullptr;
    std::vector<Candidate> candidates;  // every registered kernel of the op, the chosen one first, then by id
};

// The numerics class that nodes of this op have, fixed by op and precision, never by timing, T or threads.
Numerics node_class(Op op);

// Whether a pattern of a policy means this kernel.
bool matches(const std::string& pattern, std::string_view kernel_id);

// Throws Error(bad_request) naming a pattern that means no kernel of this build: it would have no effect.
void check_policy(const Policy& policy);

class Ledger;

// With a ledger, a kernel is chosen only if its proof holds, and proved first where nothing is known of it. Throws
// Error(unsupported) with every candidate's reasons when nothing is legal or the locked kernel is not.
Choice choose(const Request& request, const Policy& policy, Ledger* ledger = nullptr);

}  // namespace quern::dispatch
