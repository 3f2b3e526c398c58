// What a tokenizer makes of a text before it cuts it: Unicode normal forms, lower case, accents off, strings replaced.
// A list of steps, each applied to what the one before left, with the meaning of the steps of the same names in Hugging
// Face tokenizers, origins of characters included. Bytes that are not UTF-8 pass through every step and separate what
// stands on their sides. Knows nothing of tokens.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/gguf/metadata.h"
#include "text/tokenizer/aligned_text.h"

namespace quern::text {

struct NormalizerStep {
    enum class Kind : std::uint8_t {
        nfc,
        nfd,
        nfkc,
        nfkd,
        lowercase,
        strip_accents,     // every mark (M*) goes
        strip_nonspacing,  // marks of category Mn go
        clean_controls,    // control, private and replacement characters go; white space becomes U+0020
        space_han,         // a space on both sides of each Chinese ideograph
        strip_left,        // white space at the start goes
        strip_right,       // white space at the end goes
        replace,           // `from` by `to`, everywhere
        prepend,           // `to` before a text that is not empty
    };
    Kind kind = Kind::nfc;
    std::string from, to;
    bool operator==(const NormalizerStep&) const = default;
};

class Normalizer {
public:
    Normalizer() = default;
    explicit Normalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {}

    // One text per step, as a model file holds them: the kind's name, and for replace and prepend a tab before each
    // operand. Throws Error(bad_file) showing a step that is not known.
    static std::vector<NormalizerStep> parse(std::span<const std::string> steps);
    static std::vector<std::string> write(std::span<const NormalizerStep> steps);

    bool empty() const { return steps_.empty(); }
    // The text as the steps leave it: a view of `text` itself where they change nothing, else of `space`. `space`
    // tracks origins if its `tracked` is set; then so must `other`, which is working memory.
    Sourced apply(const Sourced& text, AlignedText& space, AlignedText& other) const;

private:
    std::vector<NormalizerStep> steps_;
};

}  // namespace quern::text
