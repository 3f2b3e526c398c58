// quern prove: proves the kernels that can compute a model now, and says how each did; --all audits every kernel of
// this build that could read the model, at its own sizes; --replay runs a failed case again.
#include <CLI/Error.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "dispatch/failure.h"
#include "kernels/cpu.h"
#include "options.h"
#include "terminal.h"

namespace quern::app {
namespace {

struct ProveCommand {
    ModelOptions model;
    bool all = false, json = false;
    std::string replay;
};

struct Job {
    const KernelSpec* kernel;
    dispatch::Request request;
};

// Kernels of the node's class that the policy allows; with `all`, whatever can run here and reads the formats.
std::vector<Job> jobs(const engine::Model& model, const dispatch::Policy& policy, bool all) {
    const exec::Executor& e = model.executor();
    std::vector<Job> list;
    std::set<std::string> seen;
    const dispatch::Policy free = dispatch::machine_policy();
    for (const exec::Plan* plan : e.plans()) {
        const auto symbols = exec::largest_symbols(e.program(), plan->bucket, e.limits());
        for (const exec::PlannedStep& step : plan->steps) {
            if (!step.kernel) continue;
            dispatch::Request r = exec::request_for(e.program(), e.program().tasks[std::size_t(step.task)], symbols, 1);
            const std::string width = all ? " width " + std::to_string(r.width) : "";
            for (const Registered* k = registered(); k; k = k->next) {
                if (k->spec.op != r.op || dispatch::is_definition(k->spec)) continue;
                std::vector<Reason> reasons = dispatch::objections(k->spec, r, all ? free : policy);
                if (all) std::erase(reasons, Reason::other_class);
                if (!reasons.empty()) continue;
                if (seen.insert(std::string(k->spec.id) + " " + dispatch::shape_class(r) + width).second)
                    list.push_back({&k->spec, r});
            }
        }
    }
    return list;
}

Json to_json(const Job& job, const dispatch::Verdict& v, double ms, const std::string& file) {
    return {{"kernel", std::string(job.kernel->id)},
            {"class", dispatch::shape_class(job.request)},
            {"width", job.request.width},
            {"holds", v.holds},
            {"trouble", v.trouble},
            {"milliseconds", ms},
            {"replay", file.empty() ? Json(nullptr) : Json(file)}};
}

std::string keep(const Job& job, const dispatch::Verdict& v, dispatch::Extent extent, const Path& folder) {
    if (v.holds || v.failed < 0 || folder.empty()) return {};
    const Path file = dispatch::failure_file(folder, *job.kernel, job.request);
    const auto cases = dispatch::proof_cases(job.request, extent);
    dispatch::write({std::string(job.kernel->id), job.kernel->version, dispatch::build_id(), job.request, extent,
                     v.failed, cases.at(std::size_t(v.failed)).text, v.trouble},
                    file);
    return file.string();
}

void prove_model(const ProveCommand& o) {
    const engine::LoadOptions load = load_options(o.model);
    const auto model = engine::Model::load(model_path(o.model), load);
    const std::vector<Job> list = jobs(*model, model->options().policy, o.all);
    const dispatch::Extent extent = o.all ? dispatch::Extent::full : dispatch::Extent::proxies;
    Json report = Json::array();
    int failed = 0, done = 0;
    for (const Job& job : list) {
        dispatch::Verdict v;
        const auto start = std::chrono::steady_clock::now();
        {
            ProgressBar bar("proving", "kernels", 1);
            bar.update(done++, static_cast<std::int64_t>(list.size()));
            v = dispatch::prove(*job.kernel, job.request, {.patience = std::chrono::minutes(10), .extent = extent});
        }
        const double ms = seconds_since(start) * 1e3;
        failed += !v.holds;
        const std::string file = keep(job, v, extent, load.ledger->failures());
        if (o.json)
            report.push_back(to_json(job, v, ms, file));
        else
            std::printf("%-28s %-40s %8.1f ms  %s%s\n", std::string(job.kernel->id).c_str(),
                        dispatch::shape_class(job.request).c_str(), ms, v.holds ? "holds" : v.trouble.c_str(),
                        file.empty() ? "" : (", replay with " + file).c_str());
    }
    if (o.json)
        std::printf("%s\n", Json{{"version", 1}, {"proofs", std::move(report)}}.dump().c_str());
    else
        std::printf("%zu proofs, %d failed\n", list.size(), failed);
    if (failed > 0) throw CLI::RuntimeError(1);
}

void replay(const ProveCommand& o) {
    const dispatch::Failure f = dispatch::read_failure(o.replay);
    const KernelSpec* kernel = find_kernel(f.kernel);
    if (!kernel) throw Error(Code::unsupported, "replaying {}: this build has no kernel {}", o.replay, f.kernel);
    if (!covers(cpu_isa(), kernel->needs))
        throw Error(Code::unsupported, "replaying {}: this processor lacks the instructions of {}", o.replay, f.kernel);
    const dispatch::Verdict v = dispatch::replay(f, *kernel);
    if (o.json)
        std::printf("%s\n", Json{{"version", 1},
                                 {"kernel", f.kernel},
                                 {"case", f.case_text},
                                 {"holds", v.holds},
                                 {"trouble", v.trouble},
                                 {"trouble_then", f.trouble},
                                 {"same_build", f.build == dispatch::build_id()}}
                                .dump()
                                .c_str());
    else
        std::printf("%s: %s: %s\n", f.kernel.c_str(), f.case_text.c_str(), v.holds ? "holds" : v.trouble.c_str());
    if (!v.holds) throw CLI::RuntimeError(1);
}

}  // namespace

void add_prove(CLI::App& app) {
    const auto o = std::make_shared<ProveCommand>();
    CLI::App* c = app.add_subcommand("prove", "prove the kernels that can compute a model");
    add_model_options(*c, o->model);
    c->add_flag("--all", o->all, "every kernel of this build that reads the model's formats, at the model's sizes");
    c->add_option("--replay", o->replay, "run the failed case that this file holds again")->type_name("FILE");
    c->add_flag("--json", o->json, "print an object with proofs, or the case's outcome");
    c->callback([o] { o->replay.empty() ? prove_model(*o) : replay(*o); });
}

}  // namespace quern::app
