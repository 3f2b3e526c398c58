// What a model says, read as it says it: text in, events out (event.h). The parser is total: any bytes, in pieces of
// any size, give events and never an error, in time linear in the text and in memory that does not grow with it; and
// how the text was cut into pieces makes no difference to what the events add up to. The text comes from the
// detokenizer with control tokens shown; tokens that end the turn are not part of it. Knows no protocol, no template,
// no tokens.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/toolcall/event.h"
#include "text/toolcall/flow.h"
#include "text/toolcall/format.h"
#include "text/toolcall/output.h"
#include "text/toolcall/tools.h"

namespace quern::text {

// Where the answer to a prompt begins, from the prompt's own end: whether its last marker opens or closes thinking, or
// is a Harmony header. Only the end is looked at, never what stands before: the conversation may speak of markers.
Start start_of_answer(ToolFormat format, const ThinkingMarkers& thinking, std::string_view prompt_tail);

struct ParserOptions {
    ToolFormat format = ToolFormat::none;
    ThinkingMarkers thinking{};
    Start start = Start::content;
    Deliver deliver = Deliver::as_written;
    // Those that were offered; null: any name may be called, and parameters may be of any type. Must outlive the
    // parser.
    const ToolTypes* tools = nullptr;
    // The text of one call may be this long; beyond it is given as text. It bounds the parser's memory.
    std::size_t max_call_bytes = std::size_t{8} << 20;
};

class Parser {
public:
    explicit Parser(const ParserOptions& options);
    Parser(Parser&&) noexcept;
    ~Parser();

    // Appends the events that these bytes decide. Everything is given at once but what may become a marker, and half a
    // character.
    void feed(std::string_view bytes, std::vector<Event>& events);
    // The text is over: the rest of the events. Nothing may be fed afterwards.
    void finish(std::vector<Event>& events);

    // Goes on from a turn of which this much is already said and shown: its events are not given again.
    void resume(std::string_view said);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// A whole text at once.
std::vector<Event> parse(const ParserOptions& options, std::string_view text);

}  // namespace quern::text
