#include "engine/retry.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/error.h"

namespace quern::engine {
namespace {

using Clock = std::chrono::steady_clock;

// A slot is rewritten in place from what it was: the step that has run cannot be run again. Other state keeps the rows
// of a step apart from those that the step reads.
bool repeatable(const exec::Program& program) {
    return std::none_of(program.states.begin(), program.states.end(),
                        [](const StateGroup& g) { return g.kind == StateKind::slot; });
}

// What became of one try; nullopt: all went well.
std::optional<Error> attempt(const RetryContext& c) {
    std::optional<Error> failed;
    try {
        c.executor.run();
    } catch (const Error& e) {
        if (e.code != Code::device) throw;
        failed.emplace(e);
    }
    c.file.check_intact();  // before anybody is blamed for numbers that come from lost pages
    if (!failed && !c.executor.finite())
        failed.emplace(Error(Code::device, "the output has values that are no numbers"));
    return failed;
}

void replan(const RetryContext& c, const std::string& why) {
    if (c.notice) c.notice(why + "; the step is done again without it");
    c.executor.replan(exec::chooser(c.policy, &c.ledger));
}

// Takes out what is to blame, so that the step is worth another try; throws where nothing is.
void blame(const RetryContext& c) {
    if (const KernelSpec* kernel = c.executor.failed_kernel()) {
        if (c.ledger.health().failed(kernel->id, Clock::now()))
            replan(c, fmt::format("kernel {} is taken out for a while, since its device failed in {}", kernel->id,
                                  c.executor.failed_node()));
        return;
    }
    const std::optional<exec::Executor::Culprit> culprit = c.executor.find_culprit();
    if (!culprit) {
        if (c.notice) c.notice("a step gave values that are no numbers; done again, it did not");
        return;
    }
    if (culprit->kernel_is_wrong) {
        c.ledger.failed_in_use(*culprit->kernel, "gave values that are no numbers in " + culprit->node);
        replan(c, fmt::format("kernel {} is taken out, since it gave wrong values in {}", culprit->kernel->id,
                              culprit->node));
        return;
    }
    throw Error(Code::device,
                "{}: its result has values that are no numbers, though what it reads of this step is fine and its "
                "kernel agrees with the scalar model; {} to blame",
                culprit->node,
                culprit->reads_state ? "the weights, or keys and values stored by earlier steps, are"
                                     : "the weights, or numbers too large for this model, are");
}

}  // namespace

void run_step(const RetryContext& c) {
    dispatch::Health& health = c.ledger.health();
    if (!health.all_closed() && health.retry(Clock::now()))
        c.executor.replan(exec::chooser(c.policy, &c.ledger));  // with what may be tried again
    // Each round ends the step, throws, takes a kernel out, or finds nothing; the last may happen a few times only.
    int rounds = 3;
    for (const Registered* r = registered(); r; r = r->next) rounds += dispatch::Health::faults_to_open;
    for (;;) {
        const std::optional<Error> failed = attempt(c);
        if (!failed) break;
        if (!repeatable(c.executor.program()) || rounds-- == 0) throw Error(*failed);
        blame(c);
    }
    if (!health.all_closed()) health.succeeded();
}

}  // namespace quern::engine
