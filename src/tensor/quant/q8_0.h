// q8_0: 32 weights as signed bytes, one half scale: w = d * q.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ8_0 {
    std::uint16_t d;  // half
    std::int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

void decode_q8_0(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q8_0(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
