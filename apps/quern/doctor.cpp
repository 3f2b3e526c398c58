// quern doctor: what this machine has, what it reaches, and whether it computes right.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/cgroup.h"
#include "base/env.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "command.h"
#include "dispatch/ledger.h"
#include "dispatch/machine.h"
#include "kernels/cpu.h"
#include "options.h"
#include "terminal.h"

namespace quern::app {
namespace {

struct DoctorCommand {
    ModelOptions model;
    bool json = false;
};

std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
    return "unknown";
}

Json optional_number(const auto& v) { return v ? Json(*v) : Json(nullptr); }

Json tiers(dispatch::Ledger& ledger, Json& trouble) {
    Json list = Json::array();
    for (const IsaTier& t : isa_tiers()) {
        Json tier{{"name", t.name}, {"available", covers(cpu_isa(), t.isa)}, {"self_test", nullptr}, {"why", ""}};
        if (tier["available"] == true) {
            const dispatch::Verdict v = ledger.self_test(t, true);
            tier["self_test"] = v.holds ? "holds" : "failed";
            tier["why"] = v.trouble;
            if (!v.holds) trouble.push_back(v.trouble + "; kernels with these instructions are not used");
        } else {
            tier["why"] = sentence(Reason::isa_missing);
        }
        list.push_back(std::move(tier));
    }
    return list;
}

// Of the widest tier that has one and holds.
Json peaks(dispatch::Ledger& ledger, ThreadPool& pool) {
    Json found{{"f32", nullptr}, {"int8", nullptr}, {"bf16", nullptr}};
    for (const IsaTier& t : isa_tiers()) {
        const IsaProbe* probe = find_probe(t.isa);
        if (!probe || !covers(cpu_isa(), t.isa) || !ledger.self_test(t).holds) continue;
        for (const Peak& p : probe->peaks)
            if (p.run) found[std::string(p.name)] = dispatch::peak_rate(p, pool) / 1e9;
    }
    return found;
}

Json memory() {
    const CgroupLimits limits = cgroup_limits();
    return {{"available_bytes", available_memory()}, {"cgroup_bytes", optional_number(limits.memory)}};
}

// What is measured takes about two seconds.
Json measured(const DoctorCommand& o, dispatch::Ledger& ledger, Json& trouble) {
    ThreadPool pool(o.model.threads);
    ProgressBar bar("measuring", "%", 1);
    bar.update(0, 100);
    Json rates{{"threads", pool.size()}, {"peak_gops", peaks(ledger, pool)}};
    bar.update(50, 100);
    rates["read_gb_per_s"] = dispatch::read_bandwidth(pool) / 1e9;
    bar.update(75, 100);
    Json disk{{"file", nullptr}, {"mb_per_s", nullptr}, {"from_cache", nullptr}};
    try {
        const Path file = model_path(o.model);
        disk["file"] = file.string();
        const dispatch::DiskRate rate = dispatch::disk_rate(file);
        disk["mb_per_s"] = rate.bytes_per_second / 1e6;
        disk["from_cache"] = rate.cached;
    } catch (const Error& e) {
        trouble.push_back(e.what());
    }
    rates["disk"] = std::move(disk);
    return rates;
}

Json examine(const DoctorCommand& o) {
    Json trouble = Json::array();
    const Path home = quern_home();
    dispatch::Ledger ledger(home.empty() ? Path() : home / "ledger.db");
    Json report{{"version", 1},
                {"processor",
                 {{"name", processor_name()},
                  {"usable", usable_processors()},
                  {"cgroup_quota", optional_number(cgroup_limits().processors)}}},
                {"tiers", tiers(ledger, trouble)},
                {"memory", memory()},
                {"backends", Json::array({{{"name", "cpu"}, {"found", true}, {"why", ""}},
                                          {{"name", "gpu"}, {"found", false}, {"why", "this build has none"}}})}};
    report.update(measured(o, ledger, trouble));
    if (home.empty()) trouble.push_back("there is no home to keep proofs and plans in: set QUERN_HOME");
    if (!ledger.trouble().empty()) trouble.push_back("the ledger of proofs is not used: " + ledger.trouble());
    report["home"] = home.string();
    report["trouble"] = std::move(trouble);
    return report;
}

std::string number(const Json& v, const char* unit, double scale = 1) {
    return v.is_null() ? "-" : fmt::format("{:.1f} {}", v.get<double>() * scale, unit);
}

void print(const Json& r) {
    const auto line = [](const char* what, const std::string& text) { fmt::print("{:<16} {}\n", what, text); };
    const Json &cpu = r["processor"], &peak = r["peak_gops"], &disk = r["disk"];
    line("processor", cpu["name"].get<std::string>());
    line("threads",
         fmt::format("{} usable{}, measured with {}", cpu["usable"].get<int>(),
                     cpu["cgroup_quota"].is_null() ? "" : " (a control group has a quota)", r["threads"].get<int>()));
    for (const Json& t : r["tiers"])
        line(t["name"].get<std::string>().c_str(), !t["available"].get<bool>() ? t["why"].get<std::string>()
                                                   : t["self_test"] == "holds" ? "self-test holds"
                                                                               : t["why"].get<std::string>());
    line("memory", number(r["memory"]["available_bytes"], "GB available", 1e-9) +
                       (r["memory"]["cgroup_bytes"].is_null()
                            ? ""
                            : ", limited to " + number(r["memory"]["cgroup_bytes"], "GB", 1e-9)));
    line("read bandwidth", number(r["read_gb_per_s"], "GB/s"));
    for (const char* type : {"f32", "int8", "bf16"})
        line(fmt::format("{} peak", type).c_str(),
             peak[type].is_null() ? "no instructions of its own" : number(peak[type], "Gop/s"));
    line("disk",
         number(disk["mb_per_s"], "MB/s") + (disk["from_cache"] == true ? " (through the cache of the system)" : ""));
    for (const Json& b : r["backends"])
        line(fmt::format("backend {}", b["name"].get<std::string>()).c_str(),
             b["found"].get<bool>() ? "found" : b["why"].get<std::string>());
    line("home", r["home"].get<std::string>());
    for (const Json& t : r["trouble"]) line("trouble", t.get<std::string>());
    if (r["trouble"].empty()) line("verdict", "all is well");
}

}  // namespace

void add_doctor(CLI::App& app) {
    const auto o = std::make_shared<DoctorCommand>();
    CLI::App* c = app.add_subcommand("doctor", "examine this machine: instructions, limits, speeds");
    add_model_path(*c, o->model);
    c->add_option("-t,--threads", o->model.threads, "threads to measure with (default: one per processor)")
        ->group("Model")
        ->check(in_range(1, 1024));
    c->add_flag("--json", o->json, "print an object");
    c->callback([o] {
        const Json report = examine(*o);
        if (o->json)
            std::printf("%s\n", report.dump().c_str());
        else
            print(report);
        if (!report["trouble"].empty()) throw CLI::RuntimeError(1);
    });
}

}  // namespace quern::app
