// Rows of stored weights to floats and back, for any element or block type: the one call for those who do not care
// which format they hold. The formats themselves: codec.h and one file each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace quern {

// Decodes n weights, row_bytes(dtype, n) bytes, from `from` to `to`. n must be a multiple of the block (CHECK). `from`
// needs no alignment. Throws Error(unsupported) naming the format when this build has no decoder for it.
void decode_row(DType dtype, const std::byte* from, float* to, std::int64_t n);

// Encodes n weights to row_bytes(dtype, n) bytes at `to`, which needs no alignment. The same floats give the same
// bytes, however a row is cut into blocks. n and errors as above.
void encode_row(DType dtype, const float* from, std::byte* to, std::int64_t n);

}  // namespace quern
