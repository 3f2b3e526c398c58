#include "dispatch/proof/prove.h"

#include <algorithm>

#include "base/fault.h"
#include "dispatch/proof/child.h"
#include "kernels/probe.h"

namespace quern::dispatch {
std::string shape_class(const Request& r) {
    std::string s(name(r.op));
    for (const DType d : r.weights) s += " " + std::string(info(d).name);
    for (const DType d : r.states) s += " " + std::string(info(d).name);
    if (r.k > 0) s += " k=" + std::to_string(r.k);
    if (r.head_dim > 0) s += " head_dim=" + std::to_string(r.head_dim);
    return s;
}

const KernelSpec* model_of(const KernelSpec& kernel) {
    for (const Registered* r = registered(); r; r = r->next)
        if (r->spec.op == kernel.op && r->spec.numerics == kernel.numerics && r->spec.home == Home::reference)
            return &r->spec;
    return nullptr;
}

bool is_definition(const KernelSpec& kernel) {
    const KernelSpec* model = model_of(kernel);
    return !model || model == &kernel;
}

Verdict prove_here(const KernelSpec& kernel, const Request& request, const ProveOptions& options) {
    if (is_definition(kernel)) return {.holds = true};
    const std::vector<ProofCase> cases = proof_cases(request, options.extent);
    if (cases.empty()) return {.trouble = std::string(kernel.id) + ": there are no proofs for this op"};
    for (int i = 0; i < static_cast<int>(cases.size()); ++i) {
        if (options.only >= 0 && i != options.only) continue;
        if (options.begin) options.begin();
        if (std::string trouble = cases[std::size_t(i)].check(kernel, *model_of(kernel)); !trouble.empty())
            return {.trouble = std::move(trouble), .failed = i};
    }
    return {.holds = true};
}

namespace {

// The child's whole life: a dot for each case that it begins, then its verdict. Nothing may leave it, since the
// caller's frames are here, too.
void say_verdict(int fd, const KernelSpec& kernel, const Request& request, ProveOptions options) noexcept {
    try {
        options.begin = [fd] { write_all(fd, "."); };
        const Verdict v = prove_here(kernel, request, options);
        write_all(fd, v.holds ? "+" : "-" + v.trouble);
    } catch (const std::exception& e) {
        write_all(fd, "-" + std::string(kernel.id) + ": the proof could not be made: " + e.what());
    }
}

// What the child's end means.
Verdict verdict_of(const std::string& id, const ChildEnd& end, int only) {
    Verdict v;
    std::string_view said = end.said;
    const std::size_t begun = std::min(said.find_first_not_of('.'), said.size());
    said.remove_prefix(begun);
    if (!end.in_time)
        v.trouble = id + ": did not end in time";
    else if (end.signal != 0)
        v.trouble = id + ": crashed with signal " + std::to_string(end.signal);
    else if (said.empty())
        v.trouble = id + ": ended without a word";
    else if (said.front() == '+')
        v.holds = true;
    else
        v.trouble = said.substr(1);
    if (!v.holds) v.failed = only >= 0 ? only : static_cast<int>(begun) - 1;
    return v;
}

}  // namespace

Verdict prove(const KernelSpec& kernel, const Request& request, const ProveOptions& options) {
    if (is_definition(kernel)) return {.holds = true};
    const bool lies = fault::hit(fault::Point::proof_wrong, kernel.id);  // asked here, since a child's count is lost
    const std::string id(kernel.id);
    const ChildEnd end = in_child("proving " + id, options.patience, [&](int fd) {
        if (lies)
            write_all(fd, ".-" + id + ": gave wrong results, as QUERN_FAULT wants it");
        else
            say_verdict(fd, kernel, request, options);
    });
    return verdict_of(id, end, options.only);
}

Verdict self_test(const IsaTier& tier, std::chrono::milliseconds patience) {
    const IsaProbe* probe = find_probe(tier.isa);
    if (!probe) return {.holds = true};
    const bool lies = fault::hit(fault::Point::isa_selftest, tier.name);
    const std::string id(tier.name);
    const ChildEnd end = in_child("testing " + id, patience, [&](int fd) {
        write_all(fd, probe->selftest() && !lies ? "+" : "-" + id + ": computes wrong");
    });
    return verdict_of(id, end, -1);
}

}  // namespace quern::dispatch
