// Where the readers of a notation write: it keeps the rules that hold for all of them. Spaces around thinking, between
// calls and before a call belong to the notation and are left out; a call that breaks off is taken back and its text
// given as content without markers; notes are few. Knows no notation.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/toolcall/event.h"
#include "text/toolcall/matcher.h"
#include "text/toolcall/tools.h"

namespace quern::text {

// When the events of a call are given.
enum class Deliver {
    as_written,    // at once; a call that breaks off is taken back with call_dropped
    when_complete  // at its end; what breaks off was never a call
};

class Output {
public:
    Output(Deliver deliver, std::size_t max_call_bytes, const ToolTypes* tools, std::vector<std::string_view> markers);

    // Where events go from now on; must outlive the calls below.
    void to(std::vector<Event>& events) { events_ = &events; }

    void thinking(std::string_view text);
    void end_thinking();
    void content(std::string_view text);
    // Nothing but spaces was written since the beginning, the end of thinking or of a call.
    bool at_beginning() const { return !content_.begun; }
    bool thought() const { return thought_; }
    // What follows begins anew: spaces before it are left out, and it stands on a line of its own.
    void new_content();
    // Something between what was written and what follows was left out: a line's end stands for it, so that the two
    // ends do not make up a marker.
    void left_out() { content_.gap = any_content_; }
    void end_of_text();

    // A stretch of text that may be calls. Every byte of it is kept until the call ends, in case it is none.
    void begin_calls(std::string_view opener);
    void keep(char c) { kept_ += c; }
    char unkeep();  // the last of them
    bool kept_too_much() const { return kept_.size() > max_call_bytes_; }
    void begin_call(std::string_view name, std::string_view id);
    void arguments(std::string_view json);
    void end_call();
    bool in_call() const { return in_call_; }
    // What was kept is no call, and is given as content. The sentence says why; without one it was never more than
    // text. Returns the end of it that may be the beginning of a marker: that is to be read again, as prose.
    [[nodiscard]] std::string break_off(std::string_view sentence);
    void end_calls() { kept_.clear(); }

    // Only a few are given.
    void note(std::string sentence);
    const ToolTypes* tools() const { return tools_; }
    // Whether the tool was offered, as far as that is known.
    bool may_be_called(std::string_view name) const { return tools_ == nullptr || tools_->knows(name); }

private:
    struct Prose {
        std::string spaces{};  // not yet given
        bool begun = false;    // more than spaces was written
        bool trim = false;     // spaces at the beginning are left out
        bool gap = false;      // something was left out before what follows
    };
    static std::string write(std::string_view text, Prose& prose);
    void give(Event event);

    const Deliver deliver_;
    const std::size_t max_call_bytes_;
    const ToolTypes* tools_;
    const std::vector<std::string_view> markers_;
    std::vector<Event>* events_ = nullptr;
    std::vector<Event> held_;  // of the call that is being written, when calls are given complete

    Prose content_, thinking_{.trim = true};
    bool any_content_ = false, any_thinking_ = false;
    bool thought_ = false;
    std::string kept_;
    bool in_call_ = false;
    int calls_ = 0;
    int notes_ = 0;
};

}  // namespace quern::text
