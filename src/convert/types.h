// Which format a tensor gets, and what GGUF calls a file of a format. Knows names and shapes, no bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"

namespace quern::convert {

// GGUF's general.file_type of a file whose matrices have this format, or nullopt where there is none (llama.cpp's
// numbers).
std::optional<std::uint32_t> file_type(DType dtype);

// Throws Error(bad_request) when `wanted` cannot be written, naming those that can.
void check_writable(DType wanted);

// The format for a tensor of these dims (outermost first) when matrices shall be `wanted`: vectors, norms, routers and
// whatever is no weight are F32; of the others, rows that do not fill the blocks of `wanted` fall to Q8_0 or F16.
DType choose_type(std::string_view name, std::span<const std::int64_t> dims, DType wanted);

}  // namespace quern::convert
