// quern explain: for each node of a model, which kernel computes it and why not the others.
#include <fmt/format.h>
#include <fnmatch.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "options.h"

namespace quern::app {
namespace {

struct ExplainOptions {
    ModelOptions model;
    std::string node = "*";
    std::int64_t tokens = 1;
    bool json = false;
};

const exec::Plan& plan_for(const engine::Model& model, std::int64_t tokens) {
    for (const exec::Plan* plan : model.executor().plans())
        if (tokens >= plan->bucket.min_rows && tokens <= plan->bucket.max_rows) return *plan;
    throw Error(Code::bad_request, "no step takes {} tokens at once; longer prompts go in chunks of {}", tokens,
                model.options().step_rows);
}

// "definition", "holds", "failed", or "none": it was not needed so far.
const char* proof(const KernelSpec& kernel, const dispatch::Request& r, dispatch::Ledger& ledger) {
    if (dispatch::is_definition(kernel)) return "definition";
    const std::optional<dispatch::Verdict> v = ledger.known(kernel, r);
    return !v ? "none" : v->holds ? "holds" : "failed";
}

Json timing(const dispatch::Candidate& c) {
    if (!c.timing) return nullptr;
    return {{"n", c.timing->n}, {"median_us", c.timing->median}, {"mad_us", c.timing->mad}, {"p95_us", c.timing->p95}};
}

std::string cost(const dispatch::Candidate& c) {
    return c.timing ? fmt::format("{:.1f} us measured", c.timing->median)
                    : fmt::format("{:.3g} cycles by declared speed", c.cycles);
}

Json to_json(const std::string& node, const dispatch::Request& r, const dispatch::Choice& choice,
             dispatch::Ledger& ledger) {
    Json candidates = Json::array();
    for (const dispatch::Candidate& c : choice.candidates) {
        Json reasons = Json::array();
        for (const Reason why : c.reasons) reasons.push_back(std::string(name(why)));
        candidates.push_back({{"kernel", std::string(c.spec->id)},
                              {"chosen", c.spec == choice.kernel},
                              {"cycles", c.cycles},
                              {"timing", timing(c)},
                              {"proof", proof(*c.spec, r, ledger)},
                              {"reasons", std::move(reasons)}});
    }
    return {{"node", node},
            {"op", std::string(name(r.op))},
            {"class", std::string(name(dispatch::node_class(r.op)))},
            {"kernel", std::string(choice.kernel->id)},
            {"candidates", std::move(candidates)}};
}

void print(const std::string& node, const dispatch::Request& r, const dispatch::Choice& choice,
           dispatch::Ledger& ledger) {
    std::printf("%s: %s, class %s\n", node.c_str(), std::string(name(r.op)).c_str(),
                std::string(name(dispatch::node_class(r.op))).c_str());
    for (const dispatch::Candidate& c : choice.candidates) {
        std::string why;
        for (const Reason reason : c.reasons) why += (why.empty() ? "" : ", ") + std::string(sentence(reason));
        if (c.spec == choice.kernel)
            why = "chosen, " + cost(c) + ", proof: " + proof(*c.spec, r, ledger);
        else if (c.reasons.empty())
            why = "legal, comes later: " + cost(c);
        std::printf("  %-28s %s\n", std::string(c.spec->id).c_str(), why.c_str());
    }
}

void explain(const ExplainOptions& o) {
    const engine::LoadOptions load = load_options(o.model);
    const auto model = engine::Model::load(model_path(o.model), load);
    const exec::Plan& plan = plan_for(*model, o.tokens);
    const exec::Program& program = model->executor().program();
    const exec::PlanLimits& limits = model->executor().limits();
    const std::vector<std::int64_t> symbols = exec::largest_symbols(program, plan.bucket, limits);
    if (!o.json && !model->plan().empty()) std::printf("by the baked plan %s\n", model->plan().c_str());
    if (!o.json && !model->plan_set_aside().empty()) std::printf("%s\n", model->plan_set_aside().c_str());
    Json nodes = Json::array();
    bool found = false;
    for (const exec::PlannedStep& step : plan.steps) {
        const exec::Task& t = program.tasks[std::size_t(step.task)];
        if (!step.kernel || fnmatch(o.node.c_str(), t.name.c_str(), 0) != 0) continue;
        found = true;
        const dispatch::Request request = exec::request_for(program, t, symbols, limits.threads);
        dispatch::Choice choice = dispatch::choose(request, model->options().policy, load.ledger.get());
        choice.kernel = step.kernel;  // which a baked plan may have fixed before later times were known
        if (o.json)
            nodes.push_back(to_json(t.name, request, choice, *load.ledger));
        else
            print(t.name, request, choice, *load.ledger);
    }
    if (!found) throw Error(Code::bad_request, "the model has no node called {}; `quern plan show` lists them", o.node);
    if (o.json)
        std::printf("%s\n", Json{{"version", 1},
                                 {"plan", model->plan().empty() ? Json(nullptr) : Json(model->plan().string())},
                                 {"plan_set_aside", model->plan_set_aside()},
                                 {"rows", {plan.bucket.min_rows, plan.bucket.max_rows}},
                                 {"nodes", std::move(nodes)}}
                                .dump()
                                .c_str());
}

}  // namespace

void add_explain(CLI::App& app) {
    const auto o = std::make_shared<ExplainOptions>();
    CLI::App* c = app.add_subcommand("explain", "tell why a model is computed with these kernels");
    c->add_option("NODE", o->node, "a node's name or a glob, as in 'blk.0.*' (default: all)");
    add_model_options(*c, o->model);
    c->add_option("--tokens", o->tokens, "for steps of this many tokens (default 1)")
        ->check(in_range(std::int64_t(1), std::int64_t(1) << 40));
    c->add_flag("--json", o->json, "print an object with nodes");
    c->callback([o] { explain(*o); });
}

}  // namespace quern::app
