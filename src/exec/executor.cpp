#include "exec/executor.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <new>

#include "base/checked.h"
#include "base/crash.h"
#include "base/fault.h"
#include "dispatch/ledger.h"
#include "dispatch/proof/prove.h"

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

// What goes wrong with a kernel on purpose (base/fault.h); scalar models are the last resort and are spared.
enum class Fault : std::uint8_t { none, crash, hang, nan, device };
Fault fault_in(const KernelSpec& kernel) {
    using fault::Point;
    if (!fault::compiled || kernel.home == Home::reference) return Fault::none;
    if (fault::hit(Point::kernel_crash, kernel.id)) return Fault::crash;
    if (fault::hit(Point::kernel_hang, kernel.id)) return Fault::hang;
    if (fault::hit(Point::kernel_nan, kernel.id)) return Fault::nan;
    return fault::hit(Point::kernel_fault, kernel.id) ? Fault::device : Fault::none;
}
bool go_wrong(Fault fault) noexcept {
    if (fault == Fault::crash) __builtin_trap();
    while (fault == Fault::hang) pause();
    return fault == Fault::device;
}
void spoil(const Operand& out) {
    if (out.view.dtype == DType::f32 && out.view.data) *out.view.row<float>(0) = std::nanf("");
}

// A job of the pool: one kernel, its items shared among the workers.
struct Job {
    const KernelSpec* kernel;
    const void* args;
    std::byte* workspace;
    std::size_t worker_bytes;
    std::atomic<Status> status{Status::ok};
    Fault fault = Fault::none;
};

void run_items(void* context, std::int64_t begin, std::int64_t end, int worker) noexcept {
    Job& job = *static_cast<Job*>(context);
    if (fault::compiled && go_wrong(job.fault)) return job.status.store(Status::device_failed);
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
        crash::Running running;               // who is to blame
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
      program_(lower(graph, options_.outputs, options_.precision)),
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
    make_plans();
}

void Executor::replan(Chooser choose) {
    options_.choose = std::move(choose);
    plans_.clear();
    last_ = nullptr;
    worker_bytes_ = 0;
    make_plans();
}

void Executor::make_plans() {
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
        Bound::Step s{std::vector<Operand>(t.in.size()),
                      std::vector<Operand>(t.out.size()),
                      {step.kernel ? dispatch::kernel_name(*step.kernel) : "", t.name}};
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

Executor::Bound& Executor::prepare() {
    CHECK(batch_.rows() > 0);
    const auto fits = [&](const auto& p) { return batch_.rows() <= p->plan.bucket.max_rows; };
    Bound& bound = **std::find_if(plans_.begin(), plans_.end(), fits);
    set_symbols();
    if (bound.symbols != symbols_) lay_out(bound);
    last_ = &bound;
    failed_kernel_ = nullptr;
    failed_node_.clear();
    return bound;
}

void Executor::run() {
    Bound& bound = prepare();
    const crash::Step step;
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
        const Fault fault = fault_in(*step.kernel);
        if constexpr (fault::compiled) job.fault = fault;
        crash::begins(s.running);
        pool_.run(s.items, 1, run_items, &job);
        status = job.status.load();
        if (fault == Fault::nan) spoil(s.out[0]);
    }
    if (status != Status::ok) fail(t, step.kernel, status);
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

void Executor::fail(const Task& task, const KernelSpec* kernel, Status status) {
    failed_node_ = task.name;
    if (status == Status::device_failed) failed_kernel_ = kernel;
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
        case Status::device_failed:
            throw Error(Code::device, "{}: the device of kernel {} failed", task.name, kernel->id);
        case Status::ok:
            break;
    }
    CHECK(false);
    std::abort();
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

namespace {

// One pass without a branch, which compilers turn into vector code: infinities and NaN are those whose exponent is all
// ones, and only there does adding one to the exponent carry into the sign.
bool all_finite(const float* x, std::int64_t n) noexcept {
    std::uint32_t carry = 0;
    for (std::int64_t i = 0; i < n; ++i) carry |= (std::bit_cast<std::uint32_t>(x[i]) & 0x7f800000u) + 0x00800000u;
    return carry >> 31 == 0;
}

// Numbers of other types than f32 are what they are; views from a model's own arena have dense rows.
bool all_finite(const View& v) noexcept {
    if (v.dtype != DType::f32 || !v.data || v.size() == 0) return true;
    if (v.rank < 2) return all_finite(v.row<float>(0), v.size());
    for (std::int64_t i = 0; i < v.dim[0]; ++i) {
        if (v.rank == 2 && !all_finite(v.row<float>(i), v.dim[1])) return false;
        for (std::int64_t j = 0; v.rank > 2 && j < v.dim[1]; ++j)
            if (!all_finite(v.row<float>(i, j), v.size() / (v.dim[0] * v.dim[1]))) return false;
    }
    return true;
}

}  // namespace

bool Executor::finite() const {
    CHECK(last_ != nullptr);
    return std::all_of(program_.outputs.begin(), program_.outputs.end(),
                       [&](const Graph::Output& o) { return all_finite(last_->views[std::size_t(o.value)]); });
}

std::optional<Executor::Culprit> Executor::find_culprit() {
    Bound& bound = prepare();
    const crash::Step step;
    for (std::size_t i = 0; i < bound.steps.size(); ++i) {
        try {
            run_task(bound, i);
        } catch (const Error& e) {
            if (e.code != Code::device) throw;
            return Culprit{bound.plan.steps[i].kernel, failed_node_};
        }
        if (auto culprit = judge(bound, i)) return culprit;
    }
    return std::nullopt;
}

// After a task that has just run.
std::optional<Executor::Culprit> Executor::judge(const Bound& bound, std::size_t i) {
    const PlannedStep& step = bound.plan.steps[i];
    const Task& t = program_.tasks[std::size_t(step.task)];
    const auto is_state = [&](int id) { return id >= 0 && program_.values[std::size_t(id)].type.is_state; };
    const auto finite = [&](int id) {
        const bool looked_at = id >= 0 && !is_state(id) && program_.values[std::size_t(id)].origin != Origin::weight;
        return !looked_at || all_finite(bound.views[std::size_t(id)]);
    };
    if (!step.kernel || std::all_of(t.out.begin(), t.out.end(), finite)) return std::nullopt;
    Culprit c{step.kernel, t.name};
    c.reads_state = std::any_of(t.in.begin(), t.in.end(), is_state);
    c.kernel_is_wrong = differs_from_model(bound, i);
    if (c.kernel_is_wrong || std::all_of(t.in.begin(), t.in.end(), finite)) return c;
    return std::nullopt;
}

bool Executor::differs_from_model(const Bound& bound, std::size_t i) {
    const KernelSpec* model = dispatch::model_of(*bound.plan.steps[i].kernel);
    const Bound::Step& s = bound.steps[i];
    if (!model || model == bound.plan.steps[i].kernel) return false;
    std::vector<Operand> out = s.out;
    std::vector<Buffer> results;
    const auto bytes = [](const View& v) { return std::size_t(v.size() / info(v.dtype).block * info(v.dtype).bytes); };
    for (Operand& o : out) {
        if (!o.view.data) return false;  // a state, which is not to be written twice
        o.view.data = results.emplace_back(bytes(o.view)).data();
    }
    const Attr& attr = program_.tasks[std::size_t(bound.plan.steps[i].task)].attr;
    alignas(buffer_alignment) std::byte args[max_args_bytes];
    bind_args(attr, {s.in, out, batch_.ragged()}, args);
    const Buffer workspace(model->workspace ? model->workspace(args) : 0);
    if (model->run(args, {0, model->items(args), 0, workspace.data()}) != Status::ok) return false;
    for (std::size_t k = 0; k < out.size(); ++k)
        if (std::memcmp(s.out[k].view.data, out[k].view.data, bytes(out[k].view)) != 0) return true;
    return false;
}

std::vector<const Plan*> Executor::plans() const {
    std::vector<const Plan*> list;
    for (const auto& p : plans_) list.push_back(&p->plan);
    return list;
}

}  // namespace quern::exec
