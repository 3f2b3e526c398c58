// What the kernels of attend agree on besides arithmetic: which rows of a source a token sees.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/paged.h"
#include "ops/attend.h"

namespace quern {

struct RowRange {
    std::int64_t begin = 0, end = 0;
    bool empty() const { return begin >= end; }
};

// Rows of `source` that the token at index p of its sequence sees, as ops/attend.h says.
inline RowRange seen_rows(const AttendSource& source, std::int64_t p) {
    const std::int64_t begin = source.window > 0 ? std::max<std::int64_t>(0, p - source.window + 1) : 0;
    return {begin, (p + 1) / source.k.ratio};
}

}  // namespace quern
