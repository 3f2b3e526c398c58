#include "text/grammar/gbnf.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "text/utf8.h"

namespace quern::grammar {
namespace {

constexpr std::size_t max_depth = 200;

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Reader {
public:
    Reader(std::string_view text, ExprPool& pool) : text_(text), pool_(pool) {
        if (text::valid_prefix(text) != text.size()) throw Error(Code::bad_request, "a grammar must be valid UTF-8");
    }

    GbnfRules read() {
        skip(true);
        while (at_ < text_.size()) rule();
        for (std::size_t r = 0; r < rules_.names.size(); ++r)
            if (rules_.bodies[r] < 0)
                throw Error(Code::bad_request, "the grammar uses a rule '{}' that it does not define", rules_.names[r]);
        const auto root = numbers_.find("root");
        if (root == numbers_.end()) throw Error(Code::bad_request, "the grammar has no rule named root");
        rules_.root = root->second;
        return std::move(rules_);
    }

private:
    struct Group {
        std::vector<ExprPool::Id> choices, parts;
    };

    [[noreturn]] void fail(std::string_view what) const {
        const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
        throw Error(Code::bad_request, "the grammar is wrong in line {}: {}", line, what);
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(std::string_view s) {
        if (!text_.substr(at_).starts_with(s)) return false;
        at_ += s.size();
        return true;
    }
    // Spaces and comments; line ends only where a rule may go on after them.
    void skip(bool lines) {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '#')
                while (at_ < text_.size() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
            else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r')))
                ++at_;
            else
                break;
        }
    }
    std::string_view name() {
        const std::size_t from = at_;
        while (is_name(peek())) ++at_;
        if (at_ == from) fail("the name of a rule is missing");
        return text_.substr(from, at_ - from);
    }
    std::int32_t number_of(std::string_view name) {
        const auto [it, is_new] =
            numbers_.try_emplace(std::string(name), static_cast<std::int32_t>(rules_.names.size()));
        if (is_new) {
            rules_.names.emplace_back(name);
            rules_.bodies.push_back(-1);
        }
        return it->second;
    }

    void rule() {
        const auto number = static_cast<std::size_t>(number_of(name()));
        skip(false);
        if (!take("::=")) fail("'::=' is missing");
        skip(true);
        if (rules_.bodies[number] >= 0) fail("this rule is defined twice");
        open_.assign(1, {});
        while (in_rule()) term();
        if (open_.size() > 1) fail("a group is not closed");
        rules_.bodies[number] = close();
        skip(true);
    }

    // A rule ends with its line, unless a group is open or the next line starts with a bar.
    bool in_rule() {
        skip(open_.size() > 1);
        if (at_ >= text_.size()) return false;
        if (peek() != '\n' && peek() != '\r') return true;
        const std::size_t line_end = at_;
        skip(true);
        if (peek() == '|') return true;
        at_ = line_end;
        return false;
    }

    ExprPool::Id close() {
        Group& g = open_.back();
        g.choices.push_back(pool_.sequence(std::move(g.parts)));
        const ExprPool::Id id = pool_.choice(std::move(g.choices));
        open_.pop_back();
        return id;
    }

    void term() {
        if (take("|")) {
            Group& g = open_.back();
            g.choices.push_back(pool_.sequence(std::move(g.parts)));
            g.parts.clear();
            skip(true);
        } else if (take("(")) {
            if (open_.size() > max_depth)
                throw Error(Code::unsupported, "the grammar nests groups over {} deep", max_depth);
            open_.emplace_back();
        } else if (take(")")) {
            if (open_.size() == 1) fail("this bracket closes nothing");
            const ExprPool::Id id = close();
            add(quantified(id));
        } else if (take("\"")) {
            const ExprPool::Id id = literal();
            add(quantified(id));
        } else if (take("[")) {
            const ExprPool::Id id = pool_.set(char_class());
            add(quantified(id));
        } else if (take(".")) {
            add(quantified(pool_.set({{0, alphabet_end - 1}})));
        } else if (peek() == '<') {
            throw Error(Code::unsupported, "the grammar names a token ('<...>'), which is not supported");
        } else if (is_name(peek())) {
            const ExprPool::Id id = pool_.rule(number_of(name()));
            add(quantified(id));
        } else {
            fail(peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{'
                     ? "there is nothing to repeat"
                     : "this character means nothing here");
        }
    }
    void add(ExprPool::Id id) { open_.back().parts.push_back(id); }

    std::optional<std::uint32_t> number() {
        std::optional<std::uint32_t> n;
        for (; peek() >= '0' && peek() <= '9'; ++at_) {
            n = n.value_or(0) * 10 + static_cast<std::uint32_t>(peek() - '0');
            if (*n > 1'000'000) throw Error(Code::unsupported, "the grammar repeats something over a million times");
        }
        return n;
    }

    ExprPool::Id quantified(ExprPool::Id id) {
        for (int marks = 0;; ++marks) {
            skip(open_.size() > 1);
            if (marks > 8) fail("too many marks of repetition");
            if (take("*")) {
                id = pool_.repeat(id, 0, ExprPool::unbounded);
            } else if (take("+")) {
                id = pool_.repeat(id, 1, ExprPool::unbounded);
            } else if (take("?")) {
                id = pool_.repeat(id, 0, 1);
            } else if (take("{")) {
                skip(false);
                const auto min = number();
                skip(false);
                const bool comma = take(",");
                skip(false);
                const auto max = comma ? number() : min;
                skip(false);
                if ((!min && !max) || !take("}")) fail("a repetition is written {2}, {2,} or {2,5}");
                if (max && min.value_or(0) > *max) fail("the numbers of a repetition are in the wrong order");
                id = pool_.repeat(id, min.value_or(0), max.value_or(ExprPool::unbounded));
            } else {
                return id;
            }
        }
    }

    std::uint32_t hex(int digits) {
        std::uint32_t value = 0;
        for (int i = 0; i < digits; ++i, ++at_) {
            const char c = peek();
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) fail("a hexadecimal digit is missing");
            value = value << 4 | static_cast<std::uint32_t>(digit);
        }
        if (value >= alphabet_end) fail("this is no code point");
        return value;
    }

    std::uint32_t character() {
        if (at_ >= text_.size()) fail("it ends inside a text or class");
        if (take("\\")) {
            const char c = peek();
            ++at_;
            switch (c) {
                case 'n':
                    return '\n';
                case 'r':
                    return '\r';
                case 't':
                    return '\t';
                case 'x':
                    return hex(2);
                case 'u':
                    return hex(4);
                case 'U':
                    return hex(8);
                case '\\':
                case '"':
                case '[':
                case ']':
                case '-':
                case '^':
                    return static_cast<std::uint32_t>(c);
                default:
                    --at_;
                    fail("this escape is not known");
            }
        }
        const std::string_view rest = text_.substr(at_);
        const std::size_t bytes = text::next_character(rest).bytes;
        at_ += bytes;
        return static_cast<std::uint32_t>(text::code_point(rest.substr(0, bytes)));
    }

    ExprPool::Id literal() {
        std::vector<ExprPool::Id> parts;
        while (!take("\"")) {
            if (peek() == '\n') fail("a text does not end in its line");
            parts.push_back(pool_.symbol(character()));
        }
        return pool_.sequence(std::move(parts));
    }

    CharSet char_class() {
        const bool negated = take("^");
        CharSet set;
        while (!take("]")) {
            const std::uint32_t first = character();
            std::uint32_t last = first;
            if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
                ++at_;
                last = character();
                if (last < first) fail("the ends of a range are in the wrong order");
            }
            set.push_back({first, last});
        }
        set = normalised(std::move(set));
        return negated ? inverted(set) : set;
    }

    std::string_view text_;
    ExprPool& pool_;
    std::size_t at_ = 0;
    std::vector<Group> open_;
    GbnfRules rules_;
    std::map<std::string, std::int32_t, std::less<>> numbers_;
};

}  // namespace

GbnfRules read_gbnf(std::string_view text, ExprPool& pool) { return Reader(text, pool).read(); }

}  // namespace quern::grammar
