// iq1_m: iq1_s with a 3-bit scale for each 16 weights and a sign of delta for each eight: nibble i of qh has three high
// bits of the grid index and that sign. The half scale is spread over the top nibbles of the four scale words, lowest
// first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern {

struct BlockIQ1_M {
    std::uint8_t qs[32];
    std::uint8_t qh[16];
    std::uint16_t scales[4];
};
static_assert(sizeof(BlockIQ1_M) == 56);

void decode_iq1_m(const std::byte* from, float* to, std::int64_t blocks) noexcept;

}  // namespace quern
