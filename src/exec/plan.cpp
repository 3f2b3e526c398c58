#include "exec/plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/checked.h"

namespace quern::exec {
namespace {

using Origin = ValueInfo::Origin;

std::int64_t elements_at(const ValueInfo& v, std::span<const std::int64_t> symbols) {
    std::int64_t n = 1;
    for (const Dim& d : v.type.dims) n = checked_mul(n, d.evaluate(symbols), v.name);
    return n;
}
std::int64_t bytes_at(const ValueInfo& v, std::span<const std::int64_t> symbols) {
    const DTypeInfo& type = info(v.type.dtype);  // rows are whole blocks
    return checked_mul<std::int64_t>(elements_at(v, symbols) / type.block, type.bytes, v.name);
}

// A value lives from the task that makes it to the last task that reads it; what a view reads is its parent.
std::vector<Interval> lifetimes(const Program& p, const std::vector<std::int64_t>& bytes) {
    std::vector<Interval> live(p.values.size(), Interval{0, -1, -1});
    const auto root = [&](int id) {
        while (p.values[std::size_t(id)].view.kind != ViewOf::Kind::none) id = p.values[std::size_t(id)].view.parent;
        return std::size_t(id);
    };
    const int count = static_cast<int>(p.tasks.size());
    for (int i = 0; i < count; ++i) {
        const Task& t = p.tasks[std::size_t(i)];
        for (const int id : t.out) {
            const ValueInfo& v = p.values[std::size_t(id)];
            if (!v.type.is_state) live[std::size_t(id)] = {bytes[std::size_t(id)], i, i};
        }
        for (const int id : t.in)
            if (id >= 0) live[root(id)].last = i;
        if (t.begin >= 0) live[root(t.begin)].last = i;
    }
    for (const Graph::Output& o : p.outputs) live[root(o.value)].last = count;
    return live;
}

}  // namespace

namespace {

// Bytes of a weight that a step reads: of tables the rows looked up, of experts those that can be reached.
double bytes_read(const ValueInfo& weight, Op op, std::int64_t rows) {
    const double row = static_cast<double>(row_bytes(weight.type.dtype, weight.type.dims.back().constant()));
    const double all =
        row * static_cast<double>(elements_at(weight, {})) / static_cast<double>(weight.type.dims.back().constant());
    if (op == Op::embed) return row * static_cast<double>(rows);
    if (weight.type.dims.size() < 3) return all;
    const std::int64_t experts = weight.type.dims[0].constant();
    return all / static_cast<double>(experts) * static_cast<double>(std::min(experts, rows));
}

// Work of a task at its largest, for costs: nothing depends on its last digit.
void add_work(dispatch::Request& r, const Program& p, const Task& t, std::span<const std::int64_t> symbols) {
    constexpr double nominal_depth = 512;  // rows of state that attention reads, which no plan knows
    constexpr double elementwise = 8;      // flops for each element of a result
    const auto value = [&](int id) -> const ValueInfo& { return p.values[std::size_t(id)]; };
    const ValueInfo& out = value(t.out[0]);
    if (!out.type.is_state) {
        r.rows = out.type.dims[0].evaluate(symbols);
        r.width = out.type.dims.back().evaluate(symbols);
    }
    for (const std::vector<int>* ids : {&t.in, &t.out})
        for (const int id : *ids) {
            if (id < 0 || value(id).type.is_state) continue;
            const bool matrix = value(id).origin == Origin::weight && value(id).type.dims.size() >= 2;
            r.bytes +=
                matrix ? bytes_read(value(id), t.op(), r.rows) : static_cast<double>(bytes_at(value(id), symbols));
            if (matrix && value(id).type.dims.size() == 3) r.experts = value(id).type.dims[0].constant();
        }
    const double made = out.type.is_state ? 0 : static_cast<double>(elements_at(out, symbols));
    r.flops = made * elementwise;
    if (r.k > 0) r.flops = 2 * made * static_cast<double>(r.k) * static_cast<double>(r.weights.size());
    if (t.op() == Op::attend) r.flops = 4 * made * nominal_depth;
}

}  // namespace

dispatch::Request request_for(const Program& p, const Task& t, std::span<const std::int64_t> symbols, int threads) {
    dispatch::Request r{.node = t.name, .op = t.op(), .threads = threads};
    for (const int id : t.in) {
        if (id < 0) continue;
        const ValueInfo& v = p.values[std::size_t(id)];
        if (v.type.is_state) r.states.push_back(v.type.dtype);
        const bool matrix = v.origin == Origin::weight && v.type.dims.size() >= 2;
        if (matrix) r.weights.push_back(v.type.dtype);
        if (matrix && t.op() != Op::embed) r.k = v.type.dims.back().constant();
    }
    if (t.op() == Op::attend) r.head_dim = p.values[std::size_t(t.in[0])].type.dims[2].constant();
    add_work(r, p, t, symbols);
    return r;
}

std::vector<Bucket> buckets(std::int64_t max_rows) {
    std::vector<Bucket> list;
    std::int64_t from = 1;
    for (const std::int64_t to : {std::int64_t(1), std::int64_t(8), std::int64_t(32), std::int64_t(128), max_rows}) {
        if (from > max_rows) break;
        if (to < from) continue;
        list.push_back({from, std::min(to, max_rows)});
        from = to + 1;
    }
    return list;
}

std::vector<std::int64_t> largest_symbols(const Program& program, Bucket bucket, const PlanLimits& limits) {
    std::vector<std::int64_t> s{bucket.max_rows, std::min(limits.sequences, bucket.max_rows),
                                std::min(limits.logit_rows, bucket.max_rows)};
    // Each sequence may end a group that earlier steps began, so it can gain one row more than its tokens' share.
    for (const StateGroup& g : program.states) s.push_back(g.ratio == 1 ? s[0] : ceil_div(s[0], g.ratio) + s[1]);
    return s;
}

std::vector<std::int64_t> place(const std::vector<Interval>& intervals, std::size_t& arena_bytes) {
    std::vector<std::size_t> order(intervals.size());
    std::iota(order.begin(), order.end(), std::size_t(0));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return intervals[a].bytes > intervals[b].bytes; });
    std::vector<std::int64_t> offset(intervals.size(), -1);
    std::vector<std::size_t> placed;
    std::int64_t end = 0;
    for (const std::size_t i : order) {
        const Interval& a = intervals[i];
        if (a.first < 0) continue;
        std::vector<std::pair<std::int64_t, std::int64_t>> taken;  // of those alive at the same time
        for (const std::size_t j : placed)
            if (intervals[j].first <= a.last && a.first <= intervals[j].last)
                taken.emplace_back(offset[j], offset[j] + intervals[j].bytes);
        std::sort(taken.begin(), taken.end());
        std::int64_t at = 0;
        for (const auto& [from, to] : taken) {
            if (at + a.bytes <= from) break;
            at = std::max(at, round_up(to, buffer_alignment));
        }
        offset[i] = at;
        end = std::max(end, at + a.bytes);
        placed.push_back(i);
    }
    arena_bytes = static_cast<std::size_t>(round_up(end, buffer_alignment));
    return offset;
}

Chooser chooser(dispatch::Policy policy, dispatch::Ledger* ledger) {
    // Layers are alike, so that most requests have been seen.
    using Seen = std::vector<std::pair<dispatch::Request, const KernelSpec*>>;
    return [policy = std::move(policy), ledger, seen = std::make_shared<Seen>()](const dispatch::Request& r, Bucket) {
        for (const auto& [request, kernel] : *seen)
            if (dispatch::same_work(request, r)) return kernel;
        const KernelSpec* kernel = dispatch::choose(r, policy, ledger).kernel;
        seen->emplace_back(r, kernel);
        return kernel;
    };
}

Plan make_plan(const Program& program, Bucket bucket, const PlanLimits& limits, const Chooser& choose) {
    Plan plan;
    plan.bucket = bucket;
    const std::vector<std::int64_t> symbols = largest_symbols(program, bucket, limits);
    for (std::size_t i = 0; i < program.tasks.size(); ++i) {
        const Task& t = program.tasks[i];
        PlannedStep step{static_cast<int>(i), nullptr};
        if (t.kind == Task::Kind::compute)
            step.kernel = choose(request_for(program, t, symbols, limits.threads), bucket);
        plan.steps.push_back(step);
    }
    for (const ValueInfo& v : program.values)
        plan.max_bytes.push_back(v.type.is_state || v.origin == Origin::weight ? 0 : bytes_at(v, symbols));
    plan.offset = place(lifetimes(program, plan.max_bytes), plan.arena_bytes);
    return plan;
}

namespace {

std::string dims_text(const ValueInfo& v) {
    if (v.type.is_state) return "state";
    std::string s(info(v.type.dtype).name);
    s += "[";
    for (std::size_t i = 0; i < v.type.dims.size(); ++i) s += (i ? ", " : "") + v.type.dims[i].text();
    return s + "]";
}

}  // namespace

std::string describe(const Program& program, const Plan& plan) {
    std::string s =
        fmt::format("bucket T {}..{}: {} steps, arena {} bytes, workspace {} bytes a worker\n", plan.bucket.min_rows,
                    plan.bucket.max_rows, plan.steps.size(), plan.arena_bytes, plan.workspace_bytes);
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const Task& t = program.tasks[std::size_t(plan.steps[i].task)];
        const char* lease = t.kind == Task::Kind::acquire ? "(acquire experts)" : "(release experts)";
        s += fmt::format("{:5} {:32} {:26}", i, t.name, plan.steps[i].kernel ? plan.steps[i].kernel->id : lease);
        for (const int id : t.out) {
            const ValueInfo& v = program.values[std::size_t(id)];
            s += " " + dims_text(v);
            if (plan.offset[std::size_t(id)] >= 0)
                s += fmt::format(" @{}+{}", plan.offset[std::size_t(id)], plan.max_bytes[std::size_t(id)]);
        }
        s += "\n";
    }
    return s;
}

Json to_json(const Program& program, const Plan& plan) {
    Json steps = Json::array();
    for (const PlannedStep& step : plan.steps) {
        const Task& t = program.tasks[std::size_t(step.task)];
        Json out = Json::array();
        for (const int id : t.out) {
            const ValueInfo& v = program.values[std::size_t(id)];
            out.push_back({{"name", v.name},
                           {"type", dims_text(v)},
                           {"offset", plan.offset[std::size_t(id)]},
                           {"bytes", plan.max_bytes[std::size_t(id)]}});
        }
        steps.push_back({{"name", t.name},
                         {"kernel", step.kernel ? Json(std::string(step.kernel->id)) : Json(nullptr)},
                         {"outputs", std::move(out)}});
    }
    return {{"rows", {plan.bucket.min_rows, plan.bucket.max_rows}},
            {"arena_bytes", plan.arena_bytes},
            {"workspace_bytes", plan.workspace_bytes},
            {"steps", std::move(steps)}};
}

}  // namespace quern::exec
