// One quoted string as it arrives, byte by byte, made into the inside of a JSON string. Reads what models write, not
// only what the standard allows: raw control characters are escaped, an escape that means nothing keeps its backslash,
// half a surrogate pair becomes U+FFFD. The bytes must be valid UTF-8; so are those it gives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quern::text {

// Appends as the inside of a JSON string.
void append_json_escaped(std::string& out, std::string_view text);
std::string json_string(std::string_view text);  // with the quotes

// In which language values are written.
enum class Dialect { json, python, gemma4, function_gemma };
// What surrounds a string where that is more than one quote character: "<|\"|>", "<escape>"; empty otherwise.
std::string_view string_delimiter(Dialect dialect);

class StringReader {
public:
    enum class Step { more, done, again };  // again: the string ended before this byte, which is still to be read

    // A string whose opening quote (or delimiter; then `quote` is 0) has been read.
    void begin(Dialect dialect, char quote);
    Step step(char c, std::string& out);

private:
    enum class State { first, second, plain, escape, hex, octal };
    Step plain(char c, std::string& out);
    Step delimited(char c, std::string& out);
    void escape(char c, std::string& out);
    void hex_done(std::string& out);
    void put(std::string_view text, std::string& out);  // a value of the string, after half a surrogate pair if any
    void put_code(std::uint32_t code, std::string& out);

    Dialect dialect_ = Dialect::json;
    State state_ = State::plain;
    char quote_ = '"';
    bool triple_ = false;
    std::size_t run_ = 0;     // quotes or bytes of the delimiter that may end the string
    std::uint32_t high_ = 0;  // first half of a surrogate pair
    char kind_ = 'u';         // the letter that began a numeric escape
    std::string digits_;
};

}  // namespace quern::text
