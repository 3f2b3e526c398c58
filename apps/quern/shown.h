// An answer as a person or a script sees it while it is made. A raw prompt's goes to stdout as it is; of a chat
// model's, the content goes to stdout, what it thought to stderr (dim on a terminal), and each tool call is a line of
// JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "reading.h"

namespace quern::app {

// Lines of JSON, one event each.
void print_event(const Json& event);
Json to_json(const text::Turn::Call& call);  // {"name": ..., "arguments": {...}}

class Shown {
public:
    enum class As { text, events };
    // `form` null: not parsed. It must outlive this.
    Shown(const AnswerForm* form, As as);
    void token(std::int32_t id, const std::string& text);
    // The end of the answer; the turn as a whole, where it was parsed.
    std::optional<text::Turn> finish();

private:
    void show(const text::Event& event);
    void call(const text::Event& event);
    void thinking(bool on);

    const bool json_, dim_;
    std::optional<text::Parser> parser_;
    std::vector<text::Event> all_;
    text::Turn::Call call_;
    bool thinking_ = false;
};

}  // namespace quern::app
