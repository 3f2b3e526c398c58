// Rendered prompts in pieces, and their token ids. Only the template's own text is searched for control tokens; what
// lies between two of them is tokenized as one text, wherever its bytes came from, so that words across the edge of a
// message merge as they always would.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer/tokenizer.h"

namespace quern::text {

struct Segment {
    enum class Kind { text, control };
    Kind kind = Kind::text;
    std::string text;
    bool operator==(const Segment&) const = default;
};

// The control tokens of a vocabulary by their text.
class ControlTokens {
public:
    explicit ControlTokens(const Tokenizer& tokenizer);

    struct Token {
        std::string text;
        std::int32_t id = -1;
    };
    // The longest that stands in `text` at `at`, or nullptr.
    const Token* find(std::string_view text, std::size_t at) const;

private:
    std::array<std::vector<Token>, 256> by_first_byte_;
};

// The ids of rendered segments, without begin and end tokens.
std::vector<std::int32_t> encode_segments(const Tokenizer& tokenizer, const ControlTokens& controls,
                                          std::span<const Segment> segments);
// The same where there is nobody to keep ControlTokens: looks through the vocabulary each time.
std::vector<std::int32_t> encode_segments(const Tokenizer& tokenizer, std::span<const Segment> segments);

}  // namespace quern::text
