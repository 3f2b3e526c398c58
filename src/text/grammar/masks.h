// Which tokens may come next, for a position of a machine: one bit per token. Most of the work is done once per grammar
// and vocabulary: for each place in a leaf where many characters can follow (inside strings, above all), the tokens
// that stay inside the leaf are found ahead, for they do not depend on the frames; only tokens that leave it are
// followed on, from the points of the trie where they do.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "text/grammar/machine.h"
#include "text/grammar/token_trie.h"

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
    LeafMasks(std::shared_ptr<const Program> program, std::shared_ptr<const TokenTrie> trie, std::size_t ahead = 64);

    // Null where the place is not broad: then following the trie is quick.
    std::shared_ptr<const Place> find(std::int32_t leaf_state, std::uint32_t spelling_state);

    const Program& program() const { return *program_; }
    const TokenTrie& trie() const { return *trie_; }

private:
    struct Kept {
        std::shared_ptr<const Place> place;
        std::uint64_t used = 0;
    };
    bool is_broad(const Leaf& leaf, std::int32_t state) const;
    std::shared_ptr<const Place> compute(const Leaf& leaf, std::int32_t state) const;

    std::shared_ptr<const Program> program_;
    std::shared_ptr<const TokenTrie> trie_;
    std::mutex mutex_;
    std::vector<Kept> kept_;  // [leaf state]
    std::size_t count_ = 0;
    std::uint64_t clock_ = 0;
};

// Sets the bits of the tokens that may follow; the mask must be zero before, and of trie.mask_words(). End tokens are
// not this function's business. Leaves the machine as it was.
void add_allowed(Machine& machine, const Machine::Position& position, LeafMasks& masks, std::span<std::uint64_t> mask);

}  // namespace quern::grammar
