// The comparator of level 4: our logits against golden ones, at every position, by value and by best token.
// Knows two arrays of floats. A difference passes only if it is known to be small: NaN never is.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace quern::parity {

struct Verdict {
    bool pass = false;
    float worst = 0;       // largest |ours - golden| among the finite differences
    std::string sentence;  // what was found first, empty if pass
};

// Both arrays are [positions, vocab], row-major. Fails on unequal sizes, on any difference not known to be <=
// tolerance, and on any position where ours has another first maximum.
Verdict compare_logits(std::span<const float> golden, std::span<const float> ours, std::size_t vocab, float tolerance);

}  // namespace quern::parity
