#include "text/tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>

#include "base/check.h"

namespace quern::text {
namespace {

const utf8proc_property_t& property(char32_t c) { return *utf8proc_get_property(static_cast<utf8proc_int32_t>(c)); }

bool between(int category, int first, int last) { return category >= first && category <= last; }

// Hangul syllables are composed by rule (Unicode 15, 3.12): vowels and final consonants join what stands before.
bool joins_hangul(char32_t c) { return (c >= 0x1161 && c <= 0x1175) || (c >= 0x11A8 && c <= 0x11C2); }

constexpr std::size_t longest_decomposition = 32;  // Unicode's longest, of U+FDFA, has 18

std::size_t decompose(char32_t c, bool compatible, char32_t* out) {
    utf8proc_int32_t codes[longest_decomposition];
    int boundary = 0;
    const int options = UTF8PROC_DECOMPOSE | UTF8PROC_STABLE | (compatible ? UTF8PROC_COMPAT : 0);
    const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), codes, longest_decomposition,
                                           static_cast<utf8proc_option_t>(options), &boundary);
    CHECK(n > 0 && n <= std::ptrdiff_t(longest_decomposition));
    std::copy_n(codes, n, out);
    return static_cast<std::size_t>(n);
}

// What two characters become together; 0: they stay two.
char32_t compose(char32_t a, char32_t b) {
    const auto joining = property(b).comb_index;
    if (joining == UINT16_MAX && !joins_hangul(b)) return 0;
    utf8proc_int32_t pair[2] = {static_cast<utf8proc_int32_t>(a), static_cast<utf8proc_int32_t>(b)};
    const auto n =
        utf8proc_normalize_utf32(pair, 2, static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    return n == 1 ? static_cast<char32_t>(pair[0]) : 0;
}

int combining_class(char32_t c) { return property(c).combining_class; }

std::vector<ChangedCharacter> decompose_all(const char32_t* text, std::size_t count, bool compatible) {
    std::vector<ChangedCharacter> out;
    char32_t codes[longest_decomposition];
    std::size_t marks = 0;  // where the run of characters that are not starters begins
    const auto sort_marks = [&] {
        std::stable_sort(out.begin() + std::ptrdiff_t(marks), out.end(),
                         [](const ChangedCharacter& a, const ChangedCharacter& b) {
                             return combining_class(a.code) < combining_class(b.code);
                         });
    };
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t n = decompose(text[i], compatible, codes);
        for (std::size_t k = 0; k < n; ++k) {
            const bool starter = combining_class(codes[k]) == 0;
            if (starter) sort_marks();
            out.push_back({codes[k], k == 0 ? 0 : 1});
            if (starter) marks = out.size();
        }
    }
    sort_marks();
    return out;
}

// In place: a mark joins the last starter unless one of its own class or higher stands between (UAX 15, D117).
void compose_all(std::vector<ChangedCharacter>& text) {
    constexpr std::size_t none = ~std::size_t{0};
    std::size_t starter = none, kept = 0;
    int last_class = 0;  // of what stands between; 0: nothing does
    for (const ChangedCharacter c : text) {
        const int own = combining_class(c.code);
        if (starter != none && (last_class == 0 || last_class < own)) {
            if (const char32_t both = compose(text[starter].code, c.code)) {
                text[starter].code = both;
                text[starter].change += c.change - 1;
                continue;
            }
        }
        if (own == 0) {
            starter = kept;
            last_class = 0;
        } else {
            last_class = own;
        }
        text[kept++] = c;
    }
    text.resize(kept);
}

}  // namespace

bool is_white_space(char32_t c) {
    if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
    return c == 0x85 || between(property(c).category, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP);
}

bool is_punctuation(char32_t c) { return between(property(c).category, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO); }

bool is_mark(char32_t c) { return between(property(c).category, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }

bool is_nonspacing_mark(char32_t c) { return property(c).category == UTF8PROC_CATEGORY_MN; }

bool is_other(char32_t c) { return between(property(c).category, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO); }

bool is_word_character(char32_t c) {
    const int category = property(c).category;
    const bool enclosed = (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
                          (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);  // alphabetic symbols
    return between(category, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL) || category == UTF8PROC_CATEGORY_PC ||
           c == 0x200C || c == 0x200D || enclosed;
}

void append_lower_case(std::vector<char32_t>& out, char32_t c) {
    if (c == 0x130) {
        out.insert(out.end(), {U'i', 0x307});
        return;
    }
    out.push_back(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

std::vector<ChangedCharacter> normalise(const char32_t* text, std::size_t count, NormalForm form) {
    std::vector<ChangedCharacter> out = decompose_all(text, count, form == NormalForm::kc || form == NormalForm::kd);
    if (composes(form)) compose_all(out);
    return out;
}

bool is_stable(char32_t c, NormalForm form) {
    if (c < 0x80 || (c < 0x300 && form == NormalForm::c)) return true;
    const utf8proc_property_t& p = property(c);
    if (p.combining_class != 0) return false;
    if (composes(form)) {
        if (c >= 0xAC00 && c <= 0xD7A3) return true;
        // utf8proc marks with bit 15 what can be the second of a pair.
        if ((p.comb_index != UINT16_MAX && p.comb_index >= 0x8000) || joins_hangul(c)) return false;
    } else if (c >= 0xAC00 && c <= 0xD7A3) {
        return false;
    }
    if (p.decomp_seqindex == UINT16_MAX) return true;
    if (p.decomp_type != 0 && (form == NormalForm::c || form == NormalForm::d)) return true;  // compatible only
    const std::vector<ChangedCharacter> alone = normalise(&c, 1, form);
    return alone.size() == 1 && alone[0].code == c;
}

}  // namespace quern::text
