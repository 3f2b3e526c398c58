#include "tensor/quant/nvfp4.h"

#include "tensor/quant/block.h"
#include "tensor/quant/mxfp4.h"

namespace quern {
namespace {

// Half the scale, since the table has twice the values.
float half_scale(std::uint8_t stored) {
    const auto magnitude = static_cast<std::uint8_t>(stored & 0x7f);
    // All ones are NaN in e4m3; here they are the number 480 with the top bit set, and 0 without.
    if (magnitude == 0x7f) return stored == 0x7f ? 0.0f : 240.0f;
    return 0.5f * e4m3_to_f32(magnitude);
}

}  // namespace

void decode_nvfp4(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const auto b = load_block<BlockNVFP4>(from, i);
        for (int sub = 0; sub < 4; ++sub, to += 16) {
            const float d = half_scale(b.d[sub]);
            const std::uint8_t* qs = b.qs + 8 * sub;
            for (int j = 0; j < 8; ++j) to[j] = d * e2m1_doubled[qs[j] & 15];
            for (int j = 0; j < 8; ++j) to[8 + j] = d * e2m1_doubled[qs[j] >> 4];
        }
    }
}

}  // namespace quern
