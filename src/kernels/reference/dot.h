// The two ways of multiplying two rows: in double, which bounds errors, and the float class "f32x16" of ops/linear.h,
// of which this is the definition in code.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/matrix.h"

namespace quern {

inline double dot_double(const float* x, const float* w, std::int64_t k) {
    double sum = 0;
    for (std::int64_t i = 0; i < k; ++i) sum += double(x[i]) * double(w[i]);
    return sum;
}

inline float dot_f32x16(const float* x, const float* w, std::int64_t k) {
    float sum = 0;
    for (std::int64_t first = 0; first < k; first += fold_every) {
        float lane[16] = {};
        for (std::int64_t i = first; i < std::min(first + fold_every, k); ++i)
            lane[i % 16] = std::fma(x[i], w[i], lane[i % 16]);
        for (int width = 8; width >= 1; width /= 2)
            for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
        sum += lane[0];
    }
    return sum;
}

}  // namespace quern
