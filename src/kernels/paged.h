// Rows of paged state for kernels: the rows a step adds, in order, and which pages are still there.
#pragma once

#include <cstdint>

#include "tensor/state.h"

namespace quern {

inline bool has_page(const PagedView& v, std::int32_t sequence, std::int64_t row) {
    return v.tables[sequence * v.table_stride + row / v.rows_per_page] >= 0;
}

// Walks the rows that a step adds to a state of one row per `ratio` tokens, sequences in order, from the i-th on.
class EmittedRow {
public:
    EmittedRow(const Ragged& ragged, std::int64_t ratio, std::int64_t i) : ragged_(ragged), ratio_(ratio), i_(i) {
        skip_full();
    }
    bool exists() const { return sequence_ < ragged_.sequences; }
    std::int32_t sequence() const { return sequence_; }
    std::int64_t row() const { return ragged_.past[sequence_] / ratio_ + i_; }  // in the state
    void advance() {
        ++i_;
        skip_full();
    }

private:
    void skip_full() {
        while (exists() && i_ >= ragged_.emitted(sequence_, ratio_)) i_ -= ragged_.emitted(sequence_++, ratio_);
    }

    const Ragged& ragged_;
    std::int64_t ratio_;
    std::int64_t i_;  // among the rows of sequence_
    std::int32_t sequence_ = 0;
};

}  // namespace quern
