// Which kernel computes a node, and why not the others. All of this happens when a plan is made, never in a step.
// Hard limits, locks, the node's numerics class and proofs say which kernels are legal; the user's wishes, then times
// measured on this machine, then declared speeds say which of them comes first.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/spec.h"

namespace quern::dispatch {

// What a kernel would have to do.
struct Request {
    std::string node{};  // for error texts
    Op op = Op::count_;
    std::vector<DType> weights{};  // formats of its weight operands
    std::vector<DType> states{};
    std::int64_t k = 0;         // length of the dot products; 0: none
    std::int64_t head_dim = 0;  // 0: none
    // How much there is to do, and by how many: for costs; what is legal does not depend on it.
    std::int64_t rows = 0, width = 0, experts = 0;  // of the result, at the most in the bucket of T; of the weights
    int threads = 1;
    double flops = 0, bytes = 0;  // in all
};

// Whether the same kernels are legal for both, at the same costs: all but the node's name is equal.
bool same_work(const Request& a, const Request& b);

// Times of one kernel at one size on this machine, in microseconds.
struct Timing {
    int n = 0;
    double median = 0, mad = 0, p95 = 0;                 // mad: the median deviation from the median
    bool stable() const { return mad <= 0.1 * median; }  // others are not trusted
};
Timing timing_of(std::vector<double> microseconds);

// What a time depends on beside the kernel, as text: "linear q4_k k=2048 rows=512 width=5632 threads=2".
std::string size_class(const Request& request);

// Cycles that a kernel would take at its declared speed, its work spread over all threads.
double estimate(const KernelSpec& kernel, const Request& request);

// What the user wants. Kernels are named by id or by a glob over ids ("*.avx512"). None of it overrules a hard limit.
struct Policy {
    Isa isa = Isa::none;                         // what may be used; cpu_isa() or less
    Isa broken = Isa::none;                      // what its self-test has found wrong (Ledger::broken_isa)
    std::map<std::string, std::string> lock{};   // op name -> kernel id: this one or an Error
    std::vector<std::string> deny{};             // never these
    std::vector<std::string> allow{};            // where it names kernels of the op: only these
    std::vector<std::string> prefer{}, avoid{};  // among legal kernels of the class: first, last
};

// Everything this processor has, no locks.
Policy machine_policy();

struct Candidate {
    const KernelSpec* spec = nullptr;
    std::vector<Reason> reasons;     // empty: legal
    double cycles = 0;               // estimated
    std::optional<Timing> timing{};  // where it was measured and is stable
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

// Why a kernel may not compute this, whatever others there are and whatever its proof says; empty: it may.
std::vector<Reason> objections(const KernelSpec& kernel, const Request& request, const Policy& policy);

class Ledger;

// With a ledger, a kernel is chosen only if its proof holds, and proved first where nothing is known of it. Throws
// Error(unsupported) with every candidate's reasons when nothing is legal or the locked kernel is not.
Choice choose(const Request& request, const Policy& policy, Ledger* ledger = nullptr);

}  // namespace quern::dispatch
