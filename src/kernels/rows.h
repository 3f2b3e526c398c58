// Rows of views for kernels that work row by row: a view of rank 2 or 3 as one list of rows, and the division of wide
// rows into blocks, so that one row of one token still feeds several threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/spec.h"

namespace quern {

// A view [a, n] has a rows, [a, b, n] has a * b.
[[gnu::always_inline]] inline std::int64_t count_rows(const View& v) {
    return v.rank == 3 ? v.dim[0] * v.dim[1] : v.rank == 2 ? v.dim[0] : 1;
}
[[gnu::always_inline]] inline float* row_at(const View& v, std::int64_t r) {
    if (v.rank == 3) return v.row(r / v.dim[1], r % v.dim[1]);
    return v.rank == 2 ? v.row(r) : v.row(0);
}

// Items of an elementwise kernel: every row in blocks of elements_per_item.
constexpr std::int64_t elements_per_item = 2048;
inline std::int64_t count_items(const View& v) {
    return count_rows(v) * ((v.last() + elements_per_item - 1) / elements_per_item);
}

}  // namespace quern
