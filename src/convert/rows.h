// The bytes of one tensor on their way: rows from the input, transformed, encoded, handed on in chunks. Memory is one
// chunk, whatever the tensor's size.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/threads.h"
#include "convert/model.h"

namespace quern::convert {

// Bytes of the result.
std::uint64_t tensor_bytes(const Tensor& tensor, DType type);

// Calls `sink` with the tensor's bytes as `type`, in order. Rows that need no change of format are copied. `threads`
// may be null. Throws Error(unsupported) when this build cannot decode the one format or encode the other.
void encode_tensor(const Tensor& tensor, DType type, ThreadPool* threads,
                   const std::function<void(std::span<const std::byte>)>& sink);

// All of a small tensor as floats.
std::vector<float> decode_all(const Tensor& tensor);

}  // namespace quern::convert
