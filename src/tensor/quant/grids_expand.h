// From the bitmap of a grid to its rows, at compile time. For grids.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor/quant/grids.h"

namespace quern {

// Row i is the i-th number whose bit is set, written in base `base`, least significant digit first, each digit standing
// for one of `values`. A bitmap with another number of bits than `count` does not compile.
template <std::size_t length, std::size_t count, std::size_t words, std::size_t base>
consteval Grid<length, count> expand_grid(const std::uint64_t (&bits)[words], const std::int8_t (&values)[base]) {
    Grid<length, count> grid{};
    std::size_t row = 0;
    for (std::size_t word = 0; word < words; ++word) {
        for (std::uint64_t rest = bits[word]; rest != 0; rest &= rest - 1) {
            std::size_t number = word * 64 + std::size_t(__builtin_ctzll(rest));
            for (std::size_t j = 0; j < length; ++j, number /= base) grid.at(row)[j] = values[number % base];
            ++row;
        }
    }
    if (row != count) throw "the bitmap does not have as many bits as the grid has rows";
    return grid;
}

consteval Grid<8, 256> all_sign_rows() {
    Grid<8, 256> rows{};
    for (std::size_t s = 0; s < 256; ++s)
        for (std::size_t j = 0; j < 8; ++j) rows[s][j] = (s >> j) & 1u ? -1 : 1;
    return rows;
}

}  // namespace quern
