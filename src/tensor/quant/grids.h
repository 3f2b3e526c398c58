// The vectors that the iq formats take their weights from, and their sign patterns. A weight's magnitude is an entry of
// a grid row; which row, the block says. The tables are facts of the formats, checked against another implementation
// by the golden vectors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace quern {

template <std::size_t length, std::size_t count>
using Grid = std::array<std::array<std::int8_t, length>, count>;

alignas(64) extern const Grid<8, 2048> iq1_grid;  // -1, 0, 1
alignas(64) extern const Grid<8, 256> iq2_xxs_grid;
alignas(64) extern const Grid<8, 512> iq2_xs_grid;
alignas(64) extern const Grid<8, 1024> iq2_s_grid;
alignas(64) extern const Grid<4, 256> iq3_xxs_grid;
alignas(64) extern const Grid<4, 512> iq3_s_grid;

// Row s: for each bit of the byte s, -1 where it is set and 1 where not.
alignas(64) extern const Grid<8, 256> sign_rows;

// Seven stored signs as a byte: the eighth makes the number of minus signs even.
constexpr std::uint8_t even_signs(std::uint32_t seven) {
    std::uint32_t parity = seven ^ (seven >> 4);
    parity ^= parity >> 2;
    parity ^= parity >> 1;
    return static_cast<std::uint8_t>(seven | ((parity & 1u) << 7));
}

// Eight weights: scale times a grid row of eight, or two of four, with signs.
inline void signed_row(const std::array<std::int8_t, 8>& row, std::uint8_t signs, float scale, float* to) {
    const std::array<std::int8_t, 8>& sign = sign_rows[signs];
    for (std::size_t j = 0; j < 8; ++j) to[j] = scale * static_cast<float>(row[j] * sign[j]);
}

inline void signed_rows(const std::array<std::int8_t, 4>& low, const std::array<std::int8_t, 4>& high,
                        std::uint8_t signs, float scale, float* to) {
    const std::array<std::int8_t, 8>& sign = sign_rows[signs];
    for (std::size_t j = 0; j < 4; ++j) to[j] = scale * static_cast<float>(low[j] * sign[j]);
    for (std::size_t j = 0; j < 4; ++j) to[4 + j] = scale * static_cast<float>(high[j] * sign[4 + j]);
}

}  // namespace quern
