#include "dispatch/choose.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "dispatch/ledger.h"
#include "kernels/cpu.h"

namespace quern::dispatch {
namespace {

std::vector<Reason> hard_reasons(const KernelSpec& k, const Request& r, const Policy& p) {
    std::vector<Reason> reasons;
    if (!covers(cpu_isa(), k.needs))
        reasons.push_back(Reason::isa_missing);
    else if (!covers(p.isa, k.needs))
        reasons.push_back(Reason::isa_disabled);
    if (any_of(k.needs, p.broken)) reasons.push_back(Reason::isa_selftest_failed);
    if (!std::all_of(r.weights.begin(), r.weights.end(), [&](DType d) { return k.weight.has(d); }))
        reasons.push_back(Reason::weight_dtype);
    if (!std::all_of(r.states.begin(), r.states.end(), [&](DType d) { return k.state.has(d); }))
        reasons.push_back(Reason::state_dtype);
    for (const Constraint& c : k.must) {
        const std::int64_t value = c.limit == Limit::k ? r.k : c.limit == Limit::head_dim ? r.head_dim : 0;
        if (value % c.multiple != 0) reasons.push_back(Reason::not_multiple);
    }
    return reasons;
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view id) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return matches(p, id); });
}

// The patterns of `allow` say nothing about ops of which they name no kernel.
bool allow_concerns(const Policy& p, Op op) {
    for (const Registered* r = registered(); r; r = r->next)
        if (r->spec.op == op && any_matches(p.allow, r->spec.id)) return true;
    return false;
}

int wish(const Policy& p, std::string_view id) { return any_matches(p.prefer, id) - any_matches(p.avoid, id); }

// The faster first. Kernels that were measured come before those that were not: what a measurement leaves out, it
// leaves out because it is not expected to win.
bool faster(const Candidate& a, const Candidate& b) {
    if (a.timing.has_value() != b.timing.has_value()) return a.timing.has_value();
    const double cost_a = a.timing ? a.timing->median : a.cycles, cost_b = b.timing ? b.timing->median : b.cycles;
    return cost_a != cost_b ? cost_a < cost_b : a.spec->id < b.spec->id;
}

// Legal ones first, in the order in which they are wanted.
void sort(std::vector<Candidate>& candidates, const Policy& policy) {
    std::sort(candidates.begin(), candidates.end(), [&](const Candidate& a, const Candidate& b) {
        if (a.reasons.empty() != b.reasons.empty()) return a.reasons.empty();
        if (!a.reasons.empty()) return a.spec->id < b.spec->id;
        const int wish_a = wish(policy, a.spec->id), wish_b = wish(policy, b.spec->id);
        return wish_a != wish_b ? wish_a > wish_b : faster(a, b);
    });
}

std::string story(const Choice& choice) {
    std::string s;
    for (const Candidate& c : choice.candidates) {
        s += (s.empty() ? "" : "; ") + std::string(c.spec->id) + ":";
        for (const Reason r : c.reasons) s += " " + std::string(sentence(r)) + ",";
        if (!c.reasons.empty()) s.pop_back();
    }
    return s;
}

}  // namespace

bool same_work(const Request& a, const Request& b) {
    const auto numbers = [](const Request& r) {
        return std::tie(r.op, r.k, r.head_dim, r.rows, r.width, r.experts, r.threads, r.flops, r.bytes);
    };
    return numbers(a) == numbers(b) && a.weights == b.weights && a.states == b.states;
}

Timing timing_of(std::vector<double> times) {
    if (times.empty()) return {};
    const auto at = [](std::vector<double>& v, std::size_t i) {
        std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(i), v.end());
        return v[i];
    };
    Timing t{.n = static_cast<int>(times.size())};
    t.median = at(times, times.size() / 2);
    t.p95 = at(times, (times.size() - 1) * 95 / 100);
    for (double& x : times) x = std::abs(x - t.median);
    t.mad = at(times, times.size() / 2);
    return t;
}

std::string size_class(const Request& r) {
    std::string s = shape_class(r) + fmt::format(" rows={} width={}", r.rows, r.width);
    if (r.experts > 0) s += fmt::format(" experts={}", r.experts);
    return s + fmt::format(" threads={}", r.threads);
}

double estimate(const KernelSpec& kernel, const Request& r) {
    return std::max(r.flops / kernel.speed.flops, r.bytes / kernel.speed.bytes) / r.threads;
}

Policy machine_policy() { return {.isa = cpu_isa()}; }

Numerics node_class(Op op) {
    switch (op) {
        case Op::linear:
        case Op::moe_inner:
        case Op::moe_down:
        case Op::attend:
            return Numerics::f32x16;
        case Op::linear_q8:
            return Numerics::i8;
        default:
            return Numerics::plain;
    }
}

bool matches(const std::string& pattern, std::string_view kernel_id) {
    return fnmatch(pattern.c_str(), std::string(kernel_id).c_str(), 0) == 0;
}

void check_policy(const Policy& policy) {
    const std::pair<const char*, const std::vector<std::string>*> lists[] = {
        {"--deny", &policy.deny}, {"--allow", &policy.allow}, {"--prefer", &policy.prefer}, {"--avoid", &policy.avoid}};
    for (const auto& [option, patterns] : lists)
        for (const std::string& p : *patterns) {
            bool known = false;
            for (const Registered* r = registered(); r && !known; r = r->next) known = matches(p, r->spec.id);
            if (!known)
                throw Error(Code::bad_request, "{} {}: this build has no such kernel; `quern kernels` lists them",
                            option, p);
        }
}

std::vector<Reason> objections(const KernelSpec& kernel, const Request& request, const Policy& policy) {
    std::vector<Reason> reasons = hard_reasons(kernel, request, policy);
    const auto lock = policy.lock.find(std::string(name(request.op)));
    if (any_matches(policy.deny, kernel.id)) reasons.push_back(Reason::denied);
    if (allow_concerns(policy, request.op) && !any_matches(policy.allow, kernel.id))
        reasons.push_back(Reason::not_allowed);
    if (lock != policy.lock.end()) {
        if (kernel.id != lock->second) reasons.push_back(Reason::not_locked);
    } else if (kernel.numerics != node_class(request.op)) {
        reasons.push_back(Reason::other_class);
    }
    return reasons;
}

Choice choose(const Request& request, const Policy& policy, Ledger* ledger) {
    const auto lock = policy.lock.find(std::string(name(request.op)));
    const bool locked = lock != policy.lock.end();
    Choice choice;
    bool lock_exists = false;
    for (const Registered* r = registered(); r; r = r->next) {
        if (r->spec.op != request.op) continue;
        Candidate c{&r->spec, objections(r->spec, request, policy), estimate(r->spec, request)};
        if (locked && r->spec.id == lock->second) lock_exists = true;
        if (ledger && !ledger->out_of_use(r->spec).empty()) c.reasons.push_back(Reason::unhealthy);
        if (ledger && c.reasons.empty()) c.timing = ledger->timing(r->spec, request);
        choice.candidates.push_back(std::move(c));
    }
    sort(choice.candidates, policy);
    while (ledger && !choice.candidates.empty() && choice.candidates.front().reasons.empty()) {
        const Verdict v = ledger->verdict(*choice.candidates.front().spec, request);
        if (v.holds) break;
        choice.candidates.front().reasons.push_back(Reason::disproved);
        sort(choice.candidates, policy);
    }
    if (locked && !lock_exists)
        throw Error(Code::bad_request, "{}: kernel {} is locked for {}, but this build has no such kernel",
                    request.node, lock->second, name(request.op));
    if (choice.candidates.empty() || !choice.candidates.front().reasons.empty())
        throw Error(Code::unsupported, "{}: no kernel can compute this {} ({})", request.node, name(request.op),
                    story(choice));
    choice.kernel = choice.candidates.front().spec;
    return choice;
}

}  // namespace quern::dispatch
