// Block formats: how stored weights become numbers, and back. One file per format beside this header holds its struct
// (size asserted), its scalar decoder and, where the format has one, its scalar encoder, and adds itself to the table
// in codec.cpp. These functions are the definition of a format: kernels are checked against them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace quern {

// Decodes `blocks` consecutive blocks into blocks * info(dtype).block floats. Any bits are valid input: NaN and
// infinite scales give NaN and infinite weights, never undefined behaviour. Pointers need no alignment beyond 1 for
// `from`.
using Decode = void (*)(const std::byte* from, float* to, std::int64_t blocks) noexcept;
// Encodes blocks * info(dtype).block floats. Deterministic; NaN and infinite weights give some valid block.
using Encode = void (*)(const float* from, std::byte* to, std::int64_t blocks) noexcept;

struct Codec {
    Decode decode = nullptr;  // null: this build cannot read the format (nvfp4, integers)
    Encode encode = nullptr;  // null: this build cannot write it
};

const Codec& codec(DType dtype);

}  // namespace quern
