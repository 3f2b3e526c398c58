// What tokens do inside a JSON string whose characters do not matter: how many characters each needs, and which of them
// close the string. Strings are where most of an answer is written, so this is found once for a vocabulary and serves
// every string and key of every grammar. Immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/grammar/token_trie.h"

namespace quern::grammar {

class StringTokens {
public:
    explicit StringTokens(const TokenTrie& trie);

    // A place in the trie where the closing quote has just been read.
    struct Close {
        std::uint32_t node;
        std::uint32_t first_byte, bytes;  // what is read before the quote, in text()
        std::uint32_t chars;              // as characters
    };
    std::span<const Close> closes() const { return closes_; }
    std::string_view text() const { return text_; }

    std::uint32_t max_chars() const { return max_chars_; }  // the most that any token needs
    // Sets the bits of the tokens that stay inside the string and need at most `chars` characters.
    void add_inside(std::uint32_t chars, std::span<std::uint64_t> mask) const;

private:
    static constexpr std::uint32_t max_kept = 48;  // masks by length up to here, lists beyond

    std::vector<Close> closes_;
    std::string text_;
    std::vector<std::vector<std::uint64_t>> within_;              // [chars]
    std::vector<std::pair<std::uint32_t, std::int32_t>> longer_;  // chars and token, in order
    std::uint32_t max_chars_ = 0;
};

// A vocabulary and what is known of it beforehand. Shared by all grammars.
struct Vocabulary {
    Vocabulary(std::span<const std::string> bytes, std::span<const std::int32_t> control,
               std::span<const std::int32_t> ends)
        : trie(bytes, control, ends), strings(trie) {}

    TokenTrie trie;
    StringTokens strings;
};

}  // namespace quern::grammar
