#include "tensor/quant/iq4_nl.h"

#include "tensor/quant/block.h"

namespace quern {

void decode_iq4_nl(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i, to += 32) {
        const auto b = load_block<BlockIQ4_NL>(from, i);
        const float d = f16_to_f32(b.d);
        for (int j = 0; j < 16; ++j) to[j] = d * iq4_values[b.qs[j] & 15];
        for (int j = 0; j < 16; ++j) to[16 + j] = d * iq4_values[b.qs[j] >> 4];
    }
}

}  // namespace quern
