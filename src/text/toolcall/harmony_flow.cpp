// gpt-oss: a turn is messages, each with a header that says its channel and, for a call, its recipient:
//     <|start|>assistant<|channel|>analysis<|message|>...<|end|>
//     <|start|>assistant<|channel|>commentary to=functions.NAME <|constrain|>json<|message|>{...}<|call|>
// The recipient may also stand before the channel. Analysis is thinking, all else that has no recipient is content.
#include <utility>

#include "text/toolcall/body.h"
#include "text/toolcall/flow.h"
#include "text/toolcall/matcher.h"
#include "text/toolcall/value.h"

namespace quern::text {
namespace {

enum Marker { start, channel, constrain, message, end, call, return_ };
constexpr std::string_view markers[] = {"<|start|>", "<|channel|>", "<|constrain|>", "<|message|>",
                                        "<|end|>",   "<|call|>",    "<|return|>"};

// The word after `what`, up to a space or a marker; empty if it is not there.
std::string_view word_after(std::string_view header, std::string_view what) {
    const std::size_t at = header.find(what);
    if (at == header.npos) return {};
    const std::string_view rest = trimmed(header.substr(at + what.size()));
    return rest.substr(0, rest.find_first_of(" \t\r\n<"));
}

class HarmonyFlow final : public Flow {
public:
    HarmonyFlow(Start begin, Output& output) : out_(output), matcher_(markers) {
        if (begin == Start::header) state_ = State::header;
        if (begin == Start::thinking) state_ = State::thinking;
        if (begin == Start::content) state_ = State::content;
    }

    void step(char c) override {
        std::string plain;
        const int m = matcher_.step(c, plain);
        write(plain);
        if (m != Matcher::no_marker) marked(m);
    }

    void finish() override {
        write(matcher_.take());
        end_message();
        out_.end_of_text();
    }

private:
    enum class State { between, header, thinking, content, before_arguments, arguments, after_arguments };

    void write(std::string_view text) {
        while (!text.empty()) {
            if (state_ == State::thinking) return out_.thinking(text);
            if (state_ == State::content) return out_.content(text);
            byte(text.front());
            text.remove_prefix(1);
        }
    }

    void byte(char c) {
        switch (state_) {
            case State::header:
                if (header_.size() >= max_header_bytes && !inside_character(c)) {
                    header_is_text();
                    return out_.content({&c, 1});
                }
                header_ += c;
                return;
            case State::arguments:
                arguments(c);
                return;
            case State::before_arguments:
                if (is_space(c)) return;
                begin_arguments(c);
                return;
            case State::after_arguments:
                if (is_space(c) || c == '}' || c == ']') return;
                break;
            case State::between:
                if (is_space(c)) return;
                break;
            case State::thinking:
            case State::content:
                break;
        }
        out_.new_content();
        state_ = State::content;
        out_.content({&c, 1});
    }

    void marked(int m) {
        const bool in_header = state_ == State::header;
        if (state_ == State::arguments && reader_.in_string()) {  // there a marker is what the string says
            write(markers[m]);
            return;
        }
        if ((m == channel || m == constrain) && in_header) {
            header_ += markers[m];
        } else if (m == message && in_header) {
            begin_message();
        } else if (m == start || m == channel) {
            end_message();
            header_ = m == channel ? markers[m] : std::string_view();
            state_ = State::header;
        } else if (m == end || m == call || m == return_) {
            end_message();
        } else {
            out_.note("a marker in the wrong place was left out: " + std::string(markers[m]));
            out_.left_out();
        }
    }

    void begin_message() {
        const std::string header = std::exchange(header_, {});
        const bool analysis = word_after(header, markers[channel]) == "analysis";
        std::string_view recipient = word_after(header, "to=");
        if (recipient.starts_with("functions.")) recipient.remove_prefix(10);
        aside_ = analysis ? State::thinking : State::content;
        if (is_tool_name(recipient) && recipient != "user" && recipient != "assistant") {
            recipient_ = recipient;
            state_ = State::before_arguments;
            return;
        }
        begin_aside();
    }

    void begin_aside() {
        state_ = aside_;
        if (aside_ == State::content) out_.new_content();
    }

    void begin_arguments(char c) {
        if (c != '{') {
            out_.note("a tool call without a JSON object is given as text");
            begin_aside();
            write({&c, 1});
            return;
        }
        out_.begin_calls({});
        out_.begin_call(recipient_, {});
        reader_.reset();
        state_ = State::arguments;
        arguments(c);
    }

    void arguments(char c) {
        std::string json;
        const bool too_long = out_.kept_too_much() && !inside_character(c);
        const ValueReader::Step step = too_long ? ValueReader::Step::broken : reader_.step(c, json);
        out_.arguments(json);
        if (step == ValueReader::Step::done) {
            out_.end_call();
            state_ = State::after_arguments;
        } else if (step == ValueReader::Step::more) {
            out_.keep(c);
        } else {
            break_off("a tool call could not be read, so it is given as text");
            out_.content({&c, 1});
        }
    }

    void end_message() {
        switch (state_) {
            case State::header:
                header_ends();
                break;
            case State::thinking:
                out_.end_thinking();
                break;
            case State::before_arguments:
                out_.note("a tool call without arguments was left out");
                break;
            case State::arguments: {
                const auto closing = reader_.closing();
                if (!closing) {
                    break_off("the text ended inside a tool call, so it is given as text");
                    break;
                }
                out_.arguments(*closing);
                out_.end_call();
                break;
            }
            case State::after_arguments:
            case State::content:
            case State::between:
                break;
        }
        state_ = State::between;
    }

    // What was kept had whole markers only, so its end begins none.
    void break_off(std::string_view sentence) {
        out_.content(out_.break_off(sentence));
        state_ = State::content;
    }

    // A header without an end: a role and nothing else, or words of a model that forgot the notation.
    void header_ends() {
        const std::string header = std::exchange(header_, {});
        if (header.find("<|") == header.npos && trimmed(header) != "assistant") out_.content(header);
    }

    void header_is_text() {
        out_.begin_calls({});
        for (const char c : std::exchange(header_, {})) out_.keep(c);
        break_off("a message had no end of its header, so the header is given as text");
    }

    Output& out_;
    Matcher matcher_;
    State state_ = State::between;
    State aside_ = State::content;  // what the message is if it is no call
    std::string header_, recipient_;
    ValueReader reader_{Dialect::json};
};

}  // namespace

std::vector<std::string_view> harmony_markers() { return {std::begin(markers), std::end(markers)}; }

std::unique_ptr<Flow> harmony_flow(Start start, Output& output) { return std::make_unique<HarmonyFlow>(start, output); }

}  // namespace quern::text
