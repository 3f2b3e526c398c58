// A vocabulary as a trie of bytes, so that tokens with a common beginning are tried together. Takes plain bytes and
// ids; which tokenizer they come from is not its business. Immutable, shared by all threads; made once per tokenizer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quern::grammar {

class TokenTrie {
public:
    struct Node {
        std::uint32_t end;    // the node after all below this one; its first child is the next node
        std::uint32_t first;  // of tokens(): what ends here comes first, then what ends below
        std::uint32_t own;    // how many tokens end exactly here
        std::uint8_t byte;    // the step to here
    };

    // bytes[id]: what the token writes; empty for none. A control token never matches text, so list here only those
    // that no grammar spells out; `ends` are the tokens after which an answer is over.
    TokenTrie(std::span<const std::string> bytes, std::span<const std::int32_t> control,
              std::span<const std::int32_t> ends);

    std::int32_t vocab_size() const { return static_cast<std::int32_t>(bytes_.size()); }
    std::size_t mask_words() const { return (bytes_.size() + 63) / 64; }
    std::span<const Node> nodes() const { return nodes_; }            // [0] is the root; depth first
    std::span<const std::int32_t> tokens() const { return tokens_; }  // in the order of the nodes
    std::span<const std::int32_t> ends() const { return ends_; }
    std::span<const std::uint64_t> everything() const {
        return everything_;
    }  // a mask of all tokens that write something
    bool is_end(std::int32_t id) const;
    // Empty for control tokens.
    const std::string& bytes(std::int32_t id) const { return bytes_[static_cast<std::size_t>(id)]; }

private:
    std::vector<std::string> bytes_;
    std::vector<std::int32_t> tokens_, ends_;
    std::vector<Node> nodes_;
    std::vector<std::uint64_t> everything_;
};

}  // namespace quern::grammar
