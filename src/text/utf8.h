// UTF-8 as the tokenizers need it: is this text valid, and where does it stop being so. Valid means what Unicode table
// 3-7 allows: no overlong forms, no surrogates, nothing above U+10FFFF. Converts nothing and throws nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quern::text {

enum class Utf8 {
    valid,       // `bytes` bytes are one character
    incomplete,  // the text ends inside a character that more bytes could complete
    malformed,   // `bytes` bytes can be no part of any character: Unicode's "maximal subpart", one U+FFFD each
};

struct Utf8Step {
    Utf8 kind = Utf8::malformed;
    std::size_t bytes = 0;  // always >= 1 for a text that is not empty
};

// The first character of a text that is not empty.
Utf8Step next_character(std::string_view text);

// How many bytes from the start are valid characters.
std::size_t valid_prefix(std::string_view text);

// The code point of one valid character, and the other way round (code must be a valid code point).
char32_t code_point(std::string_view character);
void append_utf8(std::string& out, char32_t code);

inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace quern::text
