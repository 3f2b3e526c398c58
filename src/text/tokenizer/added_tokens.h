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

class AddedTokens {
public:
    // Adds one token, before the first find(). An empty text is ignored. `control`: found with Specials::parse only.
    enum class Kind : std::uint8_t { always, control };
    void add(std::string_view text, std::int32_t id, Kind kind);

    struct Match {
        std::size_t begin = 0, size = 0;  // size 0: nothing found, begin is the end of the text
        std::int32_t id = -1;
    };
    // The first match at or after `from`.
    Match find(std::string_view text, std::size_t from, Specials specials) const;

private:
    struct Node {
        std::int32_t id = -1;  // token that ends here
        Kind kind = Kind::always;
        unsigned char byte = 0;
        std::uint32_t child = 0, sibling = 0;  // 0: none
    };
    std::uint32_t step(std::uint32_t node, unsigned char byte) const;

    std::array<std::uint32_t, 256> roots_{};  // node of each first byte; 0: no token starts so
    std::array<bool, 256> starts_text_{};     // some token that is always found starts with the byte
    std::vector<Node> nodes_{1};              // node 0 is nobody's
};

}  // namespace quern::text
