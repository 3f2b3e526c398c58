// quern plan: show prints the steps, kernels and buffers that a model is computed with, for each bucket of rows; diff
// and verify are about baked plans.
#include <fmt/format.h>

#include <CLI/Error.hpp>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "command.h"
#include "engine/baked_plan.h"
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

// Lines that tell two baked plans apart.
std::vector<std::string> differences(const engine::BakedPlan& a, const engine::BakedPlan& b) {
    std::vector<std::string> lines;
    const std::map<std::string, std::string> key_a(a.key().begin(), a.key().end()),
        key_b(b.key().begin(), b.key().end());
    const auto compare = [&](const auto& left, const auto& right, const std::string& where) {
        std::set<std::string> names;
        for (const auto* side : {&left, &right})
            for (const auto& [name, value] : *side) names.insert(name);
        const auto text = [](const auto& side, const std::string& name) {
            const auto found = side.find(name);
            return found == side.end() ? std::string("(none)") : found->second;
        };
        for (const std::string& name : names)
            if (text(left, name) != text(right, name))
                lines.push_back(where + name + ": " + text(left, name) + " -> " + text(right, name));
    };
    compare(key_a, key_b, "key ");
    const auto by_rows = [](const engine::BakedPlan& p) {
        std::map<std::pair<std::int64_t, std::int64_t>, std::map<std::string, std::string>> buckets;
        for (const auto& bucket : p.buckets()) buckets[{bucket.rows.min_rows, bucket.rows.max_rows}] = bucket.kernels;
        return buckets;
    };
    auto rows_a = by_rows(a), rows_b = by_rows(b);
    for (const auto& [rows, kernels] : rows_b) rows_a.try_emplace(rows);
    for (const auto& [rows, kernels] : rows_a)
        compare(kernels, rows_b[rows], fmt::format("T {}..{} ", rows.first, rows.second));
    return lines;
}

struct DiffOptions {
    std::string a, b;
    bool json = false;
};

void diff(const DiffOptions& o) {
    const auto lines = differences(engine::BakedPlan::read(o.a), engine::BakedPlan::read(o.b));
    if (o.json)
        std::printf("%s\n", Json{{"version", 1}, {"differences", lines}}.dump().c_str());
    else
        for (const std::string& line : lines) std::printf("%s\n", line.c_str());
    if (!lines.empty()) throw CLI::RuntimeError(1);
}

struct VerifyOptions {
    ModelOptions model;
    bool json = false;
};

void verify(const VerifyOptions& o) {
    const engine::LoadOptions load = load_options(o.model);
    if (load.plan.empty() && load.plans.empty())
        throw Error(Code::bad_request, "name the plan with --plan; there is no home where one is kept");
    const auto model = engine::Model::load(model_path(o.model), load);
    std::string trouble = model->plan_set_aside();
    if (trouble.empty() && model->plan().empty()) trouble = "no plan is kept for this; `quern tune` makes one";
    if (o.json)
        std::printf(
            "%s\n",
            Json{{"version", 1}, {"plan", model->plan().string()}, {"fits", trouble.empty()}, {"trouble", trouble}}
                .dump()
                .c_str());
    else
        std::printf("%s\n", trouble.empty() ? (model->plan().string() + " fits").c_str() : trouble.c_str());
    if (!trouble.empty()) throw CLI::RuntimeError(1);
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

    const auto d = std::make_shared<DiffOptions>();
    c = plan->add_subcommand("diff", "tell two baked plans apart; exit code 1 if they differ");
    c->add_option("A", d->a, "a plan's file")->required();
    c->add_option("B", d->b, "another")->required();
    c->add_flag("--json", d->json, "print an object with differences");
    c->callback([d] { diff(*d); });

    const auto v = std::make_shared<VerifyOptions>();
    c = plan->add_subcommand("verify", "check that a baked plan fits a model here; exit code 1 if not");
    add_model_options(*c, v->model);
    c->add_flag("--json", v->json, "print an object with fits and trouble");
    c->callback([v] { verify(*v); });
}

}  // namespace quern::app
