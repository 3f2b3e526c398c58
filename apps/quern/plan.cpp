// quern plan show: the steps, kernels and buffers that a model is computed with, for each bucket of rows.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "command.h"
#include "options.h"

namespace quern::app {
namespace {

struct PlanOptions {
    ModelOptions model;
    std::int64_t tokens = 0;
    bool json = false;
};

void show(const PlanOptions& o) {
    const auto model = engine::Model::load(model_path(o.model), load_options(o.model));
    const exec::Executor& e = model->executor();
    Json list = Json::array();
    bool found = false;
    for (const exec::Plan* plan : e.plans()) {
        if (o.tokens && (o.tokens < plan->bucket.min_rows || o.tokens > plan->bucket.max_rows)) continue;
        found = true;
        if (o.json)
            list.push_back(exec::to_json(e.program(), *plan));
        else
            std::printf("%s\n", exec::describe(e.program(), *plan).c_str());
    }
    if (!found)
        throw Error(Code::bad_request, "no step takes {} tokens at once; longer prompts go in chunks of {}", o.tokens,
                    model->options().step_rows);
    if (o.json)
        std::printf("%s\n", Json{{"arena_bytes", e.arena_bytes()},
                                 {"workspace_bytes", e.workspace_bytes()},
                                 {"state_bytes", model->pages().bytes()},
                                 {"plans", std::move(list)}}
                                .dump()
                                .c_str());
    else
        std::printf("arena %zu bytes, workspace %zu bytes, state %lld bytes for a context of %lld tokens\n",
                    e.arena_bytes(), e.workspace_bytes(), static_cast<long long>(model->pages().bytes()),
                    static_cast<long long>(model->context()));
}

}  // namespace

void add_plan(CLI::App& app) {
    const auto o = std::make_shared<PlanOptions>();
    CLI::App* plan = app.add_subcommand("plan", "look at how a model is computed");
    plan->require_subcommand(1);
    CLI::App* c = plan->add_subcommand("show", "print steps, kernels, buffers and the arena");
    add_model_options(*c, o->model);
    c->add_option("--tokens", o->tokens, "only the plan for steps of this many tokens")
        ->check(in_range(std::int64_t(1), std::int64_t(1) << 40));
    c->add_flag("--json", o->json, "print an object with plans");
    c->callback([o] { show(*o); });
}

}  // namespace quern::app
