// Tuning: which kernels are fastest for a model on this machine. Whole steps are run, in turn with the first, the
// second, ... candidate for every node, and each task is timed inside its step: memory, caches and neighbours are what
// they are in use. Times go to the ledger, where selection finds them. Bits do not depend on the outcome, since
// candidates are of one numerics class.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/model.h"

namespace quern::engine {

struct TuneOptions {
    double seconds = 60;  // to measure for, all buckets together; proofs and warming up come on top
    std::function<void(std::int64_t done, std::int64_t total)> progress{};  // parts of the time
};

// One size of one op in one bucket, with its candidates in the order in which they were measured.
struct Measured {
    exec::Bucket rows;
    dispatch::Request request;
    int tasks = 0;  // of this size in a step
    struct Kernel {
        const KernelSpec* spec;
        dispatch::Timing timing;
    };
    std::vector<Kernel> kernels;
};

// Measures nodes that have more than one candidate: legal, proved, and not far slower by declared speed. The model is
// not changed and must have no open sequences; load it again, or bake a plan, to use what was found. Throws Error.
std::vector<Measured> tune(Model& model, const TuneOptions& options);

}  // namespace quern::engine
