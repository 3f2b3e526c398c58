// What is known of model families beyond what their templates say: where system messages may stand, how thinking is
// switched, which markers surround it, how tool calls are written, which tokens end an answer. One table, one row per
// family, recognised by what its template contains; the rendering itself is always the template's.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "text/toolcall/format.h"

namespace quern::text {

enum class SystemPlace {
    anywhere,  // the template writes each where it stands, or gathers them itself
    first,     // only the first message may be one: later ones would be refused, ignored, or replace it
    nowhere,   // the template refuses system messages: their text goes in front of the first user's
};

// When a model thinks before it answers.
enum class Thinks {
    never,
    unless_told,  // the switch turns it off
    if_told,      // the switch turns it on
    always,       // there is no switch, or it only changes how much
};

struct ChatFacts {
    std::string_view family;                     // "qwen3"
    std::array<std::string_view, 3> recognised;  // the template contains all of these
    SystemPlace systems = SystemPlace::anywhere;
    Thinks thinks = Thinks::never;
    std::string_view think_variable;  // "enable_thinking", "thinking": true or false; "thinking_budget": 0 is off
    std::string_view think_open, think_close;
    ToolFormat tools = ToolFormat::none;
    std::array<std::string_view, 3> stops;  // tokens; the first closes a turn and must be in the vocabulary
};

std::span<const ChatFacts> chat_facts();
// The first row that a template matches; the last row, "unknown", matches all.
const ChatFacts& find_chat_facts(std::string_view source);

}  // namespace quern::text
