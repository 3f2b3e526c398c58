// The merging at the heart of byte-pair encoding, shared by its two kinds: of all neighbouring pairs that may merge,
// the one of lowest rank goes first, the leftmost of equals, until none is left. Short words use a plain scan, which
// beats everything else at their size; long ones a heap over a linked list, so that one word of n symbols costs
// O(n log n) and never n squared.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace quern::text {

// A stretch of the word: `begin` and `size` in bytes, `id` the token it is (-1: none).
struct Symbol {
    std::int32_t id = -1;
    std::uint32_t begin = 0, size = 0;
};

// What two neighbours become. Lower ranks merge first; no_merge: they stay apart.
inline constexpr std::uint32_t no_merge = std::numeric_limits<std::uint32_t>::max();
struct Merge {
    std::uint32_t rank = no_merge;
    std::int32_t id = -1;
};

// Memory reused from word to word.
struct MergeSpace {
    std::vector<std::uint32_t> next, previous;
    std::vector<Merge> pairs;         // pairs[i]: symbol i and the one after it
    std::vector<std::uint64_t> heap;  // rank << 32 | symbol, smallest on top; entries may be out of date
};

namespace detail {

inline constexpr std::size_t short_word = 32;

template <class Lookup>
void merge_short(std::vector<Symbol>& symbols, const Lookup& lookup) {
    Merge pairs[short_word];
    std::size_t count = symbols.size();
    for (std::size_t i = 0; i + 1 < count; ++i) pairs[i] = lookup(symbols[i], symbols[i + 1]);
    while (count > 1) {
        std::size_t best = 0;
        for (std::size_t i = 1; i + 1 < count; ++i)
            if (pairs[i].rank < pairs[best].rank) best = i;
        if (pairs[best].rank == no_merge) break;
        symbols[best].id = pairs[best].id;
        symbols[best].size += symbols[best + 1].size;
        --count;
        for (std::size_t i = best + 1; i < count; ++i) {
            symbols[i] = symbols[i + 1];
            pairs[i] = pairs[i + 1];
        }
        if (best + 1 < count) pairs[best] = lookup(symbols[best], symbols[best + 1]);
        if (best > 0) pairs[best - 1] = lookup(symbols[best - 1], symbols[best]);
    }
    symbols.resize(count);
}

template <class Lookup>
void merge_long(std::vector<Symbol>& symbols, MergeSpace& space, const Lookup& lookup) {
    const auto count = static_cast<std::uint32_t>(symbols.size());
    space.next.resize(count);
    space.previous.resize(count);
    space.pairs.assign(count, Merge{});
    space.heap.clear();
    const auto entry = [&](std::uint32_t i) { return std::uint64_t{space.pairs[i].rank} << 32 | i; };
    for (std::uint32_t i = 0; i < count; ++i) {
        space.next[i] = i + 1;
        space.previous[i] = i - 1;
        if (i + 1 == count) break;
        space.pairs[i] = lookup(symbols[i], symbols[i + 1]);
        if (space.pairs[i].rank != no_merge) space.heap.push_back(entry(i));
    }
    std::make_heap(space.heap.begin(), space.heap.end(), std::greater<>());
    const auto renew = [&](std::uint32_t i) {
        space.pairs[i] = space.next[i] < count ? lookup(symbols[i], symbols[space.next[i]]) : Merge{};
        if (space.pairs[i].rank == no_merge) return;
        space.heap.push_back(entry(i));
        std::push_heap(space.heap.begin(), space.heap.end(), std::greater<>());
    };
    while (!space.heap.empty()) {
        const std::uint64_t top = space.heap.front();
        std::pop_heap(space.heap.begin(), space.heap.end(), std::greater<>());
        space.heap.pop_back();
        const auto left = static_cast<std::uint32_t>(top);
        if (space.pairs[left].rank != top >> 32) continue;  // merged away, or has another neighbour by now
        const std::uint32_t right = space.next[left];
        symbols[left].id = space.pairs[left].id;
        symbols[left].size += symbols[right].size;
        symbols[right].size = 0;
        space.pairs[right] = Merge{};
        space.next[left] = space.next[right];
        if (space.next[left] < count) space.previous[space.next[left]] = left;
        renew(left);
        if (left > 0) renew(space.previous[left]);
    }
    std::erase_if(symbols, [](const Symbol& s) { return s.size == 0; });
}

}  // namespace detail

// Merges until nothing merges. `lookup(left, right)` gives the Merge of two neighbours. Symbols must have a size > 0
// and be fewer than 2^32.
template <class Lookup>
void merge_symbols(std::vector<Symbol>& symbols, MergeSpace& space, const Lookup& lookup) {
    if (symbols.size() <= detail::short_word)
        detail::merge_short(symbols, lookup);
    else
        detail::merge_long(symbols, space, lookup);
}

}  // namespace quern::text
