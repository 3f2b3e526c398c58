// The search for scales behind the k formats' encoders. Numbers q of few bits and real scales are found together: a
// number of starting scales around the naive one, each followed by the least squares scale (and min) for the q that it
// gives, then alternation of the two until nothing improves; afterwards the scales are themselves rounded to integers
// of a block's common scale, which is fitted by least squares again. The known recipe of k-quants, see
// https://github.com/ggml-org/llama.cpp/pull/1684, with a joint fit of the block at the end.
//
// Errors are weighted: a deviation in a large weight counts for more, since it meets the same activations. Sums are in
// float and in a fixed order; results do not depend on anything but the input.
#pragma once

#include <cstdint>

namespace quern {

// A block of 8 * 32 weights as w = d * scale * q - dmin * min, with scale and min in 0..63, q in 0..top and halves for
// d and dmin: q4_k (top 15) and q5_k (top 31).
struct AffineBlock {
    std::uint16_t d, dmin;  // halves, finite and not negative
    std::uint8_t scale[8], min[8];
    std::uint8_t q[256];
};
void search_affine_block(const float* x, int top, AffineBlock& out);

// A block of 16 * 16 weights as w = d * scale * q, with scale in -128..127, q in -32..31 and a half for d: q6_k.
struct SymmetricBlock {
    std::uint16_t d;  // half, finite
    std::int8_t scale[16];
    std::int8_t q[256];
};
void search_symmetric_block(const float* x, SymmetricBlock& out);

}  // namespace quern
