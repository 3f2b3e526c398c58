// Remembers what pairs of tokens merged to. SentencePiece finds merges by the joint text of two neighbours, which means
// hashing that text each time; texts repeat, so most pairs were asked for before. A direct-mapped table of fixed size;
// belongs to one call at a time (see scratch.h), so no locks.
#pragma once

#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "text/tokenizer/merge.h"

namespace quern::text {

class PairCache {
public:
    // The merge of two tokens; `ask()` finds it if it is not known. Ids must not be negative.
    template <class Ask>
    Merge find(std::int32_t left, std::int32_t right, const Ask& ask) {
        const std::uint64_t pair =
            std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
        Slot& slot = slots_[splitmix64(pair) >> (64 - bits)];
        if (slot.pair != pair) slot = {pair, ask()};
        return slot.merge;
    }

private:
    struct Slot {
        std::uint64_t pair = ~std::uint64_t{0};
        Merge merge;
    };
    static constexpr unsigned bits = 16;  // 1 MiB

    std::vector<Slot> slots_{std::size_t{1} << bits};
};

}  // namespace quern::text
