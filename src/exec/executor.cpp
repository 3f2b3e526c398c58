#include "exec/executor.h"

#include <algorithm>
#include <new>

#include "base/checked.h"

namespace quern::exec {
namespace {

using Origin = ValueInfo::Origin;

// Makes the op's argument struct from operands, in place.
void bind_args(const Attr& attr, const Operands& operands, std::byte* storage) {
    std::visit(
        [&](const auto& a) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(a)>, MoeAttr>) {
                using Args = decltype(bind(a, operands));
                static_assert(sizeof(Args) <= max_args_bytes && std::is_trivially_destructible_v<Args>);
                new (storage) Args(bind(a, operands));
            } else {
                CHECK(false);  // lowered before it comes here
            }
        },
        attr);
}

std::size_t args_bytes(const Attr& attr) {
    return std::visit(
        [](const auto& a) -> std::size_t {
            if constexpr (std::is_same_v<std::decay_t<decltype(a)>, MoeAttr>)
                return 0;
            else
                return sizeof(decltype(bind(a, Operands{})));
        },
        attr);
}

// A job of the pool: one kernel, its items shared among the workers.
struct Job {
    const KernelSpec* kernel;
    const void* args;
    std::byte* workspace;
    std::size_t worker_bytes;
    std::atomic<Status> status{Status::ok};
};

void run_items(void* context, std::int64_t begin, std::int64_t end, int worker) noexcept {
    Job& job = *static_cast<Job*>(context);
    std::byte* mine = job.workspace + job.worker_bytes * static_cast<std::size_t>(worker);
    const Status s = job.kernel->run(job.args, {begin, end, worker, mine});
    if (s != Status::ok) job.status.store(s, std::memory_order_relaxed);
}

}  // namespace

struct Executor::Bound {
    Plan plan;
    std::vector<View> views;  // by value
    std::vector<int> moving;  // values that are laid out in each step, parents before views into them
    struct Step {
        std::vector<Operand> in, out;
        std::unique_ptr<std::byte[]> args{};  // of its kernel, for these symbols
        std::int64_t items = 0;
        bool idle = false;  // nothing to compute: no logits wanted in this step, or no compressed row finished
    };
    std::vector<Step> steps;
    std::vector<std::int64_t> symbols;  // that views and arguments are laid out for; empty: none yet
};

Executor::Executor(const Graph& graph, WeightSource& weights, const StateStore& state, ThreadPool& pool,
                   ExecutorOptions options)
    : weights_(weights),
      state_(state),
      pool_(pool),
      options_(std::move(options)),
      program_(lower(graph, options_.outputs)),
      batch_(BatchLimits{options_.limits.rows, static_cast<std::int32_t>(options_.limits.sequences),
                         options_.limits.logit_rows, options_.pages}) {
    options_.limits.threads = pool.size();
    weight_views_.resize(program_.values.size());
    slabs_.resize(program_.values.size());
    for (const Task& t : program_.tasks)
        for (const int id : t.leased) {
            const std::int64_t experts = program_.values[std::size_t(id)].type.dims[0].constant();
            slabs_[std::size_t(id)].assign(std::size_t(experts), nullptr);
            leased_.resize(std::max(leased_.size(), std::size_t(experts)));
        }
    for (std::size_t i = 0; i < program_.values.size(); ++i) {
        const ValueInfo& v = program_.values[i];
        if (v.origin != Origin::weight || v.view.kind != ViewOf::Kind::none) continue;
        if (slabs_[i].empty()) {
            weight_views_[i] = weights_.bind(v.weight);
        } else {
            const auto& d = v.type.dims;
            weight_views_[i] =
                dense_view(slabs_[i].data(), v.type.dtype, {d[0].constant(), d[1].constant(), d[2].constant()});
        }
    }
    for (const Bucket b : buckets(options_.limits.rows)) plans_.push_back(bind(b));
    std::size_t arena = 0;
    for (const auto& p : plans_) arena = std::max(arena, p->plan.arena_bytes);
    arena_ = Buffer(arena);
    worker_bytes_ = static_cast<std::size_t>(round_up(static_cast<std::int64_t>(worker_bytes_), buffer_alignment));
    workspace_ = Buffer(worker_bytes_ * static_cast<std::size_t>(pool_.size()));
}

Executor::~Executor() = default;

std::unique_ptr<Executor::Bound> Executor::bind(Bucket bucket) {
    ++plans_made_;
    auto b = std::make_unique<Bound>();
    b->plan = make_plan(program_, bucket, options_.limits, options_.choose);
    b->views = weight_views_;
    for (std::size_t i = 0; i < program_.values.size(); ++i) {
        const ValueInfo& v = program_.values[i];
        if (v.type.is_state) continue;
        // Everything but weights is laid out again in each step, when the symbols have values.
        if (v.view.kind != ViewOf::Kind::none || v.origin == Origin::input || b->plan.offset[i] >= 0)
            b->moving.push_back(static_cast<int>(i));
    }
    symbols_ = largest_symbols(program_, bucket, options_.limits);
    b->symbols.reserve(symbols_.size());
    update_views(*b);
    for (const PlannedStep& step : b->plan.steps) {
        const Task& t = program_.tasks[std::size_t(step.task)];
        Bound::Step s{std::vector<Operand>(t.in.size()), std::vector<Operand>(t.out.size())};
        for (auto [ids, operands] : {std::pair(&t.in, &s.in), std::pair(&t.out, &s.out)})
            for (std::size_t i = 0; i < ids->size(); ++i) {
                const int id = (*ids)[i];
                if (id < 0) continue;
                const ValueInfo& v = program_.values[std::size_t(id)];
                if (v.type.is_state) {
                    PagedView& paged = (*operands)[i].paged = state_.storage(v.group, v.member);
                    paged.tables = batch_.tables(v.group);
                    paged.table_stride = options_.pages[std::size_t(v.group)];
                } else {
                    (*operands)[i].view = b->views[std::size_t(id)];
                }
            }
        if (step.kernel) s.args = std::make_unique<std::byte[]>(args_bytes(t.attr));
        if (step.kernel && step.kernel->workspace) {
            Ragged ragged;
            ragged.rows = symbols_[symbol::T];
            bind_args(t.attr, {s.in, s.out, ragged}, s.args.get());
            b->plan.workspace_bytes = std::max(b->plan.workspace_bytes, step.kernel->workspace(s.args.get()));
        }
        b->steps.push_back(std::move(s));
    }
    worker_bytes_ = std::max(worker_bytes_, b->plan.workspace_bytes);
    return b;
}

void Executor::set_symbols() {
    const Ragged ragged = batch_.ragged();
    symbols_[symbol::T] = ragged.rows;
    symbols_[symbol::S] = ragged.sequences;
    symbols_[symbol::R] = batch_.logit_rows();
    for (std::size_t g = 0; g < program_.states.size(); ++g) {
        std::int64_t emitted = 0;
        for (std::int32_t s = 0; s < ragged.sequences; ++s) emitted += ragged.emitted(s, program_.states[g].ratio);
        symbols_[symbol::first_emitted + g] = emitted;
    }
}

void Executor::update_views(Bound& bound) {
    for (const int id : bound.moving) {
        const ValueInfo& v = program_.values[std::size_t(id)];
        std::array<std::int64_t, max_rank> dims{};
        const int rank = static_cast<int>(v.type.dims.size());
        for (std::size_t i = 0; i < v.type.dims.size(); ++i) dims[i] = v.type.dims[i].evaluate(symbols_);
        const std::int64_t offset = bound.plan.offset[std::size_t(id)];
        std::byte* data = arena_.data() && offset >= 0 ? arena_.data() + offset : nullptr;
        if (v.origin == Origin::input) {
            const std::int32_t* fixed = v.name == "tokens"      ? batch_.tokens()
                                        : v.name == "positions" ? batch_.positions()
                                                                : batch_.wanted_rows();
            data = reinterpret_cast<std::byte*>(const_cast<std::int32_t*>(fixed));
        }
        View& view = bound.views[std::size_t(id)];
        view = dense_view(data, v.type.dtype, dims.data(), rank);
        if (v.view.kind != ViewOf::Kind::none) view = apply(v.view, bound.views[std::size_t(v.view.parent)], view);
    }
}

// Views and arguments for the symbols of this step. Steps that follow each other mostly have the same: every address is
// fixed, so that only sizes make a difference.
void Executor::lay_out(Bound& bound) {
    update_views(bound);
    for (std::size_t i = 0; i < bound.steps.size(); ++i) {
        const PlannedStep& step = bound.plan.steps[i];
        const Task& t = program_.tasks[std::size_t(step.task)];
        Bound::Step& s = bound.steps[i];
        if (!step.kernel) continue;
        for (auto [ids, operands] : {std::pair(&t.in, &s.in), std::pair(&t.out, &s.out)})
            for (std::size_t k = 0; k < ids->size(); ++k) {
                const int id = (*ids)[k];
                if (id >= 0 && !program_.values[std::size_t(id)].type.is_state)
                    (*operands)[k].view = bound.views[std::size_t(id)];
            }
        s.idle = (!s.out.empty() && s.out[0].view.rank > 0 && s.out[0].view.dim[0] == 0) ||
                 (t.op() == Op::store && s.in[1].view.dim[0] == 0);
        if (s.idle) continue;
        bind_args(t.attr, {s.in, s.out, batch_.ragged()}, s.args.get());
        s.items = step.kernel->items(s.args.get());
    }
    bound.symbols = symbols_;
}

void Executor::run() {
    CHECK(batch_.rows() > 0);
    const auto fits = [&](const auto& p) { return batch_.rows() <= p->plan.bucket.max_rows; };
    Bound& bound = **std::find_if(plans_.begin(), plans_.end(), fits);
    set_symbols();
    if (bound.symbols != symbols_) lay_out(bound);
    last_ = &bound;
    const int all = static_cast<int>(bound.steps.size());
    for (int i = 0; i < all; ++i) {
        if (hook_ && !hook_(i, all)) throw Error(Code::cancelled, "the step was stopped");
        run_task(bound, std::size_t(i));
    }
    if (hook_) hook_(all, all);
}

void Executor::run_task(Bound& bound, std::size_t i) {
    const PlannedStep& step = bound.plan.steps[i];
    const Task& t = program_.tasks[std::size_t(step.task)];
    Bound::Step& s = bound.steps[i];
    Status status = Status::ok;
    if (!step.kernel) {
        status = lease(t, bound.views[std::size_t(t.begin)], t.kind == Task::Kind::acquire);
    } else {
        if (s.idle) return;
        Job job{step.kernel, s.args.get(), workspace_.data(), worker_bytes_};
        pool_.run(s.items, 1, run_items, &job);
        status = job.status.load();
    }
    if (status != Status::ok) fail(t, status);
    if (observer_ && observed_[std::size_t(step.task)]) observe(bound, i);
}

Status Executor::lease(const Task& task, const View& begin, bool take) noexcept {
    const std::int32_t* b = begin.row<std::int32_t>(0);
    std::int64_t n = 0;
    for (std::int32_t e = 0; e + 1 < begin.dim[0]; ++e)
        if (b[e + 1] > b[e]) leased_[std::size_t(n++)] = e;
    for (const int id : task.leased) {
        const int weight = program_.values[std::size_t(id)].weight;
        if (!take)
            weights_.release(weight, leased_.data(), n);
        else if (!weights_.acquire(weight, leased_.data(), n, slabs_[std::size_t(id)].data()))
            return Status::weights_failed;
    }
    return Status::ok;
}

void Executor::fail(const Task& task, Status status) const {
    switch (status) {
        case Status::bad_token_id:
            throw Error(Code::bad_request, "{}: a token id is outside the vocabulary", task.name);
        case Status::bad_routing:
            throw Error(Code::device, "{}: the router's logits are not numbers; the weights or the input are damaged",
                        task.name);
        case Status::weights_failed:
            throw Error(Code::io, "{}: the experts' weights could not be read", task.name);
        case Status::cancelled:
            throw Error(Code::cancelled, "{}: stopped", task.name);
        case Status::ok:
            break;
    }
    throw Error(Code::device, "{}: failed", task.name);
}

View Executor::output(std::string_view name) const {
    CHECK(last_ != nullptr);
    for (const Graph::Output& o : program_.outputs)
        if (o.name == name) return last_->views[std::size_t(o.value)];
    throw Error(Code::bad_request, "the plan has no output called {}", name);
}

void Executor::set_observer(Observer* observer) {
    observer_ = observer;
    observed_.assign(program_.tasks.size(), false);
    if (!observer) return;
    for (std::size_t i = 0; i < program_.tasks.size(); ++i)
        observed_[i] = program_.tasks[i].kind == Task::Kind::compute && observer->wants(program_.tasks[i].name);
}

void Executor::observe(const Bound& bound, std::size_t i) {
    const Task& t = program_.tasks[std::size_t(bound.plan.steps[i].task)];
    std::vector<Observed::Item> in, out;
    for (auto [ids, items] : {std::pair(&t.in, &in), std::pair(&t.out, &out)})
        for (const int id : *ids) {
            if (id < 0 || program_.values[std::size_t(id)].type.is_state) continue;
            if (!slabs_[std::size_t(id)].empty()) continue;  // experts are leased, not a tensor one could look at
            items->push_back({program_.values[std::size_t(id)].name, bound.views[std::size_t(id)]});
        }
    observer_->observe({t.name, t.op(), in, out});
}

const Plan& Executor::current() const {
    CHECK(last_ != nullptr);
    return last_->plan;
}

std::vector<const Plan*> Executor::plans() const {
    std::vector<const Plan*> list;
    for (const auto& p : plans_) list.push_back(&p->plan);
    return list;
}

}  // namespace quern::exec
