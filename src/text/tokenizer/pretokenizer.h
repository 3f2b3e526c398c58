// Pre-tokenizers: how each family of byte-level BPE models cuts text into words before any merging, named as in
// `tokenizer.ggml.pre`. A family is data: one or more patterns, each applied inside the pieces of the one before;
// what no pattern matches is a piece too, so the pieces always add up to the text. Patterns are the published ones of
// each family's tokenizer.json, in PCRE2's syntax. Knows nothing of tokens.
//
// Known difference: PCRE2 10.42 has the character tables of Unicode 14, so letters that came later (above all CJK
// extension H) are cut like symbols.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace quern::text {

struct PreTokenizer {
    std::string_view names;  // separated by single spaces
    // A word that is itself a token is that token, whatever the merges would make of it.
    enum class WholeWords : bool { no, first } whole_words = WholeWords::no;
    enum class DefaultBos : bool { no, yes } default_bos = DefaultBos::no;  // when the file does not say
    // What the family's own tokenizers do to a text first. No key of GGUF says so, and other engines leave it out; here
    // a text gives the ids that the model was trained on.
    enum class NormalForm : bool { none, c } normal_form = NormalForm::none;
    std::array<std::string_view, 6> patterns;  // empty ones at the end do not count
};

// In place of a pattern: what `\d{1,3}(?=(?:\d{3})*\b)` cuts off, by hand, since matching it takes time in the square
// of a number's length. Digits in groups of three, counted from the right; a number that a letter follows stays whole.
inline constexpr std::string_view digits_in_threes = "digits in threes";

// The pattern in a form that cuts the same in linear time and little memory, where the published one looks at the rest
// of a run again for each piece, or remembers a place to go back to for every letter; else the pattern itself.
std::string_view without_going_back(std::string_view pattern);

std::span<const PreTokenizer> pre_tokenizers();
// Throws Error(unsupported) listing the known names.
const PreTokenizer& find_pre_tokenizer(std::string_view name);

// The compiled form. split() may be called by several threads at once.
class Splitter {
public:
    explicit Splitter(const PreTokenizer& pre);
    Splitter(Splitter&&) noexcept;
    ~Splitter();

    // Calls `emit` with each piece, in order; none is empty. `text` must be valid UTF-8. Throws Error(no_memory) if a
    // pattern cannot be matched in the memory it may take.
    using Emit = std::function<void(std::string_view piece)>;
    void split(std::string_view text, const Emit& emit) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quern::text
