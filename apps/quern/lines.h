// Lines that a person types, edited and remembered by libedit, or that come through a pipe. Knows nothing of what they
// say.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace quern::app {

class LineReader {
public:
    // At a terminal, lines are remembered in $QUERN_HOME/chat_history.
    LineReader();
    ~LineReader();
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;

    bool terminal() const { return editor_ != nullptr; }
    // Without its end; nullopt where there are no more. Ctrl-C drops what was typed of a line, and asks for another.
    std::optional<std::string> next();

private:
    struct Editor;
    std::unique_ptr<Editor> editor_;  // null for a pipe
};

}  // namespace quern::app
