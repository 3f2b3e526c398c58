// Stored elements to floats with AVX2, the same bits as tensor/quant/'s decoders give. For kernels of this folder.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace quern::x86 {

// Decodes n elements, a multiple of the format's block, from any address.
void widen(DType dtype, const std::byte* from, float* to, std::int64_t n) noexcept;

}  // namespace quern::x86
