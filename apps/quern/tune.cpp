// quern tune: proves and measures the kernels that can compute a model, and bakes the plan of the fastest.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "engine/baked_plan.h"
#include "engine/tune.h"
#include "options.h"
#include "terminal.h"

namespace quern::app {
namespace {

struct TuneCommand {
    ModelOptions model;
    double seconds = 60;
    std::string file;
    bool json = false;
};

Json to_json(const engine::Measured& m) {
    Json kernels = Json::array();
    for (const engine::Measured::Kernel& k : m.kernels)
        kernels.push_back({{"kernel", std::string(k.spec->id)},
                           {"n", k.timing.n},
                           {"median_us", k.timing.median},
                           {"mad_us", k.timing.mad},
                           {"p95_us", k.timing.p95},
                           {"stable", k.timing.stable()}});
    return {{"rows", {m.rows.min_rows, m.rows.max_rows}},
            {"size", dispatch::size_class(m.request)},
            {"tasks", m.tasks},
            {"kernels", std::move(kernels)}};
}

void print(const engine::Measured& m) {
    std::printf("%s, %d in a step\n", dispatch::size_class(m.request).c_str(), m.tasks);
    for (const engine::Measured::Kernel& k : m.kernels)
        std::printf("  %-28s %12.1f us%s\n", std::string(k.spec->id).c_str(), k.timing.median,
                    k.timing.stable() ? "" : "  (unstable, not trusted)");
}

void tune(const TuneCommand& o) {
    engine::LoadOptions load = load_options(o.model);
    if (load.plans.empty() && o.file.empty())
        throw Error(Code::bad_request, "there is no home to keep the plan in; set QUERN_HOME or name a file with -o");
    const Path plans = std::exchange(load.plans, Path());
    load.plan.clear();
    const Path path = model_path(o.model);
    std::vector<engine::Measured> measured;
    {
        ProgressBar bar("tuning", "%", 1);
        const auto model = engine::Model::load(path, load);
        measured = engine::tune(*model, {.seconds = o.seconds, .progress = [&](std::int64_t done, std::int64_t total) {
                                             bar.update(done * 100 / total, 100);
                                         }});
    }
    // Loaded again, selection finds the times.
    const auto model = engine::Model::load(path, load);
    const auto plan = engine::BakedPlan::of(*model);
    const Path file = o.file.empty() ? engine::plan_file(plans, plan.key()) : Path(o.file);
    plan.write(file);
    Json list = Json::array();
    for (const engine::Measured& m : measured) {
        if (o.json)
            list.push_back(to_json(m));
        else if (m.kernels.size() > 1)
            print(m);
    }
    if (o.json)
        std::printf("%s\n",
                    Json{{"version", 1}, {"plan", file.string()}, {"measured", std::move(list)}}.dump().c_str());
    else
        std::printf("The plan is in %s\n", file.c_str());
}

}  // namespace

void add_tune(CLI::App& app) {
    const auto o = std::make_shared<TuneCommand>();
    CLI::App* c = app.add_subcommand("tune", "measure the kernels for a model and keep the fastest plan");
    add_model_options(*c, o->model);
    c->add_option("--seconds", o->seconds, "time to measure for (default 60); proofs come on top")
        ->check(in_range(0.0, 1e6));
    c->add_option("-o,--output", o->file, "where to write the plan (default: where loading the model finds it)")
        ->type_name("FILE");
    c->add_flag("--json", o->json, "print an object with what was measured");
    c->callback([o] { tune(*o); });
}

}  // namespace quern::app
