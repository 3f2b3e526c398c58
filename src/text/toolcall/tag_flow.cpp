#include <algorithm>
#include <utility>
#include <vector>

#include "text/toolcall/body.h"
#include "text/toolcall/flow.h"
#include "text/toolcall/matcher.h"
#include "text/toolcall/tail.h"

namespace quern::text {
namespace {

constexpr std::string_view broken = "a tool call could not be read, so it is given as text";
constexpr std::string_view unfinished = "the text ended inside a tool call, so it is given as text";
constexpr std::string_view too_long = "a tool call was too long, so it is given as text";

class TagFlow final : public Flow {
public:
    TagFlow(ToolFormat format, const ThinkingMarkers& thinking, Start start, Output& output)
        : syntax_(syntax(format)),
          thinking_(thinking),
          out_(output),
          markers_(content_markers()),
          content_(markers_),
          inside_thinking_(markers_) {
        if (start == Start::thinking) mode_ = Mode::thinking;
        if (start == Start::after_thinking) out_.end_thinking();
    }

    void step(char c) override {
        unread_.push_back(c);
        read();
    }

    void read() {
        while (!unread_.empty()) {
            const char next = unread_.back();
            unread_.pop_back();
            if (mode_ == Mode::body)
                body(next);
            else
                prose(next);
        }
    }

    void finish() override {
        if (mode_ == Mode::body) {
            if (body_->finish())
                end_body();
            else
                break_off(bare_ && !out_.in_call() ? std::string_view() : unfinished);
            read();
        }
        write(matcher().take());
        if (mode_ == Mode::thinking && call_in_thinking_)
            out_.note("the text ended inside thinking; what looks like a tool call there is none");
        out_.end_of_text();
    }

private:
    enum class Mode { content, thinking, body };
    enum class Mark { opener, closer, ignored, answer_open, answer_close, think, end_think };

    std::vector<std::string_view> content_markers() {
        std::vector<std::string_view> out;
        const auto add = [&](std::string_view marker, Mark mark) {
            if (marker.empty() || std::find(out.begin(), out.end(), marker) != out.end()) return;
            out.push_back(marker);
            marks_.push_back(mark);
        };
        for (const std::string_view m : syntax_.openers) add(m, Mark::opener);
        for (const std::string_view m : syntax_.call_openers) add(m, Mark::opener);
        for (const std::string_view m : syntax_.closers) add(m, Mark::closer);
        for (const std::string_view m : syntax_.ignored) add(m, Mark::ignored);
        add(syntax_.answer_open, Mark::answer_open);
        add(syntax_.answer_close, Mark::answer_close);
        add(thinking_.open, Mark::think);
        add(thinking_.close, Mark::end_think);
        return out;
    }

    Matcher& matcher() { return mode_ == Mode::thinking ? inside_thinking_ : content_; }

    void write(std::string_view text) {
        if (mode_ == Mode::thinking)
            out_.thinking(text);
        else
            out_.content(text);
    }

    void prose(char c) {
        const bool bare = mode_ == Mode::content && c == syntax_.bare_opener && c != 0;
        if (bare && content_.held().empty() && out_.at_beginning()) {
            begin_body({});
            body(c);
            return;
        }
        std::string plain;
        const int m = matcher().step(c, plain);
        write(plain);
        if (m != Matcher::no_marker) marked(static_cast<std::size_t>(m));
    }

    void marked(std::size_t m) {
        if (mode_ == Mode::thinking) {
            if (marks_[m] == Mark::end_think) {
                mode_ = Mode::content;
                out_.end_thinking();
                return;
            }
            call_in_thinking_ = call_in_thinking_ || marks_[m] == Mark::opener;
            write(markers_[m]);
            return;
        }
        switch (marks_[m]) {
            case Mark::opener:
                begin_body(markers_[m]);
                return;
            case Mark::think:
                if (!out_.at_beginning()) break;
                mode_ = Mode::thinking;
                return;
            case Mark::answer_open:
                if (!out_.at_beginning() || !out_.thought()) break;
                answer_ = true;
                return;
            case Mark::answer_close:
                if (!answer_) break;
                out_.left_out();
                return;
            case Mark::closer:
            case Mark::end_think:
                out_.note("a marker that nothing opened was left out: " + std::string(markers_[m]));
                out_.left_out();
                return;
            case Mark::ignored:
                out_.left_out();
                return;
        }
        write(markers_[m]);
    }

    void begin_body(std::string_view opener) {
        bare_ = opener.empty();
        mode_ = Mode::body;
        out_.begin_calls(opener);
        body_ = make_body(syntax_, opener, out_);
    }

    void end_body() {
        out_.end_calls();
        body_.reset();
        mode_ = Mode::content;
    }

    void body(char c) {
        if (out_.kept_too_much() && !inside_character(c)) {
            unread_.push_back(c);
            break_off(too_long);
            return;
        }
        out_.keep(c);
        const Body::Step step = body_->step(c);
        if (step == Body::Step::more) return;
        if (step == Body::Step::again) {
            unread_.push_back(c);
            unread_again(body_->give_back());
        } else if (step == Body::Step::broken) {
            do {  // the whole character
                unread_.push_back(out_.unkeep());
            } while (inside_character(unread_.back()));
            break_off(bare_ && !out_.in_call() ? std::string_view() : broken);
            return;
        }
        end_body();
    }

    void break_off(std::string_view sentence) {
        unread_again(out_.break_off(sentence));
        end_body();
    }

    void unread_again(const std::string& text) { unread_.append(text.rbegin(), text.rend()); }

    const Syntax& syntax_;
    const ThinkingMarkers thinking_;
    Output& out_;
    std::vector<Mark> marks_;
    const std::vector<std::string_view> markers_;
    Matcher content_, inside_thinking_;
    Mode mode_ = Mode::content;
    bool bare_ = false;              // the body has no opener
    bool answer_ = false;            // the answer's own tags are open
    bool call_in_thinking_ = false;  // an opener was seen there
    std::unique_ptr<Body> body_;
    std::string unread_;  // backwards
};

}  // namespace

std::unique_ptr<Flow> tag_flow(ToolFormat format, const ThinkingMarkers& thinking, Start start, Output& output) {
    return std::make_unique<TagFlow>(format, thinking, start, output);
}

}  // namespace quern::text
