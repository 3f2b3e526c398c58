// Proofs: before a kernel is chosen it has run on this machine, for the shape class at hand, and given the bits of its
// class's scalar model. The proxies are small (a few output rows, at most four experts) but have the real formats, the
// real length of dot products or size of heads, counts of rows around every tile boundary in use, data with NaN,
// infinities and outliers, poisoned outputs and guarded memory; see support.h.
#pragma once

#include <chrono>
#include <string>

#include "dispatch/choose.h"
#include "dispatch/proof/cases.h"

namespace quern::dispatch {

// What a proof holds for: op, formats, length of dot products, size of heads; "linear q4_k k=2048".
std::string shape_class(const Request& request);

struct Verdict {
    bool holds = false;
    std::string trouble{};  // a sentence where it does not hold
    int failed = -1;        // the case's place in proof_cases(), where it is known
};

struct ProveOptions {
    // Proofs take some milliseconds; sanitizers and a busy machine take more.
    std::chrono::milliseconds patience{20'000};
    Extent extent = Extent::proxies;
    int only = -1;                  // one case of the list; -1: all
    std::function<void()> begin{};  // called before each case
};

// The scalar model of a kernel's class, which others answer to and which is the last resort; null: there is none.
const KernelSpec* model_of(const KernelSpec& kernel);

// Whether a kernel is what others answer to: a class's scalar model, or the only kernel of a plain op.
bool is_definition(const KernelSpec& kernel);

// Proves in this process; a kernel that crashes takes it along. Definitions hold.
Verdict prove_here(const KernelSpec& kernel, const Request& request, const ProveOptions& options = {});

// Proves in a forked child, so that a kernel that crashes or hangs is disproved and nothing else happens. Throws
// Error(io) where no child can be made.
Verdict prove(const KernelSpec& kernel, const Request& request, const ProveOptions& options = {});

// Whether a tier's instructions compute what they should, tried in a forked child. The baseline holds. Throws Error(io)
// where no child can be made.
Verdict self_test(const IsaTier& tier, std::chrono::milliseconds patience = std::chrono::seconds(20));

}  // namespace quern::dispatch
