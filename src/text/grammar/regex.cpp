#include "text/grammar/regex.h"

#include <optional>

#include "base/error.h"
#include "text/utf8.h"

namespace quern::grammar {
namespace {

constexpr std::size_t max_depth = 200;

const CharSet digits{{'0', '9'}};
const CharSet word_characters{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
// WhiteSpace and LineTerminator of ECMA-262.
const CharSet spaces{{9, 13},          {32, 32},         {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
                     {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
const CharSet line_ends{{10, 10}, {13, 13}, {0x2028, 0x2029}};

class Reader {
public:
    Reader(std::string_view text, ExprPool& pool) : text_(text), pool_(pool) {
        if (text::valid_prefix(text) != text.size()) throw Error(Code::bad_request, "a pattern must be valid UTF-8");
    }

    ExprPool::Id read() {
        open_.emplace_back();
        while (at_ < text_.size()) term();
        if (open_.size() > 1) fail("a group is not closed");
        return close();
    }

private:
    // A group being read: the finished choices, and the parts of the one at hand.
    struct Group {
        std::vector<ExprPool::Id> choices, parts;
    };

    [[noreturn]] void fail(std::string_view what) const {
        throw Error(Code::bad_request, "the pattern is wrong at byte {}: {}", at_, what);
    }
    [[noreturn]] void unknown(std::string_view what) const {
        throw Error(Code::unsupported, "the pattern has {} at byte {}, which is not supported", what, at_);
    }
    bool have(std::string_view s) const { return text_.substr(at_).starts_with(s); }
    bool take(std::string_view s) {
        if (!have(s)) return false;
        at_ += s.size();
        return true;
    }
    std::uint32_t next_code() {
        if (at_ >= text_.size()) fail("it ends too early");
        const std::string_view rest = text_.substr(at_);
        const std::size_t bytes = text::next_character(rest).bytes;
        at_ += bytes;
        return static_cast<std::uint32_t>(text::code_point(rest.substr(0, bytes)));
    }
    ExprPool::Id close() {
        Group& g = open_.back();
        g.choices.push_back(pool_.sequence(std::move(g.parts)));
        const ExprPool::Id id = pool_.choice(std::move(g.choices));
        open_.pop_back();
        return id;
    }
    void add(ExprPool::Id id) { open_.back().parts.push_back(id); }

    void term() {
        if (take("|")) {
            Group& g = open_.back();
            g.choices.push_back(pool_.sequence(std::move(g.parts)));
            g.parts.clear();
        } else if (have("(")) {
            open_group();
        } else if (take(")")) {
            if (open_.size() == 1) fail("this bracket closes nothing");
            const ExprPool::Id id = close();
            add(quantified(id));
        } else if (take("^")) {
            add(pool_.begin());
        } else if (take("$")) {
            add(pool_.end());
        } else if (have("*") || have("+") || have("?")) {
            fail("there is nothing to repeat");
        } else {
            const ExprPool::Id id = pool_.set(one());
            add(quantified(id));
        }
    }

    void open_group() {
        if (have("(?=") || have("(?!") || have("(?<=") || have("(?<!")) unknown("look-around");
        at_ += 1;
        if (take("?<")) {
            while (at_ < text_.size() && text_[at_] != '>') ++at_;
            if (!take(">")) fail("the name of a group does not end");
        } else if (take("?")) {
            if (!take(":")) unknown("a group of an unknown kind");
        }
        if (open_.size() > max_depth)
            throw Error(Code::unsupported, "the pattern nests groups over {} deep", max_depth);
        open_.emplace_back();
    }

    std::optional<std::uint32_t> number() {
        std::optional<std::uint32_t> n;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            n = n.value_or(0) * 10 + static_cast<std::uint32_t>(text_[at_] - '0');
            if (*n > 1'000'000) throw Error(Code::unsupported, "the pattern repeats something over a million times");
        }
        return n;
    }

    ExprPool::Id quantified(ExprPool::Id id) {
        std::uint32_t min = 1, max = 1;
        const std::size_t before = at_;
        if (take("*")) {
            min = 0, max = ExprPool::unbounded;
        } else if (take("+")) {
            max = ExprPool::unbounded;
        } else if (take("?")) {
            min = 0;
        } else if (take("{")) {
            const auto low = number();
            const bool comma = take(",");
            const auto high = comma ? number() : low;
            if (!low || !take("}")) {
                at_ = before;  // a brace that is no quantifier means itself
                return id;
            }
            min = *low, max = high.value_or(ExprPool::unbounded);
            if (min > max) fail("the numbers of a quantifier are in the wrong order");
        } else {
            return id;
        }
        take("?");
        if (have("*") || have("+") || have("?")) fail("there is nothing to repeat");
        return pool_.repeat(id, min, max);
    }

    // One character, class or escape outside a class.
    CharSet one() {
        if (take(".")) return inverted(line_ends);
        if (take("[")) return char_class();
        if (take("\\")) return escape(false);
        const std::uint32_t c = next_code();
        return {{c, c}};
    }

    CharSet char_class() {
        const bool negated = take("^");
        CharSet set;
        while (!take("]")) {
            CharSet low = class_atom();
            const bool range = have("-") && !have("-]");
            if (!range) {
                set.insert(set.end(), low.begin(), low.end());
                continue;
            }
            take("-");
            const CharSet high = class_atom();
            const auto single = [](const CharSet& s) { return s.size() == 1 && s[0].first == s[0].last; };
            if (!single(low) || !single(high)) fail("a range of a class must be between two characters");
            if (low[0].first > high[0].first) fail("the ends of a range are in the wrong order");
            set.push_back({low[0].first, high[0].first});
        }
        set = normalised(std::move(set));
        return negated ? inverted(set) : set;
    }

    CharSet class_atom() {
        if (take("\\")) return escape(true);
        const std::uint32_t c = next_code();
        return {{c, c}};
    }

    std::uint32_t hex(std::size_t count) {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const char c = at_ < text_.size() ? text_[at_] : ' ';
            const int digit = c >= '0' && c <= '9'   ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) fail("a hexadecimal digit is missing");
            value = value * 16 + static_cast<std::uint32_t>(digit);
            ++at_;
        }
        return value;
    }

    std::uint32_t unicode_escape() {
        if (take("{")) {
            std::size_t count = 0;
            while (at_ + count < text_.size() && text_[at_ + count] != '}' && count < 9) ++count;
            if (count == 0 || count > 8) fail("a code point has 1 to 8 hexadecimal digits");
            const std::uint32_t c = hex(count);
            if (!take("}") || c >= alphabet_end) fail("this is no code point");
            return c;
        }
        const std::uint32_t high = hex(4);
        if (high < 0xd800 || high > 0xdbff || !have("\\u")) return high;
        const std::size_t before = at_;
        at_ += 2;
        const std::uint32_t low = hex(4);
        if (low >= 0xdc00 && low <= 0xdfff) return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        at_ = before;
        return high;
    }

    CharSet escape(bool in_class) {
        const std::uint32_t c = next_code();
        const auto just = [](std::uint32_t code) { return CharSet{{code, code}}; };
        switch (c) {
            case 'd':
                return digits;
            case 'D':
                return inverted(digits);
            case 'w':
                return word_characters;
            case 'W':
                return inverted(word_characters);
            case 's':
                return spaces;
            case 'S':
                return inverted(spaces);
            case 't':
                return just('\t');
            case 'n':
                return just('\n');
            case 'r':
                return just('\r');
            case 'f':
                return just('\f');
            case 'v':
                return just('\v');
            case 'x':
                return just(hex(2));
            case 'u':
                return just(unicode_escape());
            case 'p':
            case 'P':
                return property(c == 'P');
            case 'c': {
                const std::uint32_t letter = next_code() | 0x20;
                if (letter < 'a' || letter > 'z') fail("a control escape needs a letter");
                return just(letter - 'a' + 1);
            }
            case 'b':
                if (in_class) return just('\b');
                unknown("a word boundary");
            case 'B':
                unknown("a word boundary");
            case 'k':
                unknown("a back reference");
            default:
                break;
        }
        if (c == '0' && !(at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')) return just(0);
        if (c >= '0' && c <= '9') unknown("a back reference");
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') unknown("an escape with this letter");
        return just(c);
    }

    CharSet property(bool negated) {
        if (!take("{")) fail("the name of a property must stand in braces");
        const std::size_t end = text_.find('}', at_);
        if (end == text_.npos) fail("the name of a property does not end");
        std::string_view name = text_.substr(at_, end - at_);
        for (const std::string_view key : {"General_Category=", "gc=", "Script=", "sc="})
            if (name.starts_with(key)) {
                name.remove_prefix(key.size());
                break;
            }
        const CharSet& set = unicode_property(name);
        at_ = end + 1;
        return negated ? inverted(set) : set;
    }

    std::string_view text_;
    ExprPool& pool_;
    std::size_t at_ = 0;
    std::vector<Group> open_;
};

}  // namespace

Dfa regex_dfa(std::string_view pattern, Match match, Budget& budget) {
    ExprPool pool;
    ExprPool::Id root = Reader(pattern, pool).read();
    if (match == Match::anywhere) {
        const ExprPool::Id any = pool.repeat(pool.set({{0, alphabet_end - 1}}), 0, ExprPool::unbounded);
        root = pool.sequence({any, root, any});
    }
    return determinised(regular_nfa(pool, std::span(&root, 1), ExprPool::Kind::sequence, {}, budget), budget);
}

}  // namespace quern::grammar
