#include "text/toolcall/text_string.h"

#include <fmt/core.h>

#include "text/utf8.h"

namespace quern::text {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::size_t hex_digits(char kind) { return kind == 'x' ? 2 : kind == 'u' ? 4 : 8; }

// What a backslash and this letter mean in both languages; 0 if nothing.
char simple_escape(char c) {
    switch (c) {
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case '"':
        case '\'':
        case '\\':
            return c;
        default:
            return 0;
    }
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20)
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                else
                    out += c;
        }
    }
}

std::string json_string(std::string_view text) {
    std::string out = "\"";
    append_json_escaped(out, text);
    return out + '"';
}

std::string_view string_delimiter(Dialect dialect) {
    if (dialect == Dialect::gemma4) return "<|\"|>";
    if (dialect == Dialect::function_gemma) return "<escape>";
    return {};
}

void StringReader::begin(Dialect dialect, char quote) {
    *this = {};
    dialect_ = dialect;
    quote_ = quote;
    state_ = dialect == Dialect::python ? State::first : State::plain;
}

void StringReader::put(std::string_view text, std::string& out) {
    if (high_ != 0) out += replacement_character;
    high_ = 0;
    append_json_escaped(out, text);
}

void StringReader::put_code(std::uint32_t code, std::string& out) {
    const bool low = code >= 0xDC00 && code <= 0xDFFF;
    if (high_ != 0 && low) {
        append_utf8(out, static_cast<char32_t>(0x10000 + ((high_ - 0xD800) << 10) + (code - 0xDC00)));
        high_ = 0;
        return;
    }
    put({}, out);
    if (code >= 0xD800 && code <= 0xDBFF) {
        high_ = code;
        return;
    }
    if (low || code > 0x10FFFF) {
        out += replacement_character;
        return;
    }
    std::string character;
    append_utf8(character, static_cast<char32_t>(code));
    append_json_escaped(out, character);
}

StringReader::Step StringReader::delimited(char c, std::string& out) {
    const std::string_view delimiter = string_delimiter(dialect_);
    // Neither delimiter has a beginning inside itself but its first byte, so falling back is to none or one.
    if (c != delimiter[run_]) {
        put(delimiter.substr(0, run_), out);
        run_ = 0;
        if (c != delimiter[0]) {
            put({&c, 1}, out);
            return Step::more;
        }
    }
    return ++run_ == delimiter.size() ? Step::done : Step::more;
}

StringReader::Step StringReader::plain(char c, std::string& out) {
    if (c == quote_) {
        if (!triple_ || ++run_ == 3) {
            put({}, out);
            return Step::done;
        }
        return Step::more;
    }
    for (; run_ > 0; --run_) put({&quote_, 1}, out);
    if (c == '\\')
        state_ = State::escape;
    else
        put({&c, 1}, out);
    return Step::more;
}

void StringReader::escape(char c, std::string& out) {
    state_ = State::plain;
    const bool python = dialect_ == Dialect::python;
    if (const char meant = simple_escape(c); meant != 0) {
        put({&meant, 1}, out);
    } else if (c == '/' && !python) {
        put("/", out);
    } else if (c == 'u' || (python && (c == 'x' || c == 'U'))) {
        state_ = State::hex;
        kind_ = c;
        digits_.clear();
    } else if (python && c >= '0' && c <= '7') {
        state_ = State::octal;
        digits_.assign(1, c);
    } else if (python && (c == 'a' || c == 'v')) {
        put(c == 'a' ? "\a" : "\v", out);
    } else if (!(python && c == '\n')) {  // there it continues the line
        put("\\", out);
        plain(c, out);
    }
}

void StringReader::hex_done(std::string& out) {
    std::uint32_t code = 0;
    for (const char d : digits_) code = code * 16 + static_cast<std::uint32_t>(hex_value(d));
    state_ = State::plain;
    put_code(code, out);
}

StringReader::Step StringReader::step(char c, std::string& out) {
    if (quote_ == 0) return delimited(c, out);
    switch (state_) {
        case State::first:
        case State::second:
            if (c == quote_ && state_ == State::second) {
                triple_ = true;
                state_ = State::plain;
                return Step::more;
            }
            if (state_ == State::second) return Step::again;
            state_ = c == quote_ ? State::second : State::plain;
            return state_ == State::second ? Step::more : plain(c, out);
        case State::plain:
            return plain(c, out);
        case State::escape:
            escape(c, out);
            return Step::more;
        case State::hex:
            if (hex_value(c) >= 0) {
                digits_ += c;
                if (digits_.size() == hex_digits(kind_)) hex_done(out);
                return Step::more;
            }
            state_ = State::plain;
            put("\\", out);
            put({&kind_, 1}, out);
            put(digits_, out);
            return plain(c, out);
        case State::octal:
            if (c >= '0' && c <= '7' && digits_.size() < 3) {
                digits_ += c;
                return Step::more;
            }
            state_ = State::plain;
            put_code(static_cast<std::uint32_t>(std::stoul(digits_, nullptr, 8)), out);
            return plain(c, out);
    }
    return Step::more;
}

}  // namespace quern::text
