// rope: rotary position embedding (Su et al. 2021) of each head's first 2 * pairs elements; the rest passes through.
// Pair i of a head at position p is turned by the angle p * frequency[i], and scaled by `magnitude`.
//   interleaved: pair i is elements (2i, 2i+1), as in the paper and in GGUF files of the llama architecture
//   half:        pair i is elements (i, i + pairs), as in GPT-NeoX and most Hugging Face code
//   x f32 [T, heads, head_dim], positions i32 [T], y like x
// Scalings (linear, NTK, YaRN, llama3, longrope) are nothing but other frequencies and magnitudes: models/rope.h.
// Angles, sine and cosine are computed in double (kernels/math.h). Error bound: 1e-6 of the pair's length.
#pragma once

#include "ops/op.h"

namespace quern {

enum class RopeStyle : std::uint8_t { interleaved, half };

struct RopeAttr {
    static constexpr Op op = Op::rope;
    RopeStyle style = RopeStyle::half;
    float magnitude = 1;
    std::vector<double> frequency;  // radians per position of each pair; 2 * size() <= head_dim
};
struct RopeArgs {
    View x, positions, y;
    RopeStyle style;
    float magnitude;
    const double* frequency;  // the attribute's; lives as long as the graph
    std::int64_t pairs;
};
std::vector<TypeOf> infer(const RopeAttr&, std::span<const TypeOf> in);  // x, positions
RopeArgs bind(const RopeAttr& a, const Operands& o);

}  // namespace quern
