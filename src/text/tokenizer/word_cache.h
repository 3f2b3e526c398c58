// Remembers how recent short words were encoded: in running text most words are repeats. A direct-mapped table of
// fixed size; a new word takes the place of the old one. Belongs to one call at a time (see scratch.h), so no locks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "text/tokenizer/hash_bytes.h"

namespace quern::text {

class WordCache {
public:
    static constexpr std::size_t max_bytes = 46, max_ids = 20;

    // Appends the word's ids and returns true if it is known.
    bool find(std::string_view word, std::vector<std::int32_t>& out) const {
        if (word.size() > max_bytes) return false;
        const Entry& e = entries_[slot(word)];
        if (e.bytes != word.size() || std::memcmp(e.text, word.data(), word.size()) != 0) return false;
        out.insert(out.end(), e.ids, e.ids + e.count);
        return true;
    }

    void put(std::string_view word, std::span<const std::int32_t> ids) {
        if (word.empty() || word.size() > max_bytes || ids.size() > max_ids) return;
        Entry& e = entries_[slot(word)];
        e.bytes = static_cast<std::uint8_t>(word.size());
        e.count = static_cast<std::uint8_t>(ids.size());
        std::memcpy(e.text, word.data(), word.size());
        std::copy(ids.begin(), ids.end(), e.ids);
    }

private:
    struct Entry {
        std::uint8_t bytes = 0, count = 0;  // bytes 0: free
        char text[max_bytes];
        std::int32_t ids[max_ids];
    };
    static_assert(sizeof(Entry) == 128);
    static constexpr unsigned bits = 15;  // 4 MiB; the words of a long text mostly fit

    static std::size_t slot(std::string_view word) { return static_cast<std::size_t>(hash_bytes(word) >> (64 - bits)); }

    std::vector<Entry> entries_{std::size_t{1} << bits};
};

}  // namespace quern::text
