// The merges of a byte-pair encoding by the pair of ids they join, read from `tokenizer.ggml.merges`. Open addressing,
// at most half full: this look-up is where an encoder spends its time.
#pragma once

#include <vector>

#include "base/hash.h"
#include "format/gguf/metadata.h"
#include "text/tokenizer/merge.h"
#include "text/tokenizer/vocabulary.h"

namespace quern::text {

class MergeTable {
public:
    MergeTable() : slots_(1) {}
    // Merges that would make a control token are left out, since nothing a user writes may become one. Throws
    // Error(bad_file) naming `tokenizer.ggml.merges` if it is missing, names tokens that do not exist, or has a pair
    // twice.
    MergeTable(const Vocabulary& vocabulary, const gguf::Metadata& metadata);

    Merge find(std::int32_t left, std::int32_t right) const {
        const std::uint64_t pair = pair_of(left, right);
        std::size_t slot = splitmix64(pair) & (slots_.size() - 1);
        while (slots_[slot].pair != empty) {
            if (slots_[slot].pair == pair) return slots_[slot].merge;
            slot = (slot + 1) & (slots_.size() - 1);
        }
        return {};
    }

private:
    struct Slot {
        std::uint64_t pair = empty;
        Merge merge;
    };
    static constexpr std::uint64_t empty = ~std::uint64_t{0};
    static std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
        return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
    }

    std::vector<Slot> slots_;  // a power of two
};

}  // namespace quern::text
