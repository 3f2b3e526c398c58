#include "text/toolcall/output.h"

#include <fmt/core.h>

#include <utility>

#include "base/check.h"

namespace quern::text {
namespace {

constexpr int max_notes = 16;
constexpr std::size_t max_spaces = 4096;  // held back; of a longer run the beginning is given

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

Output::Output(Deliver deliver, std::size_t max_call_bytes, const ToolTypes* tools,
               std::vector<std::string_view> markers)
    : deliver_(deliver), max_call_bytes_(max_call_bytes), tools_(tools), markers_(std::move(markers)) {}

void Output::give(Event event) {
    const bool of_call = event.call >= 0;
    append_event(of_call && deliver_ == Deliver::when_complete ? held_ : *events_, std::move(event));
}

std::string Output::write(std::string_view text, Prose& prose) {
    std::string out;
    for (const char c : text) {
        if (!is_space(c)) {
            if (prose.gap) out += '\n';
            out += std::exchange(prose.spaces, {});
            out += c;
            prose.begun = true;
            prose.gap = false;
        } else if (prose.begun || !prose.trim) {
            if (prose.spaces.size() == max_spaces) {
                out += std::exchange(prose.spaces, {});
                prose.begun = true;
            }
            prose.spaces += c;
        }
    }
    return out;
}

void Output::thinking(std::string_view text) { give({Event::Kind::thinking_delta, -1, write(text, thinking_)}); }

void Output::end_thinking() {
    thinking_ = {.trim = true, .gap = any_thinking_ || thinking_.begun};
    any_thinking_ = thinking_.gap;
    thought_ = true;
    new_content();
}

void Output::content(std::string_view text) {
    give({Event::Kind::content_delta, -1, write(text, content_)});
    any_content_ = any_content_ || content_.begun;
}

void Output::new_content() { content_ = {.trim = true, .gap = any_content_}; }

void Output::end_of_text() {
    if (!content_.gap) give({Event::Kind::content_delta, -1, std::exchange(content_.spaces, {})});
}

void Output::begin_calls(std::string_view opener) { kept_ = opener; }

char Output::unkeep() {
    if (kept_.empty()) return 0;
    const char last = kept_.back();
    kept_.pop_back();
    return last;
}

void Output::begin_call(std::string_view name, std::string_view id) {
    CHECK(!in_call_);
    new_content();
    if (!may_be_called(name)) note(fmt::format("the tool {} was called, which was not offered", name));
    in_call_ = true;
    give({Event::Kind::call_start, calls_, {}});
    if (!id.empty()) give({Event::Kind::call_id, calls_, std::string(id)});
    give({Event::Kind::call_name, calls_, std::string(name)});
}

void Output::arguments(std::string_view json) {
    CHECK(in_call_);
    give({Event::Kind::arguments_delta, calls_, std::string(json)});
}

void Output::end_call() {
    CHECK(in_call_);
    give({Event::Kind::call_end, calls_, {}});
    for (Event& e : held_) append_event(*events_, std::move(e));
    held_.clear();
    in_call_ = false;
    ++calls_;
    kept_.clear();
}

std::string Output::break_off(std::string_view sentence) {
    held_.clear();
    if (in_call_ && deliver_ == Deliver::as_written) {
        give({Event::Kind::call_dropped, calls_, {}});
        ++calls_;
    }
    in_call_ = false;
    if (!sentence.empty()) note(std::string(sentence));
    Matcher matcher(markers_);
    std::string plain;
    for (const char c : std::exchange(kept_, {})) {
        if (matcher.step(c, plain) == Matcher::no_marker) continue;
        content(std::exchange(plain, {}));
        left_out();
    }
    content(plain);
    return matcher.take();
}

void Output::note(std::string sentence) {
    if (++notes_ <= max_notes) give({Event::Kind::note, -1, std::move(sentence)});
}

}  // namespace quern::text
