#include "tensor/quant/tq1_0.h"

#include "tensor/quant/block.h"

namespace quern {
namespace {

constexpr std::uint8_t powers_of_3[5] = {1, 3, 9, 27, 81};

// Digit `digit` of each of `bytes` fractions. Multiplying moves it in front of the point, where the product with 3
// shows it; what came before it wraps away.
template <int bytes>
float* decode_digit(const std::uint8_t* qs, int digit, float d, float* to) {
    for (int j = 0; j < bytes; ++j) {
        const auto fraction = static_cast<std::uint8_t>(qs[j] * powers_of_3[digit]);
        to[j] = d * static_cast<float>(((fraction * 3) >> 8) - 1);
    }
    return to + bytes;
}

}  // namespace

void decode_tq1_0(const std::byte* from, float* to, std::int64_t blocks) noexcept {
    for (std::int64_t i = 0; i < blocks; ++i) {
        const auto b = load_block<BlockTQ1_0>(from, i);
        const float d = f16_to_f32(b.d);
        for (int digit = 0; digit < 5; ++digit) to = decode_digit<32>(b.qs, digit, d, to);
        for (int digit = 0; digit < 5; ++digit) to = decode_digit<16>(b.qs + 32, digit, d, to);
        for (int digit = 0; digit < 4; ++digit) to = decode_digit<4>(b.qh, digit, d, to);
    }
}

}  // namespace quern
