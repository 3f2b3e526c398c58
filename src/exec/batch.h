// The rows of one step: which tokens of which sequences, at fixed addresses, so that a plan's pointers stay good.
// Filled by whoever schedules (engine/), read by the executor. A ragged batch: sequences follow each other without
// padding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/state.h"

namespace quern::exec {

struct BatchLimits {
    std::int64_t rows = 0;            // tokens in a step
    std::int32_t sequences = 0;       // in a step
    std::int64_t logit_rows = 0;      // whose logits are wanted
    std::vector<std::int64_t> pages;  // of a sequence, by state group: the width of its block table
};

class Batch {
public:
    explicit Batch(BatchLimits limits);

    void clear();
    // Adds the next tokens of a sequence that has `past` tokens behind it. tables[g] is its block table of group g, of
    // limits.pages[g] entries, copied. wanted: rows (from 0, within `tokens`) whose logits are wanted. Allocates
    // nothing. What exceeds the limits is our bug: CHECK.
    void add(std::span<const std::int32_t> tokens, std::int32_t past, std::span<const std::int32_t* const> tables,
             std::span<const std::int32_t> wanted);

    const BatchLimits& limits() const { return limits_; }
    std::int64_t rows() const { return rows_; }
    std::int64_t logit_rows() const { return wanted_; }
    Ragged ragged() const { return {begin_.data(), sequence_.data(), past_.data(), sequences_, rows_}; }
    const std::int32_t* tokens() const { return tokens_.data(); }
    const std::int32_t* positions() const { return positions_.data(); }
    const std::int32_t* wanted_rows() const { return wanted_rows_.data(); }
    const std::int32_t* tables(int group) const { return tables_[std::size_t(group)].data(); }

private:
    BatchLimits limits_;
    std::vector<std::int32_t> tokens_, positions_, sequence_, begin_, past_, wanted_rows_;
    std::vector<std::vector<std::int32_t>> tables_;  // by group: [sequences, pages]
    std::int64_t rows_ = 0, wanted_ = 0;
    std::int32_t sequences_ = 0;
};

}  // namespace quern::exec
