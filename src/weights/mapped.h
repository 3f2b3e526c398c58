// MappedWeights: weights read in place from a mapped GGUF file; the system's page cache decides what is in memory. It
// owns the file, turns names into ids and ids into addresses, and knows nothing of kernels or models. Right when the
// file fits in memory, and without a second copy; what does not fit is streamed (another WeightSource). A file that
// somebody cuts short while it is mapped reads as zeros from there on; file().check_intact() tells.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "format/gguf/file.h"
#include "tensor/lease.h"

namespace quern {

class MappedWeights final : public WeightSource {
public:
    explicit MappedWeights(std::shared_ptr<const gguf::File> file);
    explicit MappedWeights(gguf::File&& file);

    std::optional<WeightInfo> find(std::string_view name) const override;

    // A dense view straight into the mapping, dims outermost first; read-only, writing to it faults. The id is one that
    // find() gave (CHECK).
    View bind(int id) override;

    // Arithmetic only. False, with slabs untouched, for an id or expert that does not exist or a tensor that is not
    // [experts, rows, k].
    bool acquire(int id, const std::int32_t* experts, std::int64_t count, const std::byte** slabs) noexcept override;
    void release(int, const std::int32_t*, std::int64_t) noexcept override {}

    // Brings all weights into memory, in file order, telling how far it is after each few megabytes. What the callback
    // throws passes through, and what has been read stays. Throws Error(io) when the file cannot be read where the
    // index says that weights are. Not for files larger than memory: the end would push out the beginning.
    using Progress = std::function<void(std::int64_t bytes_done, std::int64_t bytes_total)>;
    void prefetch(const Progress& progress = {}) const;

    std::int64_t bytes() const { return bytes_; }  // of all tensors
    const gguf::File& file() const { return *file_; }

private:
    const gguf::TensorInfo* at(int id) const noexcept;

    std::shared_ptr<const gguf::File> file_;
    std::int64_t bytes_ = 0;
};

}  // namespace quern
