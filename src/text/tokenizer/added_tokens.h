// Finds whole tokens in a text before anything else looks at it: user-defined tokens always, control tokens only when
// asked. Leftmost match first, the longest of those that start there. A trie over bytes; knows nothing of the
// tokenizer model between the matches.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace quern::text {

// Whether control tokens written out in a text are those tokens, or just text. Never parse what a user wrote.
enum class Specials { as_text, parse };

// How a token behaves in a text, with Hugging Face's names. The numbers are those of the files (tokenizer.h).
struct AddedFlags {
    bool lstrip = false;       // takes the white space before it along
    bool rstrip = false;       // takes the white space after it along
    bool single_word = false;  // only where no word character touches it
    bool normalized = false;   // found in the normalised text, not in the text as it is
    std::uint8_t bits() const {
        return static_cast<std::uint8_t>(lstrip | (rstrip << 1) | (single_word << 2) | (normalized << 3));
    }
    static AddedFlags of(std::uint8_t bits) {
        return {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    }
};

class AddedTokens {
public:
    // Adds one token, before the first find(). An empty text is ignored. `control`: found with Specials::parse only.
    enum class Kind : std::uint8_t { always, control };
    void add(std::string_view text, std::int32_t id, Kind kind, AddedFlags flags = {});
    bool empty() const { return nodes_.size() == 1; }

    struct Match {
        std::size_t begin = 0, size = 0;  // with the white space it takes; size 0: nothing found, at the text's end
        std::int32_t id = -1;
    };
    // The first match at or after `from`, where the match before ended.
    Match find(std::string_view text, std::size_t from, Specials specials) const;

private:
    struct Node {
        std::int32_t id = -1;  // token that ends here
        Kind kind = Kind::always;
        unsigned char byte = 0;
        AddedFlags flags;
        std::uint32_t child = 0, sibling = 0;  // 0: none
    };
    std::uint32_t step(std::uint32_t node, unsigned char byte) const;

    std::array<std::uint32_t, 256> roots_{};  // node of each first byte; 0: no token starts so
    std::array<bool, 256> starts_text_{};     // some token that is always found starts with the byte
    std::vector<Node> nodes_{1};              // node 0 is nobody's
};

}  // namespace quern::text
