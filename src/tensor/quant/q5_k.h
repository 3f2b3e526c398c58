// q5_k: q4_k with a fifth bit: bit i of qh[l] belongs to weight l of sub-block i.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockQ5_K {
    std::uint16_t d;     // half
    std::uint16_t dmin;  // half
    std::uint8_t scales[12];
    std::uint8_t qh[32];
    std::uint8_t qs[128];
};
static_assert(sizeof(BlockQ5_K) == 176);

void decode_q5_k(const std::byte* from, float* to, std::int64_t blocks) noexcept;
void encode_q5_k(const float* from, std::byte* to, std::int64_t blocks) noexcept;

}  // namespace quern
