#include "text/toolcall/parser.h"

#include <utility>

#include "base/check.h"
#include "text/toolcall/body.h"
#include "text/toolcall/tail.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

std::string_view without_trailing_spaces(std::string_view s) {
    while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
    return s;
}

Start start_of_harmony(std::string_view tail) {
    if (tail.ends_with("<|channel|>analysis<|message|>")) return Start::thinking;
    if (tail.ends_with("<|message|>")) return Start::content;
    return tail.ends_with("<|start|>assistant") ? Start::header : Start::content;
}

}  // namespace

Start start_of_answer(ToolFormat format, const ThinkingMarkers& thinking, std::string_view prompt_tail) {
    const std::string_view tail = without_trailing_spaces(prompt_tail);
    if (format == ToolFormat::harmony) return start_of_harmony(tail);
    const std::string_view open = without_trailing_spaces(thinking.open);
    const std::string_view close = without_trailing_spaces(thinking.close);
    if (!close.empty() && tail.ends_with(close)) return Start::after_thinking;
    if (!open.empty() && tail.ends_with(open)) return Start::thinking;
    return Start::content;
}

struct Parser::Impl {
    explicit Impl(const ParserOptions& o)
        : output(o.deliver, o.max_call_bytes, o.tools,
                 o.format == ToolFormat::harmony ? harmony_markers() : markers_of(syntax(o.format))),
          flow(o.format == ToolFormat::harmony ? harmony_flow(o.start, output)
                                               : tag_flow(o.format, o.thinking, o.start, output)) {}

    // Whole characters only; what is none becomes U+FFFD.
    void read(std::string_view text) {
        while (!text.empty()) {
            const Utf8Step character = next_character(text);
            if (character.kind == Utf8::incomplete) {
                partial = text;
                return;
            }
            for (const char c : character.kind == Utf8::valid ? text.substr(0, character.bytes) : replacement_character)
                flow->step(c);
            text.remove_prefix(character.bytes);
        }
    }

    Output output;
    std::unique_ptr<Flow> flow;
    std::string partial;  // of a character
    bool finished = false;
};

Parser::Parser(const ParserOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Parser::Parser(Parser&&) noexcept = default;
Parser::~Parser() = default;

void Parser::feed(std::string_view bytes, std::vector<Event>& events) {
    CHECK(!impl_->finished);
    impl_->output.to(events);
    // At most four bytes of what is new complete a character; the rest need not be copied.
    while (!impl_->partial.empty() && !bytes.empty()) {
        std::string text = std::exchange(impl_->partial, {});
        text += bytes.front();
        bytes.remove_prefix(1);
        impl_->read(text);
    }
    impl_->read(bytes);
}

void Parser::finish(std::vector<Event>& events) {
    CHECK(!impl_->finished);
    impl_->output.to(events);
    if (!impl_->partial.empty())
        for (const char c : replacement_character) impl_->flow->step(c);
    impl_->flow->finish();
    impl_->finished = true;
}

void Parser::resume(std::string_view said) {
    std::vector<Event> already;
    feed(said, already);
}

std::vector<Event> parse(const ParserOptions& options, std::string_view text) {
    Parser parser(options);
    std::vector<Event> events;
    parser.feed(text, events);
    parser.finish(events);
    return events;
}

}  // namespace quern::text
