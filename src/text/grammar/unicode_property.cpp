#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "text/grammar/regex.h"
#include "text/utf8.h"

namespace quern::grammar {
namespace {

// ECMA-262 also knows the long names of general categories, PCRE2 only the short ones.
constexpr std::array<std::pair<std::string_view, std::string_view>, 38> long_names{{
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"Format", "Cf"},
}};

// All code points but the surrogates, one after the other.
const std::string& all_characters() {
    static const std::string text = [] {
        std::string out;
        out.reserve(4'400'000);
        for (char32_t c = 0; c < alphabet_end; ++c)
            if (c < 0xd800 || c > 0xdfff) text::append_utf8(out, c);
        return out;
    }();
    return text;
}

CharSet find_property(std::string_view name) {
    std::string_view known = name;
    for (const auto& [full, brief] : long_names)
        if (full == name) known = brief;
    const std::string pattern = "\\p{" + std::string(known) + "}+";
    int error = 0;
    PCRE2_SIZE at = 0;
    const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF, &error, &at, nullptr),
        pcre2_code_free);
    if (!code) throw Error(Code::unsupported, "there is no Unicode property '{}' here", name);
    const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
        pcre2_match_data_create_from_pattern(code.get(), nullptr), pcre2_match_data_free);
    const std::string& text = all_characters();
    CharSet set;
    for (std::size_t from = 0; from < text.size();) {
        const int found = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                                      PCRE2_NO_UTF_CHECK, match.get(), nullptr);
        if (found < 0) break;
        const PCRE2_SIZE* span = pcre2_get_ovector_pointer(match.get());
        std::size_t last = span[1] - 1;
        while ((static_cast<unsigned char>(text[last]) & 0xc0) == 0x80) --last;
        const auto code_at = [&](std::size_t i) {
            return static_cast<std::uint32_t>(text::code_point(
                std::string_view(text).substr(i, text::next_character(std::string_view(text).substr(i)).bytes)));
        };
        set.push_back({code_at(span[0]), code_at(last)});
        from = span[1];
    }
    return normalised(std::move(set));
}

}  // namespace

const CharSet& unicode_property(std::string_view name) {
    static std::mutex mutex;
    static std::map<std::string, CharSet, std::less<>> known;  // one entry for each name PCRE2 knows: bounded
    for (const char c : name)
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            throw Error(Code::unsupported, "there is no Unicode property '{}' here", name);
    const std::lock_guard lock(mutex);
    const auto it = known.find(name);
    if (it != known.end()) return it->second;
    return known.emplace(name, find_property(name)).first->second;
}

}  // namespace quern::grammar
