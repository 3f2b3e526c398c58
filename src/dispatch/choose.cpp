#include "dispatch/choose.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/cpu.h"

namespace quern::dispatch {
namespace {

std::vector<Reason> hard_reasons(const KernelSpec& k, const Request& r, const Policy& p) {
    std::vector<Reason> reasons;
    if (!covers(p.isa, k.needs)) reasons.push_back(Reason::isa_missing);
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

Policy machine_policy() { return {cpu_isa(), {}}; }

Numerics node_class(Op op) {
    switch (op) {
        case Op::linear:
        case Op::moe_inner:
        case Op::moe_down:
        case Op::attend:
            return Numerics::f32x16;
        default:
            return Numerics::plain;
    }
}

Choice choose(const Request& request, const Policy& policy) {
    const auto lock = policy.lock.find(std::string(name(request.op)));
    const bool locked = lock != policy.lock.end();
    Choice choice;
    bool lock_exists = false;
    for (const Registered* r = registered(); r; r = r->next) {
        if (r->spec.op != request.op) continue;
        Candidate c{&r->spec, hard_reasons(r->spec, request, policy)};
        if (locked && r->spec.id != lock->second) c.reasons.push_back(Reason::not_locked);
        if (locked && r->spec.id == lock->second) lock_exists = true;
        if (!locked && r->spec.numerics != node_class(request.op)) c.reasons.push_back(Reason::other_class);
        choice.candidates.push_back(std::move(c));
    }
    std::sort(choice.candidates.begin(), choice.candidates.end(), [](const Candidate& a, const Candidate& b) {
        if (a.reasons.empty() != b.reasons.empty()) return a.reasons.empty();
        if (a.reasons.empty() && a.spec->preference != b.spec->preference)
            return a.spec->preference > b.spec->preference;
        return a.spec->id < b.spec->id;
    });
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
