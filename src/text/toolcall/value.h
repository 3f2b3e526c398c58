// One value as a model writes it (JSON, a Python literal, Gemma's notation), made into JSON as it arrives, byte by
// byte. What is given is always the beginning of a valid JSON text, whatever comes. Lenient where the meaning is plain:
// either quote, True and None, a comma too many; anything else is broken. Nesting is bounded, and so is what is held
// back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/toolcall/text_string.h"

namespace quern::text {

// The nesting that base/json.h still reads.
inline constexpr std::size_t max_value_depth = 60;

class ValueReader {
public:
    enum class Step {
        more,
        done,   // with this byte
        again,  // before this byte, which is still to be read
        broken  // by this byte; closing() says what the text before it would need
    };

    explicit ValueReader(Dialect dialect) : dialect_(dialect) {}
    void reset() { *this = ValueReader(dialect_); }

    // Appends JSON to `out`. Spaces are kept in JSON, and written as JSON libraries do elsewhere.
    Step step(char c, std::string& out);

    // What makes the value whole if the text ends here, where that is beyond doubt: only brackets are missing, and
    // nothing was being written.
    std::optional<std::string> closing() const;

    bool in_string() const { return state_ == State::string; }
    // The first byte of the JSON value, 0 before it is known: '{', '[', '"', 't', ...
    char kind() const { return kind_; }

private:
    enum class State { value, value_or_end, key_or_end, colon, after, string, token };
    Step start_value(char c, std::string& out);
    Step start_string(char quote, bool key, std::string& out);
    Step open(char bracket, std::string& out);
    Step close(char bracket, std::string& out);
    Step string(char c, std::string& out);
    Step token(char c, std::string& out);
    Step key(char c, std::string& out);
    Step after(char c, std::string& out);
    Step end_of_element();
    bool ends_token(char c) const;
    std::optional<std::string> token_json() const;
    void flush_comma(std::string& out);
    void space(char c, std::string& out);

    Dialect dialect_;
    State state_ = State::value;
    bool key_ = false;  // the string or token being read is a key
    char kind_ = 0;
    std::string stack_;  // open brackets: '{', '[' or '('
    std::string comma_;  // a comma and the spaces after it, not yet given: it may be one too many
    std::string token_;
    StringReader string_;
};

}  // namespace quern::text
