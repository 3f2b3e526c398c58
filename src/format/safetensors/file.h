// A safetensors model as an index over mapped bytes: for each tensor its name, dtype, dims and where its bytes are.
// Reads single files and models sharded by model.safetensors.index.json. Format: 8 bytes of header length, a JSON
// header, then data that tensors cover from first to last byte (the format's own rule). Hostile input ends in an Error
// whose text names the tensor; every size is checked before it is used. Knows nothing of what the tensors mean.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/dtype.h"

namespace quern::safetensors {

struct TensorInfo {
    std::string name;
    DType dtype = DType::f32;
    std::vector<std::int64_t> dims;    // outermost first; none for a scalar, and 0 is a dim like others
    std::span<const std::byte> bytes;  // in the mapped file; lives as long as the File; not aligned to the type
    int shard = 0;                     // which file it lies in
    std::int64_t elements() const;
};

class File {
public:
    // `path` is a file of tensors, an index (*.safetensors.index.json), or a folder: then its model.safetensors, or
    // else all files that its model.safetensors.index.json names; of those only the tensors the index puts there.
    // Throws Error, which names path and trouble.
    static File open(const Path& path);
    // A single file over bytes in memory, for tests and fuzzing; the bytes must outlive the File.
    static File parse(std::span<const std::byte> bytes);

    std::span<const TensorInfo> tensors() const { return tensors_; }  // by name
    const TensorInfo* find(std::string_view name) const;              // null when absent
    // "__metadata__" of the (first) file.
    const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }
    std::span<const MappedFile> shards() const { return shards_; }
    std::uint64_t file_bytes() const;  // of all shards

private:
    void sort();

    std::vector<TensorInfo> tensors_;  // sorted by name
    std::map<std::string, std::string, std::less<>> metadata_;
    std::vector<MappedFile> shards_;
};

// safetensors' name of a type ("BF16"), or empty where it has none.
std::string_view type_name(DType dtype);
std::optional<DType> type_from_name(std::string_view name);

}  // namespace quern::safetensors
