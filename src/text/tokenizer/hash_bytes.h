// A hash of short texts for look-up tables: eight bytes at a time. Not stable across versions, so never stored.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/hash.h"

namespace quern::text {

inline std::uint64_t hash_bytes(std::string_view text) {
    std::uint64_t hash = text.size();
    for (; text.size() > 8; text.remove_prefix(8)) {
        std::uint64_t part;
        std::memcpy(&part, text.data(), 8);
        hash = splitmix64(hash ^ part);
    }
    std::uint64_t part = 0;
    if (!text.empty()) std::memcpy(&part, text.data(), text.size());
    return splitmix64(hash ^ part);
}

}  // namespace quern::text
