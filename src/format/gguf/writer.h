// Writes GGUF version 3: everything about the tensors is declared first, then their bytes are streamed in the same
// order, so that the model is never in memory as a whole. What this writes, the reader of this folder reads, and data
// lie as ggml expects them: in order, each padded to the alignment. Where tensors come from is the caller's affair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "format/gguf/metadata.h"
#include "tensor/dtype.h"

namespace quern::gguf {

struct TensorSpec {
    std::string name;
    DType dtype = DType::f32;
    std::vector<std::int64_t> dims;  // outermost first, as in TensorInfo
};

// The file up to the first byte of data: header, metadata, tensor infos, padding. The alignment is general.alignment
// where the metadata has it, else 32. Keys that begin with "split." are left out, since the result is one file. Throws
// Error naming the key or tensor that cannot be written.
std::string encode_index(const Metadata& metadata, std::span<const TensorSpec> tensors);

class Writer {
public:
    // Begins a file beside `path` that takes its place in commit(); without commit() nothing is left. Throws Error as
    // encode_index does, and Error(io).
    Writer(const Path& path, const Metadata& metadata, std::vector<TensorSpec> tensors);

    // Appends bytes to a tensor; in pieces where that is handy. It must be the first declared tensor that still lacks
    // bytes, and take no more than it lacks; anything else is an Error(bad_request) naming it.
    void write(std::string_view tensor, std::span<const std::byte> bytes);

    // Throws Error(bad_request) naming the first tensor that still lacks bytes.
    void commit();

private:
    std::vector<TensorSpec> tensors_;
    std::int64_t alignment_;
    AtomicFile file_;
    std::size_t current_ = 0;    // the tensor being written
    std::uint64_t lacking_ = 0;  // its bytes still to come
};

}  // namespace quern::gguf
