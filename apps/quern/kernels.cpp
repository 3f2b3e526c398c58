// quern kernels: every kernel of this build with what it declares, and which of them this machine can run.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "command.h"
#include "kernels/cpu.h"
#include "kernels/spec.h"

namespace quern::app {
namespace {

struct KernelsOptions {
    bool json = false, markdown = false;
};

std::vector<const KernelSpec*> all_kernels() {
    std::vector<const KernelSpec*> list;
    for (const Registered* r = registered(); r; r = r->next) list.push_back(&r->spec);
    std::ranges::sort(
        list, [](const KernelSpec* a, const KernelSpec* b) { return a->op != b->op ? a->op < b->op : a->id < b->id; });
    return list;
}

std::vector<std::string> formats(DTypeSet set) {
    std::vector<std::string> names;
    for (int d = 0; d < static_cast<int>(DType::count_); ++d)
        if (set.has(static_cast<DType>(d))) names.emplace_back(info(static_cast<DType>(d)).name);
    return names;
}

std::vector<std::string> limits(const KernelSpec& k) {
    std::vector<std::string> list;
    for (const Constraint& c : k.must)
        if (c.limit != Limit::none)
            list.push_back(fmt::format("{} % {}", c.limit == Limit::k ? "k" : "head_dim", c.multiple));
    return list;
}

Json to_json(const KernelSpec& k) {
    return {{"id", std::string(k.id)},
            {"op", std::string(name(k.op))},
            {"home", std::string(name(k.home))},
            {"isa", std::string(name(k.needs))},
            {"here", covers(cpu_isa(), k.needs)},
            {"class", std::string(name(k.numerics))},
            {"weights", formats(k.weight)},
            {"states", formats(k.state)},
            {"limits", limits(k)},
            {"flops_per_cycle", k.speed.flops},
            {"bytes_per_cycle", k.speed.bytes},
            {"version", k.version}};
}

std::string joined(const std::vector<std::string>& parts) {
    std::string s;
    for (const std::string& p : parts) s += (s.empty() ? "" : " ") + p;
    return s.empty() ? "-" : s;
}

// The page docs/kernels.md, the same on every machine.
std::string markdown() {
    std::string s =
        "# Kernels\n\nEvery kernel, made by `quern kernels --markdown` from the table that selection reads. Kernels of "
        "one "
        "op and class\ngive the same bits. `all` are the formats that `tensor/quant/` decodes.\n\n"
        "| kernel | op | instructions | class | weights | states | limits |\n|---|---|---|---|---|---|---|\n";
    const std::string every = joined(formats(decodable()));
    for (const KernelSpec* k : all_kernels()) {
        const std::string weights = joined(formats(k->weight));
        s += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", k->id, name(k->op), name(k->needs),
                         name(k->numerics), weights == every ? "all" : weights, joined(formats(k->state)),
                         joined(limits(*k)));
    }
    return s;
}

void kernels(const KernelsOptions& o) {
    if (o.markdown) {
        std::printf("%s", markdown().c_str());
        return;
    }
    Json list = Json::array();
    for (const KernelSpec* k : all_kernels()) {
        if (o.json)
            list.push_back(to_json(*k));
        else
            std::printf("%-28s %-12s %-8s %-10s %s\n", std::string(k->id).c_str(), std::string(name(k->op)).c_str(),
                        std::string(name(k->needs)).c_str(), std::string(name(k->numerics)).c_str(),
                        covers(cpu_isa(), k->needs) ? "" : "not on this processor");
    }
    if (o.json) std::printf("%s\n", Json{{"version", 1}, {"kernels", std::move(list)}}.dump().c_str());
}

}  // namespace

void add_kernels(CLI::App& app) {
    const auto o = std::make_shared<KernelsOptions>();
    CLI::App* c = app.add_subcommand("kernels", "list the kernels of this build");
    c->add_flag("--json", o->json, "print an object with kernels");
    c->add_flag("--markdown", o->markdown, "print the page docs/kernels.md")->excludes("--json");
    c->callback([o] { kernels(*o); });
}

}  // namespace quern::app
