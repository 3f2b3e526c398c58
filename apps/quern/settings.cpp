#include "settings.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/env.h"
#include "base/error.h"
#include "base/json.h"
#include "options.h"

namespace quern::app {
namespace {

bool repeats(const CLI::Option& o) { return o.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll; }

bool takes_number(const CLI::Option& o) {
    const std::string type = o.get_type_name();
    return type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT");
}

bool is_shared(const CLI::Option& o) {
    return !o.get_lnames().empty() && o.get_lnames().front() != "config" &&
           (o.get_group() == model_group || o.get_group() == sampling_group || o.get_group() == template_group);
}

std::vector<CLI::Option*> shared_options(CLI::App& command) {
    return command.get_options([](const CLI::Option* o) { return is_shared(*o); });
}

// Of all commands: a config file serves every command, also those without some of its options.
std::vector<std::string> all_keys() {
    CLI::App every;
    ModelOptions model;
    SamplingOptions sampling;
    TemplateOptions in_template;
    add_model_options(every, model);
    add_sampling_options(every, sampling);
    add_template_options(every, in_template);
    std::vector<std::string> keys;
    for (const CLI::Option* o : shared_options(every)) keys.push_back(o->get_lnames().front());
    return keys;
}

// Letters to insert, delete or replace.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

void check_key(const std::string& key, const std::vector<std::string>& known, const Path& file) {
    if (std::ranges::find(known, key) != known.end()) return;
    const auto& nearest = *std::ranges::min_element(known, {}, [&](const auto& k) { return distance(key, k); });
    throw Error(Code::bad_file, "{}: there is no setting '{}'; the nearest is '{}'", file.string(), key, nearest);
}

struct Config {
    Path file;
    Json values = Json::object();
};

// Not get_option(), which ends the process where memory runs out.
CLI::Option* config_option(CLI::App& command) {
    const auto found = command.get_options(
        [](const CLI::Option* o) { return !o->get_lnames().empty() && o->get_lnames().front() == "config"; });
    return found.empty() ? nullptr : found.front();
}

// A file that was named must be there; the one in QUERN_HOME need not.
Config read_config(CLI::App& command) {
    Config config;
    const CLI::Option* named = config_option(command);
    if (named && named->count())
        config.file = named->results().front();
    else if (const auto variable = environment("QUERN_CONFIG"); variable && !variable->empty())
        config.file = *variable;
    else if (const Path home = quern_home(); !home.empty() && std::filesystem::exists(home / "config.json"))
        config.file = home / "config.json";
    if (config.file.empty()) return config;
    config.values = parse_json(read_text(config.file, std::size_t(1) << 20), config.file.string());
    if (!config.values.is_object())
        throw Error(Code::bad_file, "{}: expected an object of settings, as in {{\"threads\": 4}}",
                    config.file.string());
    return config;
}

std::vector<std::string> from_json(const Json& value, const CLI::Option& o, const Path& file) {
    const std::string& key = o.get_lnames().front();
    if (repeats(o) && value.is_array() && std::ranges::all_of(value, [](const Json& v) { return v.is_string(); }))
        return value.get<std::vector<std::string>>();
    if (!repeats(o) && takes_number(o) && value.is_number()) return {value.dump()};
    if (!repeats(o) && !takes_number(o) && value.is_string()) return {value.get<std::string>()};
    throw Error(Code::bad_file, "{}: {}: expected a {}, found {}", file.string(), key,
                repeats(o)        ? "list of strings"
                : takes_number(o) ? "number"
                                  : "string",
                value.dump());
}

std::vector<std::string> from_variable(const std::string& text, const CLI::Option& o) {
    return repeats(o) ? CLI::detail::split(text, ',') : std::vector<std::string>{text};
}

// As if the values stood on the command line, with the same checks.
void set(CLI::Option& o, const std::vector<std::string>& values, const std::string& origin) {
    if (values.empty()) return;
    try {
        o.add_result(values);
        o.run_callback();
    } catch (const CLI::ParseError& e) {
        throw Error(Code::bad_request, "{}: {}", origin, e.what());
    }
}

Setting settle(CLI::Option& o, const Config& config) {
    const std::string& key = o.get_lnames().front();
    Setting s{key, {}, "command line", &o};
    if (o.count() == 0) {
        const std::string name = environment_name(key);
        if (const auto text = environment(name.c_str()); text && !text->empty()) {
            s.origin = name;
            set(o, from_variable(*text, o), s.origin);
        } else if (config.values.contains(key)) {
            s.origin = config.file.string();
            set(o, from_json(config.values.at(key), o, config.file), s.origin);
        } else {
            s.origin = "default";
        }
    }
    s.values = o.results();
    return s;
}

}  // namespace

std::string environment_name(const std::string& key) {
    std::string name = "QUERN_";
    for (const char c : key) name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return name;
}

void add_settings(CLI::App& command, std::vector<Setting>* settled, std::vector<std::string>* trouble) {
    if (!config_option(command))
        command
            .add_option("--config",
                        "JSON file of settings (default: config.json in QUERN_HOME); each can also come from the "
                        "environment, as QUERN_THREADS=4")
            ->group(model_group)
            ->type_name("FILE");
    command.parse_complete_callback([&command, settled, trouble] {
        const auto attempt = [&](const auto& what) {
            try {
                what();
            } catch (const Error& e) {
                if (!trouble) throw;
                trouble->push_back(e.what());
            }
        };
        Config config;
        attempt([&] { config = read_config(command); });
        const std::vector<std::string> known = config.values.empty() ? std::vector<std::string>() : all_keys();
        for (const auto& entry : config.values.items()) attempt([&] { check_key(entry.key(), known, config.file); });
        for (CLI::Option* o : shared_options(command))
            attempt([&] {
                Setting s = settle(*o, config);
                if (settled) settled->push_back(std::move(s));
            });
    });
}

}  // namespace quern::app
