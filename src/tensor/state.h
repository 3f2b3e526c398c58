// State: what a model remembers of a sequence between steps, as its graph declares it and as kernels see it. An
// architecture declares groups; storage, block tables, rewinding and snapshots follow from the declaration. A group is
// kept in pages of fixed rows; a sequence owns a list of pages (its block table). state/ implements the storage, exec/
// hands kernels the views below; neither knows a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace quern {

enum class StateKind {
    per_token,   // one row per token, kept for the whole sequence: ordinary KV
    compressed,  // one row per `ratio` tokens, once they are all there
    ring,        // one row per token, of which the newest `window` stay readable: sliding-window KV
    slot,        // one row per sequence, rewritten every step: recurrent state
};

// A page is one attention tile (see ops/attend.h), so that a tile never crosses pages; a slot's page is its one row.
constexpr std::int64_t page_rows = 64;

struct StateMember {
    std::string name;  // "blk.3.k"
    DType dtype = DType::f32;
    std::int64_t width = 0;  // elements of a row
};

// Members of a group have the same rows at the same time, so they share pages and one block table.
struct StateGroup {
    std::string name;  // "kv"
    StateKind kind = StateKind::per_token;
    std::int64_t ratio = 1;   // compressed: tokens per row
    std::int64_t window = 0;  // ring: rows a token may look back, itself included
    std::vector<StateMember> members;

    std::int64_t rows_per_page() const { return kind == StateKind::slot ? 1 : page_rows; }
    // Rows after `tokens` tokens, rows that were let go included.
    std::int64_t rows_at(std::int64_t tokens) const { return kind == StateKind::slot ? 1 : tokens / ratio; }
    // What can be forgotten again by just counting less; the others need a checkpoint (a copy of the rows).
    bool rewinds_by_truncation() const { return kind == StateKind::per_token || kind == StateKind::compressed; }
};

// Which rows of a step belong to which sequence, and how far each sequence had come. Arrays live as long as the step.
struct Ragged {
    const std::int32_t* row_begin = nullptr;     // [sequences + 1]: sequence s has rows row_begin[s] .. row_begin[s+1]
    const std::int32_t* row_sequence = nullptr;  // [rows]
    const std::int32_t* past = nullptr;          // [sequences]: tokens before this step
    std::int32_t sequences = 0;
    std::int64_t rows = 0;

    // The place of a row's token in its sequence, from 0.
    std::int64_t index(std::int64_t row) const {
        const std::int32_t s = row_sequence[row];
        return past[s] + (row - row_begin[s]);
    }
    std::int64_t new_rows(std::int32_t s) const { return row_begin[s + 1] - row_begin[s]; }
    // Rows that sequence s gains in this step in a state of one row per `ratio` tokens.
    std::int64_t emitted(std::int32_t s, std::int64_t ratio) const {
        return (past[s] + new_rows(s)) / ratio - past[s] / ratio;
    }
};

// One member of a group as kernels see it.
struct PagedView {
    std::byte* base = nullptr;             // this member's first row in page 0
    std::int64_t page_stride = 0;          // bytes from page to page
    std::int64_t row_stride = 0;           // bytes from row to row inside a page
    const std::int32_t* tables = nullptr;  // [sequences, table_stride]: page numbers, -1 where let go
    std::int64_t table_stride = 0;
    std::int64_t rows_per_page = page_rows;
    DType dtype = DType::f32;
    std::int64_t width = 0;  // elements of a row
    std::int64_t ratio = 1;

    // Rows [first, first + up to rows_per_page) of one page are dense in memory.
    std::byte* row(std::int32_t sequence, std::int64_t r) const {
        const std::int32_t page = tables[sequence * table_stride + r / rows_per_page];
        return base + page * page_stride + (r % rows_per_page) * row_stride;
    }
};

// Where the pages are. One object serves all sequences of a model; implemented in state/.
class StateStore {
public:
    virtual ~StateStore() = default;
    // Base, strides, dtype and ratio of a member; tables are filled in per step by the caller.
    virtual PagedView storage(int group, int member) const = 0;
};

}  // namespace quern
