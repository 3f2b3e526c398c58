// How a whole turn is divided into thinking, content and calls. Most notations mark what is not content (tag_flow);
// Harmony says before each message what it is (harmony_flow). The text comes byte by byte and is valid UTF-8.
#pragma once

#include <memory>
#include <string>

#include "text/toolcall/format.h"
#include "text/toolcall/output.h"

namespace quern::text {

// Where in a turn the text begins; what the prompt ends with says so (parser.h).
enum class Start {
    content,         // the model's words come next
    thinking,        // inside thinking
    after_thinking,  // thinking is over, or was switched off
    header           // Harmony: inside a message's header
};

class Flow {
public:
    virtual ~Flow() = default;
    virtual void step(char c) = 0;
    virtual void finish() = 0;
};

// The output must outlive the flow.
std::unique_ptr<Flow> tag_flow(ToolFormat format, const ThinkingMarkers& thinking, Start start, Output& output);
std::unique_ptr<Flow> harmony_flow(Start start, Output& output);

// All markup that a text can contain, for leaving it out of text.
std::vector<std::string_view> harmony_markers();

}  // namespace quern::text
