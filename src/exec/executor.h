// Runs the steps of a model: a loop over a plan, with no lookup, allocation, lock but the pool's barrier, or system
// call once warm (with resident weights). Everything is decided when it is made: one plan for each bucket of T, one
// arena for all of them, workspaces, bound weights. Knows weights and state only through tensor's interfaces.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "exec/batch.h"
#include "exec/plan.h"
#include "tensor/lease.h"

namespace quern::exec {

// What an observer sees of a task that has just run; valid during the call. State operands have no view.
struct Observed {
    std::string_view name;  // "blk.3.ffn_moe.inner"
    Op op;
    struct Item {
        std::string_view name;
        const View& view;
    };
    std::span<const Item> in, out;
};

class Observer {
public:
    virtual ~Observer() = default;
    virtual bool wants(std::string_view task) = 0;  // asked once per task, when the observer is set
    virtual void observe(const Observed& task) = 0;
};

struct ExecutorOptions {
    PlanLimits limits;
    std::vector<std::int64_t> pages;  // width of a sequence's block table, by state group
    std::vector<std::string> outputs{"logits"};
    Precision precision = Precision::exact;
    Chooser choose;  // of kernels
};

class Executor {
public:
    // All of these must outlive the executor. Throws Error(unsupported) naming a node that no kernel can compute.
    Executor(const Graph& graph, WeightSource& weights, const StateStore& state, ThreadPool& pool,
             ExecutorOptions options);
    ~Executor();

    // The rows of the next step; the caller fills it, then calls run().
    Batch& batch() { return batch_; }

    // Runs one step over the batch. Throws Error when a token id is outside the vocabulary, routing failed, weights
    // could not be read, or the hook said stop (Code::cancelled); state rows of this step are then undefined, and stay
    // unseen as long as the caller does not count them.
    void run();

    // Chooses all kernels anew and makes the plans again, over the same batch. Not during a step.
    void replan(Chooser choose);
    // Whether the last step's logits, or whatever float outputs it has, are all numbers.
    bool finite() const;
    // The kernel and node of the last step that ended in an Error(device); null where it was none of a kernel's fault.
    const KernelSpec* failed_kernel() const { return failed_kernel_; }
    const std::string& failed_node() const { return failed_node_; }

    // Where numbers stop being numbers: the first task whose result is not finite although what it reads is,
    // weights aside.
    struct Culprit {
        const KernelSpec* kernel = nullptr;
        std::string node;
        bool kernel_is_wrong = false;  // the scalar model of its class gives other bits
        bool reads_state = false;      // then what earlier steps have stored may be to blame
    };
    // Runs the step again, looking at each task; nothing: all went well this time. Only where the step may be repeated.
    std::optional<Culprit> find_culprit();

    // A named output of the last step, e.g. "logits" f32 [R, vocab]; valid until the next run.
    View output(std::string_view name) const;

    // Called before each task and after the last with (done, all); false stops the step where there is something left
    // to stop. Empty: none.
    void set_hook(std::function<bool(int, int)> hook) { hook_ = std::move(hook); }
    // One observer at a time; null takes it away.
    void set_observer(Observer* observer);

    const Program& program() const { return program_; }
    const PlanLimits& limits() const { return options_.limits; }
    std::vector<const Plan*> plans() const;
    const Plan& current() const;  // of the step that runs, or ran last
    std::size_t arena_bytes() const { return arena_.size(); }
    std::size_t workspace_bytes() const { return workspace_.size(); }  // of all workers
    int plans_made() const { return plans_made_; }  // counts up only when a plan is built: never in run()

private:
    struct Bound;  // a plan with its operands
    std::unique_ptr<Bound> bind(Bucket bucket);
    void make_plans();
    Bound& prepare();
    void set_symbols();
    void update_views(Bound& bound);
    void lay_out(Bound& bound);
    void run_task(Bound& bound, std::size_t step);
    Status lease(const Task& task, const View& begin, bool take) noexcept;
    void observe(const Bound& bound, std::size_t step);
    std::optional<Culprit> judge(const Bound& bound, std::size_t step);
    bool differs_from_model(const Bound& bound, std::size_t step);
    [[noreturn]] void fail(const Task& task, const KernelSpec* kernel, Status status);

    WeightSource& weights_;
    const StateStore& state_;
    ThreadPool& pool_;
    ExecutorOptions options_;
    Program program_;
    Batch batch_;
    std::vector<View> weight_views_;                    // by value; expert stacks point at their slab table
    std::vector<std::vector<const std::byte*>> slabs_;  // by value: a slab pointer per expert
    std::vector<std::int32_t> leased_;                  // scratch: experts of the lease under way
    std::vector<std::int64_t> symbols_;
    std::vector<std::unique_ptr<Bound>> plans_;
    Buffer arena_, workspace_;
    std::size_t worker_bytes_ = 0;
    std::function<bool(int, int)> hook_;
    Observer* observer_ = nullptr;
    std::vector<bool> observed_;  // by task
    const Bound* last_ = nullptr;
    const KernelSpec* failed_kernel_ = nullptr;
    std::string failed_node_;
    int plans_made_ = 0;
};

}  // namespace quern::exec
