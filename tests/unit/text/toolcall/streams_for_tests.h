// Streams of events: how they are made from a text in pieces, and what is wrong with one. For the tests and the fuzzer.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/toolcall/parser.h"
#include "text/toolcall/syntax.h"
#include "text/utf8.h"

namespace quern::text {

// Deltas joined across pieces, so that streams can be compared.
inline std::vector<Event> joined(const std::vector<Event>& events) {
    std::vector<Event> out;
    for (const Event& e : events) append_event(out, e);
    return out;
}

using Splits = std::vector<std::size_t>;  // lengths of the pieces; the last piece is what remains

// As the pieces gave them.
inline std::vector<Event> stream(const ParserOptions& options, std::string_view text, const Splits& splits) {
    Parser parser(options);
    std::vector<Event> all;
    const auto feed = [&](std::string_view piece) {
        std::vector<Event> events;
        parser.feed(piece, events);
        all.insert(all.end(), events.begin(), events.end());
    };
    for (const std::size_t length : splits) {
        feed(text.substr(0, length));
        text.remove_prefix(std::min(length, text.size()));
    }
    feed(text);
    std::vector<Event> events;
    parser.finish(events);
    all.insert(all.end(), events.begin(), events.end());
    return all;
}

inline bool is_readable_object(const std::string& json) {
    try {
        return parse_json(json, "arguments").is_object();
    } catch (const Error&) {
        return false;
    }
}

// Where a stream of events is not what event.h says, or content holds an opener of the notation; empty if all is well.
inline std::string fault(const std::vector<Event>& events, ToolFormat format) {
    using Kind = Event::Kind;
    int next = 0;
    enum { outside, started, named } state = outside;
    std::string arguments;
    for (const Event& e : events) {
        const bool prose = e.kind == Kind::thinking_delta || e.kind == Kind::content_delta;
        if (valid_prefix(e.text) != e.text.size()) return "half a character: " + e.text;
        if (prose && state != outside) return "prose in a call";
        if (e.call != (prose || e.kind == Kind::note ? -1 : next)) return "the wrong number of a call";
        switch (e.kind) {
            case Kind::thinking_delta:
            case Kind::note:
                break;
            case Kind::content_delta:
                for (const Markers& markers : {syntax(format).openers, syntax(format).call_openers})
                    for (const std::string_view m : markers)
                        if (!m.empty() && e.text.find(m) != e.text.npos) return "an opener in content: " + e.text;
                break;
            case Kind::call_start:
                if (state != outside) return "a call in a call";
                state = started;
                arguments.clear();
                break;
            case Kind::call_id:
                if (state != started || e.text.empty()) return "an id out of place";
                break;
            case Kind::call_name:
                if (state != started || e.text.empty()) return "a name out of place";
                state = named;
                break;
            case Kind::arguments_delta:
                if (state != named) return "arguments out of place";
                arguments += e.text;
                break;
            case Kind::call_end:
            case Kind::call_dropped:
                if (state != named) return "an end out of place";
                if (e.kind == Kind::call_end && !is_readable_object(arguments))
                    return "arguments that are no JSON object: " + arguments;
                state = outside;
                ++next;
                break;
        }
    }
    return state == outside ? "" : "a call without an end";
}

}  // namespace quern::text
