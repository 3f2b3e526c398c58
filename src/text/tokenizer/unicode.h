// What the tokenizers ask of Unicode's character database (utf8proc 2.8: Unicode 15): kinds of characters, lower case,
// and the mappings of the four normalisation forms (UAX 15). Takes code points, knows nothing of encodings or texts.
#pragma once

#include <cstdint>
#include <vector>

namespace quern::text {

bool is_white_space(char32_t c);      // the property White_Space
bool is_punctuation(char32_t c);      // general category P*
bool is_mark(char32_t c);             // M*: accents and vowel signs
bool is_nonspacing_mark(char32_t c);  // Mn
bool is_other(char32_t c);            // Cc, Cf, Co: control, format, private use
bool is_word_character(char32_t c);   // what \w matches: letters, marks, decimal digits, connectors, joiners

// Full lower case without regard to neighbours: appends one character, or two for U+0130.
void append_lower_case(std::vector<char32_t>& out, char32_t c);

enum class NormalForm : std::uint8_t { c, d, kc, kd };
constexpr bool composes(NormalForm form) { return form == NormalForm::c || form == NormalForm::kc; }

// One character, or what a form makes of it, with what happened: `change` 0 for a character that takes the place of
// one, 1 for one that is added, -n for one that takes the place of 1 + n.
struct ChangedCharacter {
    char32_t code = 0;
    int change = 0;
};
// A text without malformed parts in the given form.
std::vector<ChangedCharacter> normalise(const char32_t* text, std::size_t count, NormalForm form);

// Whether the form leaves this character as it is whatever stands before it, and it ends what came before: a text may
// be cut before such a character and its parts normalised apart, except that marks after it can still join it.
bool is_stable(char32_t c, NormalForm form);

}  // namespace quern::text
