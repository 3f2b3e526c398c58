// nvfp4: 64 weights as e2m1 floats in 4 sub-blocks of 16, each with an unsigned e4m3 scale: w = scale * f. Weight j of
// a sub-block is the low nibble of its byte j, weight j + 8 the high one. As in other readers of GGUF, the scale's top
// bit is ignored and 0x7f, a NaN in e4m3, is 0. A factor for the whole tensor, where a model has one, is a tensor of
// its own.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockNVFP4 {
    std::uint8_t d[4];
    std::uint8_t qs[32];
};
static_assert(sizeof(BlockNVFP4) == 36);

void decode_nvfp4(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
