// Inside the GGUF reader: the bytes of one file to its index. Knows the layout on disk (header, metadata, tensor
// infos, aligned data), nothing of paths or of splits as a whole; File (file.h) puts parts together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "format/gguf/file.h"
#include "format/gguf/metadata.h"

namespace quern::gguf {

// What a file may hold at most. Real models stay far below; the limits keep the memory that a hostile file can make us
// take near a gigabyte.
constexpr std::uint64_t max_index_bytes = std::uint64_t(256) << 20;  // header, metadata and tensor infos
constexpr std::uint64_t max_keys = 65536;
constexpr std::uint64_t max_key_bytes = 65535;  // the format's own limit
constexpr std::uint64_t max_name_bytes = 1024;  // of a tensor; the format says 64, some writers go beyond
constexpr int max_array_depth = 8;
constexpr std::uint32_t max_dims = 4;
constexpr std::int64_t default_alignment = 32;
constexpr std::int64_t min_alignment = 8, max_alignment = std::int64_t(2) << 20;

struct Index {
    std::uint32_t version = 0;
    Metadata metadata;
    std::vector<TensorInfo> tensors;  // in file order; every extent lies in `bytes`, none overlaps another
};

// Throws Error naming the key or tensor.
Index read_index(std::span<const std::byte> bytes);

// The value of general.alignment, or the default. Throws Error for what is not a power of two within the limits.
std::int64_t alignment(const Metadata& metadata);

// Well-known keys must have the types and lengths the format gives them, whoever reads them later; see the table.
void check_known_keys(const Metadata& metadata);

// Bytes of a tensor; throws Error naming it for dims that are not positive, a row that is not whole blocks, a size that
// does not fit, or more than max_dims dims. Dims are outermost first.
std::int64_t tensor_bytes(std::string_view name, DType dtype, std::span<const std::int64_t> dims);

// Throws Error when two names are the same; returns the indices sorted by name.
std::vector<std::uint32_t> sorted_by_name(std::span<const TensorInfo> tensors);

}  // namespace quern::gguf
