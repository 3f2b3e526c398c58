// Cases of linear and the checks a kernel must pass on them.
#pragma once

#include "dispatch/proof/support.h"
#include "ops/linear.h"

namespace quern::proof {

struct LinearCase {
    std::int64_t rows, n, k;
    DType dtype = DType::f32;
    Data data = Data::normal;
    bool biased = false;
    bool tame_weights = false;  // `data` is that of x only

    std::string text() const {
        return std::to_string(rows) + " rows, " + std::to_string(n) + " x " + std::to_string(k) + " of " +
               std::string(info(dtype).name) + ", data " + std::to_string(int(data)) + (biased ? ", bias" : "");
    }
};

struct LinearWorld {
    LinearCase c;
    Weights weight;
    Floats x, bias;
    std::int64_t x_step;  // rows of x do not lie side by side either

    explicit LinearWorld(const LinearCase& c_)
        : c(c_),
          weight(make_weights(c.dtype, c.n, c.k, c.tame_weights ? Data::normal : c.data, 3)),
          x(make(c.rows * (c.k + 5), c.data, 4)),
          bias(normal(c.n, 5)),
          x_step(c.k + 5) {
        // What lies between the rows must not be read into them.
        for (std::int64_t t = 0; t < c.rows; ++t)
            for (std::int64_t i = c.k; i < x_step; ++i)
                x[std::size_t(t * x_step + i)] = std::numeric_limits<float>::quiet_NaN();
    }
    LinearArgs args(View y, std::int64_t first, std::int64_t count) {
        View in = view_of(x, {count, c.k});
        in.stride[0] = x_step * std::int64_t(sizeof(float));
        in.data += first * in.stride[0];
        return {in, weight.view(), c.biased ? view_of(bias, {c.n}) : View{}, y};
    }
};

struct LinearResult {
    Floats y;
    std::string trouble;
};
inline LinearResult linear_with(const KernelSpec& k, LinearWorld& w, std::int64_t parts = 1, std::int64_t first = 0,
                                std::int64_t count = -1) {
    if (count < 0) count = w.c.rows;
    Output y(count, w.c.n);
    const LinearArgs a = w.args(y.view(), first, count);
    const Status status = run(k, &a, parts);
    LinearResult r{y.values(), {}};
    if (y.overrun()) r.trouble = "wrote outside its output";
    if (y.incomplete()) r.trouble = "left a part of its output unwritten";
    if (status != Status::ok) r.trouble = ending(status);
    return r;
}

// Equal bits with the model; in any cut; and each row alone.
inline std::string check_linear(const KernelSpec& k, const KernelSpec& model, const LinearCase& c) {
    LinearWorld w(c);
    const auto fail = [&](const std::string& what) { return std::string(k.id) + ": " + c.text() + ": " + what; };
    const LinearResult want = linear_with(model, w), got = linear_with(k, w);
    if (!got.trouble.empty()) return fail(got.trouble);
    if (const auto d = differ(got.y, want.y); !d.empty()) return fail("model: " + d);
    for (const std::int64_t parts : {2, 5})
        if (const auto d = differ(linear_with(k, w, parts).y, got.y); !d.empty()) return fail("cut: " + d);
    for (std::int64_t t = 0; t < c.rows; ++t) {
        const Floats row(got.y.begin() + t * c.n, got.y.begin() + (t + 1) * c.n);
        if (const auto d = differ(linear_with(k, w, 1, t, 1).y, row); !d.empty())
            return fail("row " + std::to_string(t) + " alone: " + d);
    }
    return {};
}

// Within 1e-5 of |x||w| (and of the bias) of sums in long double.
inline std::string check_bound(const KernelSpec& k, const LinearCase& c) {
    LinearWorld w(c);
    const LinearResult got = linear_with(k, w);
    if (!got.trouble.empty()) return got.trouble;
    std::vector<double> want, bound;
    for (std::int64_t t = 0; t < c.rows; ++t)
        for (std::int64_t n = 0; n < c.n; ++n) {
            long double sum = c.biased ? static_cast<long double>(w.bias[std::size_t(n)]) : 0, xx = 0, ww = 0;
            for (std::int64_t i = 0; i < c.k; ++i) {
                const long double a = static_cast<long double>(w.x[std::size_t(t * w.x_step + i)]),
                                  b = static_cast<long double>(w.weight.decoded[std::size_t(n * c.k + i)]);
                sum += a * b;
                xx += a * a;
                ww += b * b;
            }
            want.push_back(static_cast<double>(sum));
            bound.push_back(1e-5 * (static_cast<double>(std::sqrt(xx * ww)) +
                                    (c.biased ? std::abs(double(w.bias[std::size_t(n)])) : 0)));
        }
    const auto d = beyond(got.y, want, bound);
    return d.empty() ? d : std::string(k.id) + ": " + c.text() + ": " + d;
}

}  // namespace quern::proof
