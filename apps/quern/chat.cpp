// quern chat: a conversation in the terminal. Lines come from lines.h; from a pipe, each line is a message.
#include <fmt/format.h>

#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "generate.h"
#include "lines.h"
#include "options.h"
#include "shown.h"
#include "terminal.h"
#include "text/template/conversation.h"

namespace quern::app {
namespace {

struct ChatOptions {
    ModelOptions model;
    SamplingOptions sampling;
    TemplateOptions chat_template;
    std::string system;
};

constexpr const char* help_text =
    "/help           this list\n"
    "/ctx            how much of the context is used\n"
    "/system TEXT    set the system message and begin anew; without TEXT, show it\n"
    "/save FILE      write messages, ids and settings as JSON\n"
    "/load FILE      go on from a file that /save has written\n"
    "/read FILE      send a file's content as your message\n"
    "/quit           leave (so does Ctrl-D)\n"
    "Ctrl-C stops an answer and keeps the conversation.\n";

// The assistant's turn as its template wants to see it again.
text::Message message_of(const text::Turn& turn) {
    Json m{{"role", "assistant"}, {"content", turn.content}};
    if (!turn.thinking.empty()) m["reasoning_content"] = turn.thinking;
    for (const text::Turn::Call& call : turn.calls)
        m["tool_calls"].push_back({{"type", "function"}, {"function", to_json(call)}});
    return text::Message(std::move(m));
}

class Chat {
public:
    Chat(const ChatOptions& o, engine::Model& model)
        : options_(o),
          model_(model),
          session_(model),
          conversation_(*model.tokenizer(), model.chat_template(), render_options(o.chat_template)),
          system_(o.system) {
        begin();
    }

    // One line; false when it says to leave.
    bool line(const std::string& text) {
        if (text.empty()) return true;
        if (text[0] != '/') return say(text), true;
        const std::size_t space = text.find(' ');
        const std::string command = text.substr(0, space),
                          rest = space == std::string::npos ? "" : text.substr(space + 1);
        if (command == "/quit") return false;
        if (command == "/help")
            std::printf("%s", help_text);
        else if (command == "/ctx")
            context();
        else if (command == "/system")
            system(rest);
        else if (command == "/save")
            save(need(command, rest));
        else if (command == "/load")
            load(need(command, rest));
        else if (command == "/read")
            say(read_text(need(command, rest)));
        else
            throw Error(Code::bad_request, "there is no command {}; /help lists them", command);
        return true;
    }

private:
    static const std::string& need(const std::string& command, const std::string& rest) {
        if (rest.empty()) throw Error(Code::bad_request, "{} needs the name of a file behind it", command);
        return rest;
    }

    void begin() {
        std::vector<text::Message> messages;
        if (!system_.empty()) messages.emplace_back("system", system_);
        conversation_.reset(std::move(messages));
    }

    void say(const std::string& text) {
        const InterruptGuard interrupt;
        conversation_.add({"user", text});
        GenerateOptions g;
        g.sampler = sampler_options(options_.sampling);
        g.max_tokens = options_.sampling.max_tokens;
        g.stops = model_.chat_template().used_with(render_options(options_.chat_template)).stop_tokens();
        g.interrupted = [&] { return interrupt.interrupted(); };
        g.controls = text::Controls::show;
        Answer a;
        std::optional<text::Turn> turn;
        try {
            const std::vector<std::int32_t> prompt = conversation_.prompt();
            const AnswerForm form = answer_form(model_, prompt, render_options(options_.chat_template));
            Shown shown(&form, Shown::As::text);
            g.on_token = [&](std::int32_t id, const std::string& piece, std::span<const float>) {
                shown.token(id, piece);
            };
            a = generate(model_, session_, prompt, g);
            turn = shown.finish();
        } catch (...) {
            conversation_.pop();  // what was not answered was not said
            throw;
        }
        std::printf("\n");
        std::fflush(stdout);
        if (a.ids.empty() && a.ending == Ending::interrupted) {
            conversation_.pop();
            std::fprintf(stderr, "stopped before an answer began; your message is taken back\n");
            return;
        }
        conversation_.add_answer(message_of(*turn), a.ids);
        std::fprintf(stderr, "%s%s\n", a.timing().c_str(),
                     a.ending == Ending::interrupted ? "; stopped"
                     : a.ending == Ending::context   ? "; the context is full"
                                                     : "");
    }

    void context() const {
        const std::size_t used = conversation_.prompt().size();
        std::printf(
            "%zu of %lld tokens are used (%.1f %%), %zu messages\n", used, static_cast<long long>(model_.context()),
            100.0 * static_cast<double>(used) / static_cast<double>(model_.context()), conversation_.messages().size());
    }

    void system(const std::string& text) {
        if (text.empty()) {
            std::printf("%s\n", system_.empty() ? "(no system message)" : system_.c_str());
            return;
        }
        system_ = text;
        begin();
        std::printf("The conversation begins anew with this system message.\n");
    }

    // As a person would write it: 0.95, not the nearest float's 0.949999988079071.
    static double written(float f) { return std::stod(fmt::format("{}", f)); }

    void save(const std::string& file) const {
        Json messages = Json::array();
        for (const text::Message& m : conversation_.messages()) messages.push_back(m.json());
        check_output(file);
        const SamplerOptions s = with_fallback(options_.sampling.sampler, sampler_defaults());
        Json settings{{"temperature", written(*s.temperature)},
                      {"top_k", *s.top_k},
                      {"top_p", written(*s.top_p)},
                      {"min_p", written(*s.min_p)},
                      {"typical_p", written(*s.typical_p)},
                      {"repeat_penalty", written(*s.repeat_penalty)},
                      {"presence_penalty", written(*s.presence_penalty)},
                      {"frequency_penalty", written(*s.frequency_penalty)},
                      {"penalty_last_n", *s.penalty_last_n},
                      {"seed", s.seed ? Json(*s.seed) : Json(nullptr)},
                      {"tokens", options_.sampling.max_tokens},
                      {"context", model_.context()},
                      {"kv_type", options_.model.kv_type}};
        const Json j{{"quern_chat", 1},
                     {"model", model_path(options_.model).filename().string()},
                     {"messages", std::move(messages)},
                     {"ids", conversation_.ids()},
                     {"settings", std::move(settings)}};
        write_file(file, j.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
        std::printf("saved %zu messages to %s\n", conversation_.messages().size(), file.c_str());
    }

    void load(const std::string& file) {
        const Json j = parse_json(read_text(file), file);
        try {
            if (j.value("quern_chat", 0) != 1)
                throw Error(Code::bad_file, "{}: it is no conversation that /save has written (quern_chat is not 1)",
                            file);
            std::vector<text::Message> messages;
            for (const Json& m : j.at("messages")) messages.emplace_back(m);
            std::vector<std::int32_t> ids;
            for (const Json& id : j.at("ids")) {
                if (!id.is_number_integer() || id < 0 || id > std::numeric_limits<std::int32_t>::max())
                    throw Error(Code::bad_file, "{}: its ids hold {}, which is no token id", file, id.dump());
                ids.push_back(id.get<std::int32_t>());
            }
            conversation_.restore(messages, std::move(ids));
            system_ = !messages.empty() && messages[0].role() == "system" ? messages[0].text() : "";
        } catch (const Json::exception& e) {
            throw Error(Code::bad_file, "{}: it is no conversation that /save has written ({})", file, e.what());
        }
        std::printf("loaded %zu messages\n", conversation_.messages().size());
    }

    const ChatOptions& options_;
    engine::Model& model_;
    engine::Session session_;
    text::Conversation conversation_;
    std::string system_;
};

void chat(const ChatOptions& o) {
    sampler_options(o.sampling);  // its mistakes, before anything is loaded
    const std::unique_ptr<engine::Model> model = load_model(o.model);
    model->chat_template();  // the reason why it cannot chat, before anybody types
    Chat chat(o, *model);
    LineReader lines;
    // Also between a line and its answer, where Ctrl-C would end the program and with it the conversation.
    std::optional<InterruptGuard> interrupt;
    if (lines.terminal()) interrupt.emplace();
    if (lines.terminal())
        std::printf("%s, context %lld tokens. /help lists commands.\n", model_path(o.model).filename().c_str(),
                    static_cast<long long>(model->context()));
    while (const std::optional<std::string> line = lines.next()) {
        try {
            if (!chat.line(*line)) return;
        } catch (const Error& e) {
            std::fflush(stdout);
            std::fprintf(stderr, "quern: %s\n", e.what());
        }
        std::fflush(stdout);
    }
}

}  // namespace

void add_chat(CLI::App& app) {
    const auto o = std::make_shared<ChatOptions>();
    CLI::App* c = app.add_subcommand("chat", "talk with a model");
    c->add_option("--system", o->system, "system message");
    add_model_options(*c, o->model);
    add_template_options(*c, o->chat_template);
    add_sampling_options(*c, o->sampling);
    c->callback([o] { chat(*o); });
}

}  // namespace quern::app
