#include "text/toolcall/event.h"

#include <utility>

namespace quern::text {
namespace {

bool is_delta(Event::Kind kind) {
    return kind == Event::Kind::thinking_delta || kind == Event::Kind::content_delta ||
           kind == Event::Kind::arguments_delta;
}

}  // namespace

void append_event(std::vector<Event>& events, Event event) {
    if (is_delta(event.kind)) {
        if (event.text.empty()) return;
        if (!events.empty() && events.back().kind == event.kind && events.back().call == event.call) {
            events.back().text += event.text;
            return;
        }
    }
    events.push_back(std::move(event));
}

Turn collect(const std::vector<Event>& events) {
    Turn turn;
    Turn::Call open;
    for (const Event& e : events) {
        switch (e.kind) {
            case Event::Kind::thinking_delta:
                turn.thinking += e.text;
                break;
            case Event::Kind::content_delta:
                turn.content += e.text;
                break;
            case Event::Kind::call_start:
                open = {};
                break;
            case Event::Kind::call_id:
                open.id = e.text;
                break;
            case Event::Kind::call_name:
                open.name = e.text;
                break;
            case Event::Kind::arguments_delta:
                open.arguments += e.text;
                break;
            case Event::Kind::call_end:
                turn.calls.push_back(std::exchange(open, {}));
                break;
            case Event::Kind::call_dropped:
                open = {};
                break;
            case Event::Kind::note:
                turn.notes.push_back(e.text);
                break;
        }
    }
    return turn;
}

}  // namespace quern::text
