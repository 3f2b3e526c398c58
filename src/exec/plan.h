// A plan: for one bucket of T (rows of a step) a kernel and buffers for every task, decided ahead. Buffers are placed
// by liveness into one arena whose size is known before anything is allocated. A plan is data; the executor runs it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "dispatch/choose.h"
#include "exec/lower.h"

namespace quern::exec {

// T buckets: 1, 2-8, 9-32, 33-128, more. A step runs in the first bucket that holds its rows.
struct Bucket {
    std::int64_t min_rows = 1, max_rows = 1;
};
std::vector<Bucket> buckets(std::int64_t max_rows);

struct PlanLimits {
    std::int64_t rows = 512;  // tokens in a step
    std::int64_t sequences = 1;
    std::int64_t logit_rows = 1;
    int threads = 1;  // each has its own workspace
};

struct PlannedStep {
    int task = -1;
    const KernelSpec* kernel = nullptr;  // null: acquire or release
};

struct Plan {
    Bucket bucket;
    std::vector<PlannedStep> steps;
    std::vector<std::int64_t> offset;     // by value: bytes into the arena, -1: not there
    std::vector<std::int64_t> max_bytes;  // by value, with the bucket's largest dims
    std::size_t arena_bytes = 0;          // values only
    std::size_t workspace_bytes = 0;      // of one worker
};

// Which kernel computes a task in a bucket. Throws Error naming the node that no kernel can compute.
using Chooser = std::function<const KernelSpec*(const dispatch::Request&, Bucket)>;
// The usual one, which remembers what it has chosen: made anew after times or verdicts have changed. The ledger must
// outlive it; null: kernels are taken unproven, as their own tests do.
Chooser chooser(dispatch::Policy policy, dispatch::Ledger* ledger);

// Chooses kernels and places buffers. Throws what the chooser throws.
Plan make_plan(const Program& program, Bucket bucket, const PlanLimits& limits, const Chooser& choose);

// What a kernel for this task would have to do: the formats and lengths that decide which kernels may take it, and how
// much work it is in the bucket whose largest symbols these are.
dispatch::Request request_for(const Program& program, const Task& task, std::span<const std::int64_t> symbols,
                              int threads);

// The values of the step symbols at their largest in this bucket.
std::vector<std::int64_t> largest_symbols(const Program& program, Bucket bucket, const PlanLimits& limits);

// Places intervals [first, last] of given sizes so that those alive together do not overlap. Returns offsets (aligned
// to buffer_alignment) and the arena's size. Largest first, at the lowest free offset.
struct Interval {
    std::int64_t bytes = 0;
    int first = -1, last = -1;  // -1: never
};
std::vector<std::int64_t> place(const std::vector<Interval>& intervals, std::size_t& arena_bytes);

// For `quern plan show`.
std::string describe(const Program& program, const Plan& plan);
Json to_json(const Program& program, const Plan& plan);

}  // namespace quern::exec
