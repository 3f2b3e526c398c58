// The eight 6-bit scales and eight 6-bit mins that q4_k and q5_k keep in 12 bytes: those of sub-blocks 0..3 are the low
// six bits of bytes 0..3 (scales) and 4..7 (mins); those of 4..7 have their low four bits in the nibbles of bytes 8..11
// (scale low, min high) and their high two bits on top of bytes 0..3 and 4..7.
#pragma once

#include <cstdint>

namespace quern {

struct KScales {
    std::uint8_t scale[8];
    std::uint8_t min[8];
};

inline KScales unpack_k_scales(const std::uint8_t (&bytes)[12]) {
    KScales out;
    for (int i = 0; i < 4; ++i) {
        out.scale[i] = static_cast<std::uint8_t>(bytes[i] & 63);
        out.min[i] = static_cast<std::uint8_t>(bytes[4 + i] & 63);
        out.scale[4 + i] = static_cast<std::uint8_t>((bytes[8 + i] & 15) | ((bytes[i] >> 6) << 4));
        out.min[4 + i] = static_cast<std::uint8_t>((bytes[8 + i] >> 4) | ((bytes[4 + i] >> 6) << 4));
    }
    return out;
}

inline void pack_k_scales(const KScales& in, std::uint8_t (&bytes)[12]) {
    for (int i = 0; i < 4; ++i) {
        bytes[i] = static_cast<std::uint8_t>(in.scale[i] | ((in.scale[4 + i] >> 4) << 6));
        bytes[4 + i] = static_cast<std::uint8_t>(in.min[i] | ((in.min[4 + i] >> 4) << 6));
        bytes[8 + i] = static_cast<std::uint8_t>((in.scale[4 + i] & 15) | ((in.min[4 + i] & 15) << 4));
    }
}

}  // namespace quern
