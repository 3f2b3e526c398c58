#include "text/template/jinja/lexer.h"

#include <charconv>
#include <optional>

#include "base/error.h"
#include "text/template/jinja/unicode.h"
#include "text/utf8.h"

namespace quern::text::jinja {
namespace {

// "\r\n" and "\r" are "\n"; one newline at the very end does not count.
std::string normalised(std::string_view source) {
    std::string out;
    out.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
        out += source[i] == '\r' ? '\n' : source[i];
    }
    if (out.ends_with('\n')) out.pop_back();
    return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_char(char c) { return is_name_start(c) || is_digit(c); }

constexpr std::string_view symbols[] = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

class Lexer {
public:
    explicit Lexer(std::string source) : source_(std::move(source)) {}

    std::vector<Token> run() {
        while (at_ < source_.size()) outside();
        push(Token::Kind::end, "");
        return std::move(tokens_);
    }

private:
    [[noreturn]] void fail(const std::string& what) { throw Error(Code::bad_file, "line {}: {}", line_at(at_), what); }

    int line_at(std::size_t at) {  // asked in rising order
        for (; counted_ < at; ++counted_) line_ += source_[counted_] == '\n';
        return line_;
    }
    void push(Token::Kind kind, std::string text) {
        tokens_.push_back({.kind = kind, .line = line_at(at_), .text = std::move(text)});
    }
    bool here(std::string_view s, std::size_t at) const { return source_.compare(at, s.size(), s) == 0; }
    char peek(std::size_t at) const { return at < source_.size() ? source_[at] : '\0'; }

    // A sign behind the beginning of a tag.
    char sign(std::size_t at) const { return peek(at) == '-' || peek(at) == '+' ? peek(at) : '\0'; }

    // "%}" with its sign at `at`, as a block's end takes it: the place behind, or nullopt.
    std::optional<std::size_t> end_of(std::string_view closer, std::size_t at, bool trim) const {
        const char s = sign(at);
        if (s && here(closer, at + 1)) {
            const std::size_t behind = at + 1 + closer.size();
            return s == '-' ? skip_space(source_, behind) : behind;
        }
        if (!here(closer, at)) return std::nullopt;
        const std::size_t behind = at + closer.size();
        return trim && peek(behind) == '\n' ? behind + 1 : behind;
    }

    // Where "raw" or "endraw" in a tag that begins at `at` ends, if it is one.
    std::optional<std::size_t> raw_tag(std::string_view word, std::size_t at, bool trim) const {
        if (!here("{%", at)) return std::nullopt;
        std::size_t i = at + 2;
        if (sign(i)) ++i;
        i = skip_space(source_, i);
        if (!here(word, i)) return std::nullopt;
        i = skip_space(source_, i + word.size());
        if (!trim && sign(i) == '+') return std::nullopt;
        return end_of("%}", i, trim);
    }

    // The text from at_ to a tag at `tag`, less what the tag takes away.
    void text_before(std::size_t tag, bool strips_line) {
        std::string_view text = std::string_view(source_).substr(at_, tag - at_);
        const char s = tag < source_.size() ? sign(tag + 2) : '\0';
        if (s == '-') {
            text = text.substr(0, trim_end(text));
        } else if (s != '+' && strips_line) {
            const std::size_t newline = text.rfind('\n');
            const std::size_t line = newline == text.npos ? 0 : newline + 1;
            if ((line > 0 || line_starting_) && trim_end(text, line) == line) text = text.substr(0, line);
        }
        if (!text.empty()) push(Token::Kind::text, std::string(text));
    }

    void outside() {
        std::size_t tag = at_;
        const auto opens = [&] { return peek(tag + 1) == '{' || peek(tag + 1) == '%' || peek(tag + 1) == '#'; };
        while ((tag = source_.find('{', tag)) != source_.npos && !opens()) ++tag;
        if (tag == source_.npos) {
            text_before(source_.size(), false);
            at_ = source_.size();
            return;
        }
        const char kind = source_[tag + 1];
        text_before(tag, kind != '{');
        at_ = tag;
        if (kind == '%')
            if (const auto behind = raw_tag("raw", tag, false)) return raw(*behind);
        at_ = tag + 2 + (sign(tag + 2) ? 1 : 0);
        if (kind == '#') return comment();
        line_starting_ = false;
        inside(kind == '{');
    }

    void comment() {
        const std::size_t hash = source_.find("#}", at_);
        if (hash == source_.npos) fail("a comment has no end");
        const bool has_sign = hash > at_ && sign(hash - 1);
        move_to(*end_of("#}", has_sign ? hash - 1 : hash, true));
    }

    void raw(std::size_t begin) {
        line_starting_ = peek(begin - 1) == '\n';
        at_ = begin;
        for (std::size_t tag = begin; (tag = source_.find("{%", tag)) != source_.npos; ++tag) {
            const auto behind = raw_tag("endraw", tag, true);
            if (!behind) continue;
            text_before(tag, true);
            return move_to(*behind);
        }
        fail("a raw block has no end");
    }

    void move_to(std::size_t at) {
        line_starting_ = source_[at - 1] == '\n';
        at_ = at;
    }

    void inside(bool print) {
        push(print ? Token::Kind::print_begin : Token::Kind::tag_begin, print ? "{{" : "{%");
        std::string open;  // the closing brackets still wanted
        for (;;) {
            if (open.empty()) {
                std::optional<std::size_t> behind;
                if (!print)
                    behind = end_of("%}", at_, true);
                else if (peek(at_) != '+')
                    behind = end_of("}}", at_, false);
                if (behind) {
                    push(print ? Token::Kind::print_end : Token::Kind::tag_end, print ? "}}" : "%}");
                    return move_to(*behind);
                }
            }
            at_ = skip_space(source_, at_);
            if (at_ >= source_.size()) fail(print ? "an expression in {{ has no }}" : "a tag {% has no %}");
            if (open.empty() && ((print && (here("}}", at_) || here("-}}", at_))) ||
                                 (!print && (here("%}", at_) || here("-%}", at_) || here("+%}", at_)))))
                continue;
            piece(open);
        }
    }

    void piece(std::string& open) {
        const char c = source_[at_];
        if (is_digit(c)) return number();
        if (is_name_start(c)) {
            std::size_t end = at_;
            while (end < source_.size() && is_name_char(source_[end])) ++end;
            push(Token::Kind::name, source_.substr(at_, end - at_));
            at_ = end;
            return;
        }
        if (c == '\'' || c == '"') return string(c);
        for (const std::string_view s : symbols) {
            if (!here(s, at_)) continue;
            balance(c, open);
            push(Token::Kind::symbol, std::string(s));
            at_ += s.size();
            return;
        }
        fail(fmt::format("'{}' cannot stand in a tag", source_.substr(at_, char_bytes(source_, at_))));
    }

    void balance(char c, std::string& open) {
        if (c == '(') open += ')';
        if (c == '[') open += ']';
        if (c == '{') open += '}';
        if (c != ')' && c != ']' && c != '}') return;
        if (open.empty() || open.back() != c) fail(fmt::format("'{}' closes nothing that is open", c));
        open.pop_back();
    }

    std::size_t digits(std::size_t at) const {
        while (is_digit(peek(at)) || (peek(at) == '_' && is_digit(peek(at + 1)))) ++at;
        return at;
    }

    // 0x1F, 0o17, 0b11
    bool prefixed_number() {
        const char p = static_cast<char>(peek(at_ + 1) | 0x20);
        const int base = p == 'x' ? 16 : p == 'o' ? 8 : p == 'b' ? 2 : 0;
        if (source_[at_] != '0' || base == 0) return false;
        std::int64_t value = 0;
        const char* begin = source_.data() + at_ + 2;
        const auto r = std::from_chars(begin, source_.data() + source_.size(), value, base);
        if (r.ec != std::errc() || is_name_char(*r.ptr)) fail("a number with the prefix 0x, 0o or 0b is none");
        push(Token::Kind::integer, source_.substr(at_, static_cast<std::size_t>(r.ptr - begin) + 2));
        tokens_.back().integer = value;
        at_ = static_cast<std::size_t>(r.ptr - source_.data());
        return true;
    }

    void number() {
        if (prefixed_number()) return;
        std::size_t end = digits(at_);
        bool real = false;
        const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
        if (!after_dot) {
            if (peek(end) == '.' && is_digit(peek(end + 1))) {
                end = digits(end + 1);
                real = true;
            }
            if (peek(end) == 'e' || peek(end) == 'E') {
                const std::size_t exponent = end + 1 + (sign(end + 1) ? 1 : 0);
                if (is_digit(peek(exponent))) {
                    end = digits(exponent);
                    real = true;
                }
            }
        }
        std::string text;
        for (const char c : source_.substr(at_, end - at_))
            if (c != '_') text += c;
        push(real ? Token::Kind::real : Token::Kind::integer, text);
        Token& t = tokens_.back();
        const auto r = real ? std::from_chars(text.data(), text.data() + text.size(), t.real)
                            : std::from_chars(text.data(), text.data() + text.size(), t.integer);
        if (r.ec != std::errc()) fail("the number " + text + " is too large");
        if (!real && text.size() > 1 && text[0] == '0') fail("the number " + text + " begins with 0");
        at_ = end;
    }

    void string(char quote) {
        std::size_t end = at_ + 1;
        while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
        if (end >= source_.size()) fail("a string has no end");
        push(Token::Kind::string, unescaped(at_ + 1, end));
        at_ = end + 1;
    }

    std::string unescaped(std::size_t at, std::size_t end) {
        constexpr std::string_view from = "\\'\"abfnrtv", to = "\\'\"\a\b\f\n\r\t\v";
        std::string out;
        while (at < end) {
            const char c = source_[at++];
            if (c != '\\') {
                out += c;
                continue;
            }
            const char e = source_[at++];
            const std::size_t known = from.find(e);
            if (known != from.npos)
                out += to[known];
            else if (e == 'x' || e == 'u' || e == 'U')
                at = code_escape(out, at, e == 'x' ? 2 : e == 'u' ? 4 : 8, 16, true);
            else if (e >= '0' && e <= '7')
                at = code_escape(out, at - 1, 3, 8, false);
            else if (e == 'N')
                fail("\\N in a string: characters by name are not known");
            else if (e != '\n')
                out.append({'\\', e});
        }
        return out;
    }

    std::size_t code_escape(std::string& out, std::size_t at, std::size_t max_digits, int base, bool all) {
        std::uint32_t code = 0;
        const char* begin = source_.data() + at;
        const auto r =
            std::from_chars(begin, std::min(begin + max_digits, source_.data() + source_.size()), code, base);
        const auto read = static_cast<std::size_t>(r.ptr - begin);
        if (r.ec != std::errc() || (all && read != max_digits) || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
            fail("an escape in a string is no character");
        append_utf8(out, code);
        return at + read;
    }

    const std::string source_;
    std::size_t at_ = 0, counted_ = 0;
    int line_ = 1;
    bool line_starting_ = true;
    std::vector<Token> tokens_;
};

}  // namespace

std::string Token::shown() const {
    if (kind == Kind::end) return "the end";
    if (kind == Kind::string) return "a string";
    if (kind == Kind::text) return "text";
    return "'" + text + "'";
}

std::vector<Token> tokenize(std::string_view source) { return Lexer(normalised(source)).run(); }

}  // namespace quern::text::jinja
