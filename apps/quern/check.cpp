// quern check: would it run? The gate before a service is started or a machine is handed over: everything that loading
// and the first step need is done, and all that is missing or wrong is listed, not only the first.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/env.h"
#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "dispatch/ledger.h"
#include "engine/session.h"
#include "format/gguf/file.h"
#include "options.h"
#include "settings.h"
#include "terminal.h"

namespace quern::app {
namespace {

struct CheckCommand {
    ModelOptions model;
    SamplingOptions sampling;
    TemplateOptions in_template;
    std::vector<std::string> setting_trouble;
    bool json = false;
};

enum class State { ok, note, invalid, skipped };
constexpr const char* state_names[] = {"ok", "note", "invalid", "skipped"};

struct Item {
    std::string what;
    State state;
    std::string text;
};

class Checklist {
public:
    // What `look` gives is the text of the item; what it throws is why it is invalid.
    bool check(const char* what, const std::function<std::string()>& look) {
        try {
            items_.push_back({what, State::ok, look()});
        } catch (const Error& e) {
            items_.push_back({what, State::invalid, e.what()});
        } catch (const CLI::ParseError& e) {  // values of options that are found wrong only together
            items_.push_back({what, State::invalid, e.what()});
        }
        return items_.back().state == State::ok;
    }
    void add(Item item) { items_.push_back(std::move(item)); }
    const std::vector<Item>& items() const { return items_; }

private:
    std::vector<Item> items_;
};

// One token in, finite logits out.
std::string first_step(engine::Model& model) {
    engine::Session session(model);
    const std::int32_t token = 0;
    session.feed({&token, 1});
    for (const float x : session.logits())
        if (!std::isfinite(x)) throw Error(Code::device, "the first step gives logits that are no numbers");
    return fmt::format("{} finite logits", session.logits().size());
}

void check_loaded(Checklist& list, engine::Model& model) {
    if (!model.plan().empty())
        list.add({"plan", State::ok, model.plan().string()});
    else if (!model.plan_set_aside().empty())
        list.add({"plan", State::note, model.plan_set_aside()});
    else
        list.add({"plan", State::note, "there is none; `quern tune` would measure and keep one"});
    if (const std::string& trouble = model.options().ledger->trouble(); !trouble.empty())
        list.add({"ledger", State::invalid, trouble});
    list.check("tokenizer", [&] {
        if (!model.tokenizer()) throw Error(Code::unsupported, "the file has none: only ids can be run");
        return fmt::format("{} tokens", model.tokenizer()->vocab_size());
    });
    list.check("chat template", [&] {
        model.chat_template();
        return std::string("can be used");
    });
    list.check("first step", [&] { return first_step(model); });
}

Checklist examine(const CheckCommand& o) {
    Checklist list;
    for (const std::string& trouble : o.setting_trouble) list.add({"settings", State::invalid, trouble});
    bool ready = o.setting_trouble.empty();
    if (ready) list.add({"settings", State::ok, "all can be used"});
    if (quern_home().empty())
        list.add({"home", State::invalid, "there is no home to keep proofs and plans in: set QUERN_HOME"});
    ready &= list.check("sampling", [&] {
        sampler_options(o.sampling);
        return std::string("all can be used");
    });
    ready &= list.check("file", [&] {
        const Path path = model_path(o.model);
        const gguf::File file = gguf::File::open(path);
        return fmt::format("{}, {} tensors", path.string(), file.tensors().size());
    });
    engine::LoadOptions load;
    ready &= list.check("policy", [&] {
        load = load_options(o.model);
        return std::string("names kernels of this build");
    });
    std::unique_ptr<engine::Model> model;
    if (!ready) {
        list.add({"model", State::skipped, "not loaded, because of what is invalid above"});
        return list;
    }
    ready = list.check("model", [&] {
        ProgressBar bar("loading", "MB", 1e-6);
        load.progress = [&](std::int64_t done, std::int64_t total) { bar.update(done, total); };
        model = engine::Model::load(model_path(o.model), load);
        return fmt::format("context of {} tokens, kernels proved", model->context());
    });
    if (ready) check_loaded(list, *model);
    return list;
}

bool is_ready(const Checklist& list) {
    for (const Item& i : list.items())
        if (i.state == State::invalid) return false;
    return true;
}

void print(const Checklist& list) {
    for (const Item& i : list.items())
        fmt::print("{:<14} {:<8} {}\n", i.what, state_names[static_cast<int>(i.state)], i.text);
    fmt::print("{}\n", is_ready(list) ? "ready" : "not ready");
}

Json to_json(const Checklist& list) {
    Json items = Json::array();
    for (const Item& i : list.items())
        items.push_back({{"what", i.what}, {"state", state_names[static_cast<int>(i.state)]}, {"text", i.text}});
    return {{"version", 1}, {"ready", is_ready(list)}, {"items", std::move(items)}};
}

}  // namespace

void add_check(CLI::App& app) {
    const auto o = std::make_shared<CheckCommand>();
    CLI::App* c = app.add_subcommand("check", "tell whether a model would run with these settings, and why not");
    add_model_options(*c, o->model);
    add_sampling_options(*c, o->sampling);
    add_template_options(*c, o->in_template);
    add_settings(*c, nullptr, &o->setting_trouble);
    c->add_flag("--json", o->json, "print an object with ready and items");
    c->callback([o] {
        const Checklist list = examine(*o);
        if (o->json)
            std::printf("%s\n", to_json(list).dump().c_str());
        else
            print(list);
        if (!is_ready(list)) throw CLI::RuntimeError(1);
    });
}

}  // namespace quern::app
