// quern template: what a chat template makes of a conversation.
#include <CLI/Option.hpp>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "command.h"
#include "options.h"
#include "terminal.h"

namespace quern::app {
namespace {

struct RenderCommand {
    ModelOptions model;
    TemplateOptions chat;
    std::string template_file, messages_file;
    std::optional<std::string> bos, eos, now;
    std::vector<std::string> variables;
    bool json = false, no_prompt = false;
};

std::tm time_of(const std::string& text) {
    for (const char* form : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"}) {
        std::tm out{};
        const char* end = strptime(text.c_str(), form, &out);
        if (end && *end == '\0') return out;
    }
    throw CLI::ValidationError("--now",
                               "expected a date as in 2025-07-26 or 2025-07-26T13:05:09, found '" + text + "'");
}

text::ChatTemplate chosen(const RenderCommand& o, const text::RenderOptions& options) {
    if (!o.template_file.empty())
        return {read_text(o.template_file, 1 << 26), text::ChatTemplate::Tokens{o.bos, o.eos}};
    const gguf::File file = gguf::File::open(model_path(o.model));
    const auto tokenizer = text::Tokenizer::from_gguf(file.metadata());
    const auto own = text::find_chat_template(file.metadata(), *tokenizer);
    if (!o.bos && !o.eos) return std::move(*own);
    const text::ChatTemplate& used = own->used_with(options);
    text::ChatTemplate::Tokens tokens = used.tokens();
    if (o.bos) tokens.bos = o.bos;
    if (o.eos) tokens.eos = o.eos;
    return {used.source(), std::move(tokens)};
}

// A list of messages, or an object with "messages" and whatever else the template is told.
std::vector<text::Message> read_messages(const RenderCommand& o, text::RenderOptions& options) {
    Json all = parse_json(read_text(o.messages_file), o.messages_file);
    auto variables = std::make_shared<Json>(Json::object());
    if (all.is_object()) {
        for (auto& [name, value] : all.items()) {
            if (name == "tools" && !options.tools && value.is_array())
                options.tools = std::make_shared<const Json>(value);
            else if (name != "messages" && name != "tools")
                (*variables)[name] = value;
        }
        all = Json(all.contains("messages") ? all["messages"] : Json());
    }
    if (!all.is_array()) throw Error(Code::bad_file, "{}: expected a list of messages", o.messages_file);
    for (const std::string& v : o.variables) {
        const std::size_t at = v.find('=');
        if (at == 0 || at == std::string::npos)
            throw CLI::ValidationError("--var", "expected NAME=JSON, as in thinking=true, found '" + v + "'");
        (*variables)[v.substr(0, at)] = parse_json(std::string_view(v).substr(at + 1), "--var");
    }
    options.variables = std::move(variables);
    std::vector<text::Message> messages;
    for (Json& m : all) messages.emplace_back(std::move(m));
    return messages;
}

void print_json(const text::Rendering& r, const text::ChatFacts& facts) {
    Json segments = Json::array();
    for (const text::Segment& s : r.segments)
        segments.push_back({{"control", s.kind == text::Segment::Kind::control}, {"text", s.text}});
    const Json j{{"family", facts.family}, {"segments", std::move(segments)}, {"notes", r.notes}};
    put(j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void render(const RenderCommand& o) {
    text::RenderOptions options = render_options(o.chat);
    if (o.now) options.now = time_of(*o.now);
    const std::vector<text::Message> messages = read_messages(o, options);
    const text::ChatTemplate chat = chosen(o, options);
    const text::Rendering r =
        chat.render(messages, o.no_prompt ? text::GenerationPrompt::omit : text::GenerationPrompt::add, options);
    if (o.json) return print_json(r, chat.used_with(options).facts());
    put(r.text());
    for (const std::string& note : r.notes) std::fprintf(stderr, "quern: %s\n", note.c_str());
}

}  // namespace

void add_template(CLI::App& app) {
    const auto o = std::make_shared<RenderCommand>();
    CLI::App* c = app.add_subcommand("template", "show what a chat template makes of a conversation");
    add_model_path(*c, o->model);
    c->add_option("--template", o->template_file, "a Jinja file instead of the model's own template");
    c->add_option("--messages", o->messages_file,
                  "JSON file: a list of messages, or an object with messages, tools and other variables")
        ->required();
    add_template_options(*c, o->chat);
    c->add_option("--var", o->variables, "NAME=JSON, a variable for the template; may be repeated")
        ->type_name("NAME=JSON")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    c->add_option("--bos", o->bos, "the text of the begin token (default: the model's)");
    c->add_option("--eos", o->eos, "the text of the end token (default: the model's)");
    c->add_option("--now", o->now, "the date that the template is told, as in 2025-07-26T13:05:09 (default: now)");
    c->add_flag("--no-generation-prompt", o->no_prompt, "end with the last message");
    c->add_flag("--json", o->json, "print an object with the segments; only control segments can hold control tokens");
    c->callback([o] { render(*o); });
}

}  // namespace quern::app
