// Which tokens may come next, for a position of a machine: one bit per token. Most of the work is done beforehand. What
// tokens do inside a JSON string is known for the whole vocabulary (string_tokens.h) and holds as long as the string
// may go on as it likes; other places where many characters can follow (patterns, free text) are worked out once per
// grammar. Only tokens that leave a leaf depend on the frames, and are followed on from the points of the trie where
// they do.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "text/grammar/machine.h"
#include "text/grammar/string_tokens.h"

namespace quern::grammar {

// The part that all matchers of one program and vocabulary share. Thread-safe; keeps at most max_kept places.
class LeafMasks {
public:
    static constexpr std::size_t max_kept = 256;  // 19 KB each for 150,000 tokens
    static constexpr int broad = 16;              // ASCII characters that can follow, from which on a place is kept

    struct Boundary {
        std::uint32_t node;  // of the trie: its text ends the leaf, and tokens go on below it
        std::int32_t label;
    };
    struct Place {
        std::vector<std::uint64_t> bits;
        std::vector<Boundary> boundaries;  // by label
    };

    // Finds the masks of the broad places met first, up to `ahead` of them.
    LeafMasks(std::shared_ptr<const Program> program, std::shared_ptr<const Vocabulary> vocabulary,
              std::size_t ahead = 64);

    // How many characters of a string can be read from here as if any were allowed: so many, and none after them; far
    // if that is not the way to see this place.
    std::uint32_t free_chars(const Leaf& leaf, std::int32_t state) const;
    // For each of strings().closes(), the label with which it leaves the leaf; only where free_chars() is not far.
    std::shared_ptr<const std::vector<std::int32_t>> close_labels(const Leaf& leaf, std::int32_t state);
    // Null where the place is not broad: then following the trie is quick.
    std::shared_ptr<const Place> find(std::int32_t leaf_state, std::uint32_t spelling_state);
    // The same number for places with the same mask, as far as that is known. For keys of caches.
    std::uint64_t alike(std::int32_t leaf_state, std::uint32_t spelling_state) const;

    const Program& program() const { return *program_; }
    const TokenTrie& trie() const { return vocabulary_->trie; }
    const StringTokens& strings() const { return vocabulary_->strings; }

private:
    struct Kept {
        std::shared_ptr<const Place> place;
        std::shared_ptr<const std::vector<std::int32_t>> labels;
        std::uint64_t used = 0;
    };
    Kept& keep(std::int32_t leaf_state);
    bool is_broad(const Leaf& leaf, std::int32_t state) const;
    std::shared_ptr<const Place> compute(const Leaf& leaf, std::int32_t state) const;

    std::shared_ptr<const Program> program_;
    std::shared_ptr<const Vocabulary> vocabulary_;
    std::mutex mutex_;
    std::unordered_map<std::int32_t, Kept> kept_;  // by leaf state
    std::uint64_t clock_ = 0;
};

// Sets the bits of the tokens that may follow; the mask must be zero before, and of trie.mask_words(). End tokens are
// not this function's business. Leaves the machine as it was.
void add_allowed(Machine& machine, const Machine::Position& position, LeafMasks& masks, std::span<std::uint64_t> mask);

}  // namespace quern::grammar
