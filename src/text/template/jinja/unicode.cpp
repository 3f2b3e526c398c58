#include "text/template/jinja/unicode.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <memory>
#include <span>

#include "base/check.h"
#include "text/template/jinja/case_table.h"
#include "text/utf8.h"

namespace quern::text::jinja {
namespace {

struct Free {
    void operator()(pcre2_code* p) const { pcre2_code_free(p); }
    void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
};

// Whether one valid character is in the class that the pattern describes; Unicode's tables are PCRE2's.
class Pattern {
public:
    explicit Pattern(std::string_view pattern) {
        int error = 0;
        PCRE2_SIZE at = 0;
        code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED, &error, &at, nullptr));
        CHECK(code_ != nullptr);  // the patterns are ours
    }
    bool matches(std::string_view character) const {
        const std::unique_ptr<pcre2_match_data, Free> data(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
        return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(character.data()), character.size(), 0,
                           PCRE2_NO_UTF_CHECK, data.get(), nullptr) > 0;
    }

private:
    std::unique_ptr<pcre2_code, Free> code_;
};

bool valid(std::string_view character) { return !character.empty() && next_character(character).kind == Utf8::valid; }

struct CaseTable {
    std::span<const CaseRange> ranges;
    std::span<const CaseText> texts;

    // False where the character stays as it is.
    bool append(std::string& out, char32_t code) const {
        const auto text = std::ranges::lower_bound(texts, code, {}, &CaseText::code);
        if (text != texts.end() && text->code == code) return out += text->to, true;
        const auto range = std::ranges::lower_bound(ranges, code, {}, &CaseRange::last);
        if (range == ranges.end() || code < range->first || (code - range->first) % range->stride != 0) return false;
        append_utf8(out, static_cast<char32_t>(static_cast<std::int64_t>(code) + range->delta));
        return true;
    }
};
constexpr CaseTable uppers{upper_ranges, upper_texts}, lowers{lower_ranges, lower_texts},
    titles{title_ranges, title_texts};

}  // namespace

std::size_t char_bytes(std::string_view s, std::size_t at) {
    if (static_cast<unsigned char>(s[at]) < 0x80) return 1;
    return next_character(s.substr(at)).bytes;
}

std::size_t count_chars(std::string_view s) {
    std::size_t n = 0;
    for (std::size_t at = 0; at < s.size(); at += char_bytes(s, at)) ++n;
    return n;
}

std::vector<std::size_t> char_offsets(std::string_view s) {
    std::vector<std::size_t> out;
    out.reserve(s.size() + 1);
    for (std::size_t at = 0; at < s.size(); at += char_bytes(s, at)) out.push_back(at);
    out.push_back(s.size());
    return out;
}

std::size_t space_bytes(std::string_view s, std::size_t at) {
    const auto c = static_cast<unsigned char>(s[at]);
    if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) ? 1 : 0;
    const std::string_view character = s.substr(at, char_bytes(s, at));
    if (!valid(character)) return 0;
    const char32_t code = code_point(character);
    const bool space = code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
                       code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
    return space ? character.size() : 0;
}

std::size_t skip_space(std::string_view s, std::size_t at) {
    while (at < s.size()) {
        const std::size_t n = space_bytes(s, at);
        if (n == 0) break;
        at += n;
    }
    return at;
}

std::size_t trim_end(std::string_view s, std::size_t from) {
    std::size_t end = s.size();
    while (end > from) {
        std::size_t last = end - 1;  // where the last character begins, if it is a space
        while (last > from && end - last < 3 && (static_cast<unsigned char>(s[last]) & 0xC0) == 0x80) --last;
        if (space_bytes(s.substr(0, end), last) != end - last) break;
        end = last;
    }
    return end;
}

bool is(CharClass c, std::string_view character) {
    if (!valid(character)) return false;
    static const Pattern unprintable("[\\p{C}\\p{Z}]"), alpha("\\p{L}"), decimal("\\p{Nd}"),
        digit("[\\p{Nd}\\x{B2}\\x{B3}\\x{B9}\\x{2070}\\x{2074}-\\x{2079}\\x{2080}-\\x{2089}]"), upper("\\p{Lu}"),
        lower("\\p{Ll}"), cased("[\\p{Lu}\\p{Ll}\\p{Lt}]");
    switch (c) {
        case CharClass::printable:
            return character == " " || !unprintable.matches(character);
        case CharClass::alpha:
            return alpha.matches(character);
        case CharClass::decimal:
            return decimal.matches(character);
        case CharClass::digit:
            return digit.matches(character);
        case CharClass::upper:
            return upper.matches(character);
        case CharClass::lower:
            return lower.matches(character);
        case CharClass::cased:
            return cased.matches(character);
    }
    return false;
}

void append_case(std::string& out, std::string_view character, Case to) {
    const char c = character[0];
    if (character.size() == 1) {
        const bool is_lower = c >= 'a' && c <= 'z', is_upper = c >= 'A' && c <= 'Z';
        if (to == Case::lower)
            out += is_upper ? static_cast<char>(c + 32) : c;
        else
            out += is_lower ? static_cast<char>(c - 32) : c;
        return;
    }
    const char32_t code = valid(character) ? code_point(character) : 0;
    const bool changed = to == Case::lower
                             ? lowers.append(out, code)
                             : (to == Case::title && titles.append(out, code)) || uppers.append(out, code);
    if (!changed) out += character;
}

}  // namespace quern::text::jinja
