// A GGUF file as an index over mapped bytes: metadata, and for each tensor its name, dtype, dims and where its bytes
// are. Reads versions 2 and 3, little-endian, single files and splits (name-00001-of-00003.gguf: any part opens the
// whole). Hostile input ends in an Error whose text names the key or tensor; every size is checked before it is used.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "format/gguf/metadata.h"
#include "tensor/dtype.h"

namespace quern::gguf {

struct TensorInfo {
    std::string name;
    DType dtype = DType::f32;
    std::vector<std::int64_t> dims;    // outermost first (the reverse of the file's order): [rows, k]; 1 to 4 of them
    std::span<const std::byte> bytes;  // in the mapped file; lives as long as the File
    int split = 0;                     // which part it lies in
    std::uint64_t offset = 0;          // of its first byte in that part's file
    std::int64_t elements() const;
};

class File {
public:
    // Maps the file (and its sibling splits) and reads the index. Throws Error, which names path and trouble.
    static File open(const Path& path);
    // The same over bytes in memory, for tests and fuzzing; the bytes must outlive the File. No splits.
    static File parse(std::span<const std::byte> bytes);

    const Metadata& metadata() const { return metadata_; }
    std::span<const TensorInfo> tensors() const { return tensors_; }
    const TensorInfo* find(std::string_view name) const;  // null when absent
    std::uint32_t version() const { return version_; }
    std::span<const MappedFile> parts() const { return parts_; }
    std::uint64_t file_bytes() const;  // of all parts
    // Throws Error(io) naming the part of which pages could not be read.
    void check_intact() const;

private:
    static File open(const Path& path, MappedFile asked);

    Metadata metadata_;
    std::vector<TensorInfo> tensors_;
    std::vector<std::uint32_t> by_name_;  // indices into tensors_, sorted by name
    std::vector<MappedFile> parts_;
    std::uint32_t version_ = 0;
};

}  // namespace quern::gguf
