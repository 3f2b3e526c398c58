// A template's source to tokens, as Jinja2 cuts it with trim_blocks and lstrip_blocks: text outside of tags, and names,
// literals and operators inside. Takes out comments, raw blocks and the white space that tags swallow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::text::jinja {

struct Token {
    enum class Kind : std::uint8_t {
        text,
        print_begin,  // {{
        print_end,
        tag_begin,  // {%
        tag_end,
        name,
        string,
        integer,
        real,
        symbol,  // operators and punctuation
        end,
    };
    Kind kind = Kind::end;
    int line = 1;
    std::string text;  // strings: what they mean
    std::int64_t integer = 0;
    double real = 0;

    bool is_name(std::string_view name) const { return kind == Kind::name && text == name; }
    bool is_symbol(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
    std::string shown() const;  // for error messages
};

// Ends with a token of kind `end`. Throws Error(bad_file) with the line.
std::vector<Token> tokenize(std::string_view source);

}  // namespace quern::text::jinja
