// Characters as Python's str sees them: white space, case, classes. Text is UTF-8; a byte that is no part of a valid
// character counts as a character that is none of these things.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quern::text::jinja {

std::size_t char_bytes(std::string_view s, std::size_t at);  // of the character that begins there
std::size_t count_chars(std::string_view s);
std::size_t space_bytes(std::string_view s, std::size_t at);  // of the white space that begins there, or 0
std::size_t skip_space(std::string_view s, std::size_t at);
// Where the text ends when white space at its end is left out, not before `from`.
std::size_t trim_end(std::string_view s, std::size_t from = 0);
// Byte offsets of all characters, and the size.
std::vector<std::size_t> char_offsets(std::string_view s);

enum class CharClass { printable, alpha, decimal, digit, upper, lower, cased };
bool is(CharClass c, std::string_view character);

enum class Case { upper, lower, title };
void append_case(std::string& out, std::string_view character, Case to);

}  // namespace quern::text::jinja
