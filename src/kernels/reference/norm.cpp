// The kernel of norm.
#include "ops/norm.h"

#include <cmath>

#include "kernels/rows.h"

namespace quern {
namespace {

// In eight partial sums, lane = i mod 8, so that a processor need not wait for one addition after the other.
double sum_of_squares(const float* x, std::int64_t n) {
    double lane[8] = {};
    const std::int64_t whole = n / 8 * 8;
    for (std::int64_t i = 0; i < whole; i += 8)
        for (int j = 0; j < 8; ++j) lane[j] += double(x[i + j]) * double(x[i + j]);
    for (std::int64_t i = whole; i < n; ++i) lane[i - whole] += double(x[i]) * double(x[i]);
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

std::int64_t norm_items(const void* args) noexcept { return count_rows(static_cast<const NormArgs*>(args)->x); }

Status norm(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const NormArgs*>(args);
    const std::int64_t n = a.x.last();
    const float* weight = a.weight ? a.weight.row(0) : nullptr;
    for (std::int64_t r = work.begin; r < work.end; ++r) {
        const float* x = row_at(a.x, r);
        float* y = row_at(a.y, r);
        const double inverse = 1 / std::sqrt(sum_of_squares(x, n) / static_cast<double>(n) + double(a.eps));
        for (std::int64_t i = 0; i < n; ++i)
            y[i] = static_cast<float>(double(x[i]) * inverse * (weight ? double(weight[i]) : 1.0));
        if (a.inverse) a.inverse.row(0)[r] = static_cast<float>(inverse);
    }
    return Status::ok;
}

constexpr KernelSpec spec{.id = "norm.reference", .op = Op::norm, .items = norm_items, .run = norm};
const Registered registered_norm{spec};

}  // namespace
}  // namespace quern
