#include "shown.h"

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/env.h"
#include "terminal.h"

namespace quern::app {

using Kind = text::Event::Kind;

void print_event(const Json& event) { put(event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"); }

Json to_json(const text::Turn::Call& call) {
    return {{"name", call.name}, {"arguments", parse_json(call.arguments, "a tool call's arguments")}};
}

Shown::Shown(const AnswerForm* form, As as)
    : json_(as == As::events), dim_(isatty(2) == 1 && !environment("NO_COLOR")) {
    if (form) parser_.emplace(answer_parser(*form));
}

void Shown::token(std::int32_t id, const std::string& text) {
    if (json_) print_event({{"event", "token"}, {"id", id}, {"text", text}});
    if (!parser_) {
        if (!json_) put(text);
        return;
    }
    std::vector<text::Event> events;
    parser_->feed(text, events);
    for (const text::Event& e : events) show(e);
}

std::optional<text::Turn> Shown::finish() {
    if (!parser_) return std::nullopt;
    std::vector<text::Event> events;
    parser_->finish(events);
    for (const text::Event& e : events) show(e);
    thinking(false);
    return text::collect(all_);
}

void Shown::show(const text::Event& e) {
    text::append_event(all_, e);
    const bool thought = e.kind == Kind::thinking_delta, content = e.kind == Kind::content_delta;
    if (!thought && !content && e.kind != Kind::note) return call(e);
    if (json_) return print_event({{"event", thought ? "thinking" : content ? "content" : "note"}, {"text", e.text}});
    thinking(thought);
    if (content) return put(e.text);
    std::fprintf(stderr, thought ? "%s" : "quern: %s\n", e.text.c_str());
    std::fflush(stderr);
}

// Calls come whole (Deliver::when_complete).
void Shown::call(const text::Event& e) {
    if (e.kind == Kind::call_start) call_ = {};
    if (e.kind == Kind::call_id) call_.id = e.text;
    if (e.kind == Kind::call_name) call_.name = e.text;
    if (e.kind == Kind::arguments_delta) call_.arguments += e.text;
    if (e.kind != Kind::call_end) return;
    thinking(false);
    Json line = to_json(call_);
    if (json_) line.emplace("event", "tool_call");
    print_event(line);
}

void Shown::thinking(bool on) {
    if (on == thinking_) return;
    thinking_ = on;
    if (dim_) std::fputs(on ? "\033[2m" : "\033[0m", stderr);
    if (!on) std::fputs("\n", stderr);
}

}  // namespace quern::app
