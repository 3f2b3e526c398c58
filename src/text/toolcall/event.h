// What a model said, as a stream of events in the order of the text. A call is call_start, call_id (if the notation has
// one), call_name, any number of arguments_delta and call_end; the deltas of one call add up to one JSON object.
// A call that has begun and turns out to be none is taken back with call_dropped: it must not be made, and what it
// consisted of follows as content. Every note is one sentence about something that was repaired, dropped or odd.
#pragma once

#include <string>
#include <vector>

namespace quern::text {

struct Event {
    enum class Kind {
        thinking_delta,
        content_delta,
        call_start,
        call_id,
        call_name,
        arguments_delta,
        call_end,
        call_dropped,
        note,
    };
    Kind kind = Kind::content_delta;
    int call = -1;     // which call, counted from 0 over the whole turn; -1 for what belongs to none
    std::string text;  // the delta, name, id or sentence
    bool operator==(const Event&) const = default;
};

// Appends, joining a delta to the one before it where both continue the same thing.
void append_event(std::vector<Event>& events, Event event);

// A whole turn, made of its events: what an answer that is not streamed contains.
struct Turn {
    struct Call {
        std::string id;
        std::string name;
        std::string arguments;
        bool operator==(const Call&) const = default;
    };
    std::string thinking;
    std::string content;
    std::vector<Call> calls;  // those that ended; dropped ones are left out
    std::vector<std::string> notes;
    bool operator==(const Turn&) const = default;
};
Turn collect(const std::vector<Event>& events);

}  // namespace quern::text
