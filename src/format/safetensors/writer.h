// Writes one safetensors file from tensors in memory: what taps and tests leave behind for others to compare with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "tensor/dtype.h"

namespace quern::safetensors {

struct TensorData {
    std::string name;
    DType dtype = DType::f32;
    std::vector<std::int64_t> dims;  // outermost first; none for a scalar
    std::span<const std::byte> bytes;
};

// Writes through AtomicFile. Larger types come first, as the format advises, so that every tensor is aligned to its
// type. Throws Error naming the tensor when two have one name, bytes differ from what type and dims make, or
// safetensors has no such type; Error(io) otherwise.
void write(const Path& path, std::span<const TensorData> tensors,
           const std::map<std::string, std::string, std::less<>>& metadata = {});

}  // namespace quern::safetensors
