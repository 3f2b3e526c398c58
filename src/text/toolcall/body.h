// The reader of a stretch of text that an opener says is calls: one class for each way to write them. It gets the text
// byte by byte and writes calls to an Output. It never fails: it says that this is no call, and the flow around it goes
// on with the text as prose.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/toolcall/output.h"
#include "text/toolcall/syntax.h"

namespace quern::text {

class Body {
public:
    enum class Step {
        more,
        done,   // with this byte
        again,  // before this byte: give_back() and then this byte are prose
        broken  // since the last call that ended, this is none; this byte is prose
    };

    virtual ~Body() = default;
    virtual Step step(char c) = 0;
    // The text ends here. False if a call has begun that cannot be completed without guessing.
    virtual bool finish() = 0;
    // Bytes that were read beyond the end of the calls.
    virtual std::string give_back() { return {}; }
};

// Tool names, ids and keys are no longer than this; a header around them neither.
inline constexpr std::size_t max_name_bytes = 256, max_header_bytes = 1024;

// For calls that `opener` (one of the syntax's; empty: the answer itself) opened. Both must outlive the body.
std::unique_ptr<Body> make_body(const Syntax& syntax, std::string_view opener, Output& output);

// The kinds of CallBody.
std::unique_ptr<Body> json_calls_body(const Syntax& syntax, bool bare, Output& output);
std::unique_ptr<Body> named_json_body(const Syntax& syntax, std::string_view opener, Output& output);
std::unique_ptr<Body> parameters_body(const Syntax& syntax, std::string_view opener, Output& output);
std::unique_ptr<Body> python_body(const Syntax& syntax, bool bare, Output& output);

// A name that a tool can have: not empty, not too long, without spaces, quotes and angle brackets.
bool is_tool_name(std::string_view name);

inline bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// A byte of a UTF-8 character, but not its first.
inline bool inside_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

inline std::string_view trimmed(std::string_view s) {
    while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
    return s;
}

}  // namespace quern::text
