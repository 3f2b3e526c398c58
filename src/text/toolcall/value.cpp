#include "text/toolcall/value.h"

#include <charconv>
#include <utility>

namespace quern::text {
namespace {

constexpr std::size_t max_token = 512;
constexpr std::size_t max_spaces = 64;  // kept after a comma; more are dropped

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view s) {
    while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
    while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
    return s;
}

std::string_view take_digits(std::string_view& s) {
    std::size_t n = 0;
    while (n < s.size() && is_digit(s[n])) ++n;
    const std::string_view digits = s.substr(0, n);
    s.remove_prefix(n);
    return digits;
}

// A number as JSON writes it, also from "+1", ".5" and "5."; nothing if it is none. One too large for a double is the
// largest double of its sign: the JSON of most languages cannot read it otherwise.
std::optional<std::string> json_number(std::string_view s) {
    std::string out;
    if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
        if (s[0] == '-') out = "-";
        s.remove_prefix(1);
    }
    const std::string_view whole = take_digits(s);
    if (whole.size() > 1 && whole[0] == '0') return std::nullopt;
    out += whole.empty() ? "0" : whole;
    std::string_view fraction;
    if (s.starts_with('.')) {
        s.remove_prefix(1);
        fraction = take_digits(s);
        out += '.';
        out += fraction.empty() ? "0" : fraction;
    }
    if (whole.empty() && fraction.empty()) return std::nullopt;
    bool small = false;
    if (s.starts_with('e') || s.starts_with('E')) {
        out += 'e';
        s.remove_prefix(1);
        if (s.starts_with('-') || s.starts_with('+')) {
            small = s[0] == '-';
            out += s[0];
            s.remove_prefix(1);
        }
        const std::string_view exponent = take_digits(s);
        if (exponent.empty()) return std::nullopt;
        out += exponent;
    }
    if (!s.empty()) return std::nullopt;
    double number = 0;
    const auto r = std::from_chars(out.data(), out.data() + out.size(), number);
    if (r.ec != std::errc::result_out_of_range || small) return out;
    return out[0] == '-' ? "-1.7976931348623157e308" : "1.7976931348623157e308";
}

std::optional<std::string> literal(std::string_view s) {
    if (s == "true" || s == "True") return "true";
    if (s == "false" || s == "False") return "false";
    if (s == "null" || s == "None") return "null";
    return std::nullopt;
}

bool is_gemma(Dialect d) { return d == Dialect::gemma4 || d == Dialect::function_gemma; }

// Gemma's bare strings may begin with an apostrophe.
bool is_quote(Dialect d, char c) { return c == '"' || (c == '\'' && !is_gemma(d)); }

bool in_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '.' ||
           c == '_';
}

}  // namespace

void ValueReader::space(char c, std::string& out) {
    if (dialect_ != Dialect::json) return;
    if (comma_.empty())
        out += c;
    else if (comma_.size() < max_spaces)
        comma_ += c;
}

void ValueReader::flush_comma(std::string& out) {
    out += comma_;
    comma_.clear();
}

ValueReader::Step ValueReader::end_of_element() {
    state_ = State::after;
    return stack_.empty() ? Step::done : Step::more;
}

ValueReader::Step ValueReader::open(char bracket, std::string& out) {
    if (stack_.size() == max_value_depth) return Step::broken;
    flush_comma(out);
    stack_ += bracket;
    out += bracket == '{' ? '{' : '[';
    state_ = bracket == '{' ? State::key_or_end : State::value_or_end;
    return Step::more;
}

ValueReader::Step ValueReader::close(char bracket, std::string& out) {
    const char opened = stack_.back();
    if (bracket != (opened == '{' ? '}' : opened == '[' ? ']' : ')')) return Step::broken;
    comma_.clear();
    stack_.pop_back();
    out += opened == '{' ? '}' : ']';
    return end_of_element();
}

ValueReader::Step ValueReader::start_string(char quote, bool key, std::string& out) {
    flush_comma(out);
    out += '"';
    key_ = key;
    state_ = State::string;
    string_.begin(dialect_, quote);
    return Step::more;
}

ValueReader::Step ValueReader::start_value(char c, std::string& out) {
    if (is_space(c)) {
        if (!stack_.empty()) space(c, out);
        return Step::more;
    }
    if (state_ == State::value_or_end && (c == ']' || c == ')')) return close(c, out);
    const bool bracket = c == '{' || c == '[' || (c == '(' && dialect_ == Dialect::python);
    if (!bracket && !is_quote(dialect_, c) && ends_token(c)) {
        if (!is_gemma(dialect_) || state_ != State::value || stack_.empty()) return Step::broken;
        out += "\"\"";  // an empty string whose quotes were left out
        state_ = State::after;
        return step(c, out);
    }
    if (kind_ == 0) kind_ = is_quote(dialect_, c) ? '"' : c == '(' ? '[' : c;
    if (bracket) return open(c, out);
    if (is_quote(dialect_, c)) return start_string(c, false, out);
    flush_comma(out);
    key_ = false;
    token_.assign(1, c);
    state_ = State::token;
    return Step::more;
}

ValueReader::Step ValueReader::string(char c, std::string& out) {
    const StringReader::Step step = string_.step(c, out);
    if (step == StringReader::Step::more) return Step::more;
    out += '"';
    if (key_) {
        state_ = State::colon;
    } else if (end_of_element() == Step::done) {
        return step == StringReader::Step::again ? Step::again : Step::done;
    }
    return step == StringReader::Step::again ? ValueReader::step(c, out) : Step::more;
}

bool ValueReader::ends_token(char c) const {
    return is_gemma(dialect_) ? c == ',' || c == ']' || c == '}' : !in_word(c);
}

std::optional<std::string> ValueReader::token_json() const {
    const std::string_view text = trimmed(token_);
    if (key_) return text.empty() ? std::nullopt : std::optional(json_string(text));
    if (auto word = literal(text)) return word;
    if (dialect_ == Dialect::python && text.find('_') != text.npos) return std::nullopt;
    if (auto number = json_number(text)) return number;
    if (is_gemma(dialect_) && !text.empty()) return json_string(text);
    return std::nullopt;
}

ValueReader::Step ValueReader::token(char c, std::string& out) {
    if (key_ ? c == ':' : ends_token(c)) {
        const auto json = token_json();
        if (!json) return Step::broken;
        out += *json;
        if (key_) {
            state_ = State::colon;
        } else if (end_of_element() == Step::done) {
            return Step::again;
        }
        return step(c, out);
    }
    if (token_.size() == max_token || (key_ && ends_token(c))) return Step::broken;
    token_ += c;
    if (is_gemma(dialect_) && token_ == string_delimiter(dialect_)) return start_string(0, key_, out);
    return Step::more;
}

ValueReader::Step ValueReader::key(char c, std::string& out) {
    if (is_space(c)) {
        space(c, out);
        return Step::more;
    }
    if (c == '}') return close(c, out);
    if (is_quote(dialect_, c)) return start_string(c, true, out);
    if (is_gemma(dialect_)) {
        if (c == ':' || ends_token(c)) return Step::broken;
        flush_comma(out);
        key_ = true;
        token_.assign(1, c);
        state_ = State::token;
        return Step::more;
    }
    return Step::broken;
}

ValueReader::Step ValueReader::after(char c, std::string& out) {
    if (is_space(c)) {
        space(c, out);
        return Step::more;
    }
    if (c == '}' || c == ']' || c == ')') return close(c, out);
    if (c != ',') return Step::broken;
    comma_ = dialect_ == Dialect::json ? "," : ", ";
    state_ = stack_.back() == '{' ? State::key_or_end : State::value_or_end;
    return Step::more;
}

ValueReader::Step ValueReader::step(char c, std::string& out) {
    switch (state_) {
        case State::value:
        case State::value_or_end:
            return start_value(c, out);
        case State::key_or_end:
            return key(c, out);
        case State::colon:
            if (is_space(c)) {
                space(c, out);
                return Step::more;
            }
            if (c != ':') return Step::broken;
            out += dialect_ == Dialect::json ? ":" : ": ";
            state_ = State::value;
            return Step::more;
        case State::after:
            return after(c, out);
        case State::string:
            return string(c, out);
        case State::token:
            return token(c, out);
    }
    return Step::broken;
}

std::optional<std::string> ValueReader::closing() const {
    std::string out;
    if (state_ == State::token && !key_ && literal(trimmed(token_)))
        out = *literal(trimmed(token_));
    else if (state_ != State::after)
        return std::nullopt;
    for (auto bracket = stack_.rbegin(); bracket != stack_.rend(); ++bracket) out += *bracket == '{' ? '}' : ']';
    return out;
}

}  // namespace quern::text
