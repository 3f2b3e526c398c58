// quern config: every shared option with its value in effect and where that comes from.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "options.h"
#include "settings.h"

namespace quern::app {
namespace {

struct ConfigOptions {
    ModelOptions model;
    SamplingOptions sampling;
    TemplateOptions in_template;
    std::vector<Setting> settled;
    bool json = false;
};

Json list(const std::vector<Setting>& settled) {
    Json settings = Json::array();
    for (const Setting& s : settled) {
        Json value = nullptr;
        if (s.option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll)
            value = s.values;
        else if (!s.values.empty())
            value = s.values.front();
        settings.push_back({{"name", s.key}, {"value", value}, {"origin", s.origin}});
    }
    return {{"version", 1}, {"settings", std::move(settings)}};
}

void print(const std::vector<Setting>& settled) {
    for (const Setting& s : settled) {
        std::string values;
        for (const std::string& v : s.values) values += (values.empty() ? "" : ",") + v;
        fmt::print("{:<18} {:<28} {}\n", s.key, values.empty() ? "-" : values, s.origin);
    }
}

}  // namespace

void add_config(CLI::App& app) {
    const auto o = std::make_shared<ConfigOptions>();
    CLI::App* c = app.add_subcommand("config", "show the settings in effect and where each comes from");
    add_model_options(*c, o->model);
    add_sampling_options(*c, o->sampling);
    add_template_options(*c, o->in_template);
    add_settings(*c, &o->settled);
    c->add_flag("--json", o->json, "print an object");
    c->callback([o] {
        if (o->json)
            std::printf("%s\n", list(o->settled).dump(2).c_str());
        else
            print(o->settled);
    });
}

}  // namespace quern::app
