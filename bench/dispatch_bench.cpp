// What it costs to decide, beside computing: choosing a kernel, making the plans of a model, and the executor's own
// part of a step, which is that of a step whose kernels do nothing. Barriers are the difference between one thread and
// two.
//
//     dispatch_bench [--model=FILE.gguf] [Google Benchmark's options]
//
// The target: at most 2 us a step for dispatch, and barriers at most 1 % of a decode step of a 1.2B model.
#include <benchmark/benchmark.h>

#include <cstring>
#include <list>
#include <memory>

#include "engine/model.h"
#include "engine/session.h"

namespace {

using namespace quern;

std::string model_file = QUERN_SOURCE_DIR "/models/grist/grist.gguf";

std::unique_ptr<engine::Model> load(int threads) {
    return engine::Model::load(model_file, {.context = 512, .threads = threads});
}

Status does_nothing(const void*, const Work&) noexcept { return Status::ok; }

// The chosen kernels with nothing inside.
exec::Chooser hollow(std::list<KernelSpec>& store) {
    return [&store, choose = exec::chooser(dispatch::machine_policy(), nullptr)](const dispatch::Request& r,
                                                                                 exec::Bucket b) {
        store.push_back(*choose(r, b));
        store.back().run = does_nothing;
        return &store.back();
    };
}

void choose(benchmark::State& state) {
    const dispatch::Request request{.op = Op::linear, .weights = {DType::q8_0}, .k = 256, .rows = 1, .width = 256};
    const dispatch::Policy policy = dispatch::machine_policy();
    dispatch::Ledger ledger;
    for (auto _ : state) benchmark::DoNotOptimize(dispatch::choose(request, policy, &ledger).kernel);
}

void make_plans(benchmark::State& state) {
    const auto model = load(1);
    const exec::Executor& e = model->executor();
    dispatch::Ledger ledger;
    const exec::Chooser chooser = exec::chooser(dispatch::machine_policy(), &ledger);
    for (auto _ : state)
        for (const exec::Plan* p : e.plans())
            benchmark::DoNotOptimize(exec::make_plan(e.program(), p->bucket, e.limits(), chooser).arena_bytes);
    state.counters["tasks"] = static_cast<double>(e.plans().size() * e.program().tasks.size());
}

void empty_step(benchmark::State& state) {
    const auto model = load(static_cast<int>(state.range(0)));
    std::list<KernelSpec> kernels;
    const auto executor = model->make_variant(hollow(kernels));
    engine::Session session(*model);
    const std::int32_t token = 1, last = 0;
    executor->batch().clear();
    model->add_rows(executor->batch(), {0, {&token, 1}, {&last, 1}});
    for (auto _ : state) executor->run();
    const auto tasks = static_cast<double>(executor->program().tasks.size());
    state.counters["tasks"] = tasks;
    state.counters["per_task"] =
        benchmark::Counter(tasks, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

// One job of the pool that does nothing: post, join.
void fork_join(benchmark::State& state) {
    ThreadPool pool(static_cast<int>(state.range(0)));
    for (auto _ : state)
        pool.run(
            2, 1, [](void*, std::int64_t, std::int64_t, int) noexcept {}, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i)
        if (std::strncmp(argv[i], "--model=", 8) == 0) model_file = argv[i] + 8;
    benchmark::RegisterBenchmark("choose", choose);
    benchmark::RegisterBenchmark("make_plans", make_plans)->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark("empty_step/threads", empty_step)->Arg(1)->Arg(2)->Unit(benchmark::kMicrosecond);
    benchmark::RegisterBenchmark("fork_join/threads", fork_join)->Arg(1)->Arg(2);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
