// quern chat: a conversation in the terminal. Lines are edited with libedit and remembered in $QUERN_HOME/chat_history;
// from a pipe, each line is a message.
#include <editline/readline.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/env.h"
#include "base/error.h"
#include "base/json.h"
#include "command.h"
#include "generate.h"
#include "options.h"
#include "terminal.h"
#include "text/template/conversation.h"

namespace quern::app {
namespace {

struct ChatOptions {
    ModelOptions model;
    SamplingOptions sampling;
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

// Lines from a person, with editing and history, or from a pipe.
class LineReader {
public:
    LineReader() : terminal_(isatty(0) == 1 && isatty(1) == 1) {
        if (!terminal_) return;
        using_history();
        const Path home = quern_home();
        std::error_code failed;
        if (!home.empty()) std::filesystem::create_directories(home, failed);
        if (!home.empty() && !failed) history_ = (home / "chat_history").string();
        if (!history_.empty()) read_history(history_.c_str());
    }
    ~LineReader() {
        if (!history_.empty()) write_history(history_.c_str());
    }
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;
    bool terminal() const { return terminal_; }

    std::optional<std::string> next() {
        std::string line;
        if (!terminal_) return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
        char* text = readline("> ");
        if (!text) return std::nullopt;
        line = text;
        std::free(text);
        if (!line.empty()) add_history(line.c_str());
        return line;
    }

private:
    const bool terminal_;
    std::string history_;
};

class Chat {
public:
    Chat(const ChatOptions& o, engine::Model& model)
        : options_(o),
          model_(model),
          session_(model),
          conversation_(*model.tokenizer(), model.chat_template()),
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
        if (!system_.empty()) messages.push_back({"system", system_});
        conversation_.reset(std::move(messages));
    }

    void say(const std::string& text) {
        const InterruptGuard interrupt;
        conversation_.add({"user", text});
        GenerateOptions g;
        g.sampler = sampler_options(options_.sampling);
        g.max_tokens = options_.sampling.max_tokens;
        g.stops = model_.chat_template().stop_tokens();
        g.interrupted = [&] { return interrupt.interrupted(); };
        g.on_token = [](std::int32_t, const std::string& piece, std::span<const float>) {
            std::fwrite(piece.data(), 1, piece.size(), stdout);
            std::fflush(stdout);
        };
        Answer a;
        try {
            a = generate(model_, session_, conversation_.prompt(), g);
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
        conversation_.add_answer(a.text, a.ids);
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

    void save(const std::string& file) const {
        Json messages = Json::array();
        for (const text::Message& m : conversation_.messages())
            messages.push_back({{"role", m.role}, {"content", m.content}});
        const SamplerOptions s = with_fallback(options_.sampling.sampler, sampler_defaults());
        Json settings{{"temperature", *s.temperature},
                      {"top_k", *s.top_k},
                      {"top_p", *s.top_p},
                      {"min_p", *s.min_p},
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
            for (const Json& m : j.at("messages"))
                messages.push_back({m.at("role").get<std::string>(), m.at("content").get<std::string>()});
            conversation_.restore(messages, j.at("ids").get<std::vector<std::int32_t>>());
            system_ = !messages.empty() && messages[0].role == "system" ? messages[0].content : "";
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
    const std::unique_ptr<engine::Model> model = load_model(o.model);
    model->chat_template();  // the reason why it cannot chat, before anybody types
    Chat chat(o, *model);
    LineReader lines;
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
    add_sampling_options(*c, o->sampling);
    c->callback([o] { chat(*o); });
}

}  // namespace quern::app
