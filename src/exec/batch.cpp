#include "exec/batch.h"

#include <algorithm>

#include "base/check.h"

namespace quern::exec {

Batch::Batch(BatchLimits limits)
    : limits_(std::move(limits)),
      tokens_(std::size_t(limits_.rows)),
      positions_(std::size_t(limits_.rows)),
      sequence_(std::size_t(limits_.rows)),
      begin_(std::size_t(limits_.sequences) + 1),
      past_(std::size_t(limits_.sequences)),
      wanted_rows_(std::size_t(limits_.logit_rows)) {
    for (const std::int64_t pages : limits_.pages) tables_.emplace_back(std::size_t(pages * limits_.sequences));
}

void Batch::clear() { rows_ = wanted_ = sequences_ = 0; }

void Batch::add(std::span<const std::int32_t> tokens, std::int32_t past, std::span<const std::int32_t* const> tables,
                std::span<const std::int32_t> wanted) {
    const auto n = static_cast<std::int64_t>(tokens.size());
    CHECK(n > 0 && rows_ + n <= limits_.rows && sequences_ < limits_.sequences);
    CHECK(wanted_ + static_cast<std::int64_t>(wanted.size()) <= limits_.logit_rows && tables.size() == tables_.size());
    const auto row = static_cast<std::int32_t>(rows_);
    for (std::int32_t i = 0; i < n; ++i) {
        const std::size_t r = std::size_t(row) + std::size_t(i);
        tokens_[r] = tokens[std::size_t(i)];
        positions_[r] = past + i;
        sequence_[r] = sequences_;
    }
    for (const std::int32_t w : wanted) {
        CHECK(w >= 0 && w < n);
        wanted_rows_[std::size_t(wanted_++)] = row + w;
    }
    for (std::size_t g = 0; g < tables_.size(); ++g)
        std::copy_n(tables[g], limits_.pages[g], tables_[g].begin() + sequences_ * limits_.pages[g]);
    begin_[std::size_t(sequences_)] = row;
    past_[std::size_t(sequences_)] = past;
    ++sequences_;
    rows_ += n;
    begin_[std::size_t(sequences_)] = static_cast<std::int32_t>(rows_);
}

}  // namespace quern::exec
