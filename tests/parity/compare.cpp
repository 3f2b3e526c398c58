#include "parity/compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace quern::parity {

Verdict compare_logits(std::span<const float> golden, std::span<const float> ours, std::size_t vocab, float tolerance) {
    Verdict v;
    if (vocab == 0 || golden.empty() || golden.size() % vocab != 0 || golden.size() != ours.size()) {
        v.sentence = fmt::format("comparing logits of a vocabulary of {}: {} golden numbers and {} of ours", vocab,
                                 golden.size(), ours.size());
        return v;
    }
    for (std::size_t p = 0; p * vocab < golden.size(); ++p) {
        const auto want = golden.subspan(p * vocab, vocab);
        const auto have = ours.subspan(p * vocab, vocab);
        for (std::size_t t = 0; t < vocab; ++t) {
            const float error = std::abs(have[t] - want[t]);
            if (error > v.worst) v.worst = error;
            if (!(error <= tolerance) && v.sentence.empty()) {
                v.sentence = fmt::format("position {}, token {}: logit {} where {} was expected, {} off, {} allowed", p,
                                         t, have[t], want[t], error, tolerance);
            }
        }
        const auto best_want = std::max_element(want.begin(), want.end()) - want.begin();
        const auto best_have = std::max_element(have.begin(), have.end()) - have.begin();
        if (best_want != best_have && v.sentence.empty()) {
            v.sentence = fmt::format("position {}: best token {} where {} was expected", p, best_have, best_want);
        }
    }
    v.pass = v.sentence.empty();
    return v;
}

}  // namespace quern::parity
