// Cases of quantize and linear_q8 and the checks a kernel must pass on them.
#pragma once

#include <cstring>

#include "dispatch/proof/support.h"
#include "ops/linear_q8.h"
#include "tensor/quant/q8_k.h"

namespace quern::proof {

struct QuantizeCase {
    std::int64_t rows, k;
    Data data = Data::normal;
    std::string text() const {
        return std::to_string(rows) + " rows of " + std::to_string(k) + ", data " + std::to_string(int(data));
    }
};

struct LinearQ8Case {
    std::int64_t rows, n, k;
    DType dtype = DType::q4_k;
    Data data = Data::normal;  // of x; weights are tame, since a block has no room for an outlier
    bool biased = false;
    std::string text() const {
        return std::to_string(rows) + " rows, " + std::to_string(n) + " x " + std::to_string(k) + " of " +
               std::string(info(dtype).name) + ", data " + std::to_string(int(data)) + (biased ? ", bias" : "");
    }
};

// Bytes of rows of q8_k with guard bytes behind, for results.
struct Q8Rows {
    static constexpr std::size_t guard = 64;
    std::vector<std::byte> bytes;
    std::int64_t rows, k;
    Q8Rows(std::int64_t rows_, std::int64_t k_)
        : bytes(std::size_t(rows_ * row_bytes(DType::q8_k, k_)) + guard, std::byte{0xa5}), rows(rows_), k(k_) {}
    View view() { return dense_view(bytes.data(), DType::q8_k, {rows, k}); }
};

inline std::string quantize_with(const KernelSpec& k, Floats& x, Q8Rows& y, std::int64_t parts = 1) {
    const QuantizeArgs a{view_of(x, {y.rows, y.k}), y.view()};
    return ending(run(k, &a, parts));
}

// Equal bytes with the model in any cut, nothing behind them; a NaN scale is any NaN.
inline std::string check_quantize(const KernelSpec& k, const KernelSpec& model, const QuantizeCase& c) {
    Floats x = make(c.rows * c.k, c.data, 4);
    Q8Rows want(c.rows, c.k);
    if (std::string trouble = quantize_with(model, x, want); !trouble.empty()) return trouble;
    for (const std::int64_t parts : {1, 2, 5}) {
        Q8Rows got(c.rows, c.k);
        std::string trouble = quantize_with(k, x, got, parts);
        for (std::size_t at = 0; trouble.empty() && at < got.bytes.size(); ++at) {
            const bool scale = at + Q8Rows::guard < got.bytes.size() && at % sizeof(BlockQ8_K) < sizeof(float);
            float a = 0, b = 0;
            if (scale) {
                std::memcpy(&a, &got.bytes[at / sizeof(BlockQ8_K) * sizeof(BlockQ8_K)], sizeof a);
                std::memcpy(&b, &want.bytes[at / sizeof(BlockQ8_K) * sizeof(BlockQ8_K)], sizeof b);
            }
            if (got.bytes[at] != want.bytes[at] && !(std::isnan(a) && std::isnan(b)))
                trouble = "byte " + std::to_string(at) + " differs from the model's";
        }
        if (!trouble.empty()) return std::string(k.id) + ": " + c.text() + ": " + trouble;
    }
    return {};
}

struct LinearQ8World {
    LinearQ8Case c;
    Weights weight;
    Floats bias;
    Q8Rows x;

    explicit LinearQ8World(const LinearQ8Case& c_)
        : c(c_), weight(make_weights(c.dtype, c.n, c.k, Data::normal, 3)), bias(normal(c.n, 5)), x(c.rows, c.k) {
        Floats floats = make(c.rows * c.k, c.data, 4);
        quantize_with(*find_kernel("quantize.reference"), floats, x);
    }
    LinearQ8Args args(View y, std::int64_t first, std::int64_t count) {
        View in = x.view();
        in.data += first * in.stride[0];
        in.dim[0] = count;
        return {in, weight.view(), c.biased ? view_of(bias, {c.n}) : View{}, y};
    }
};

inline Floats linear_q8_with(const KernelSpec& k, LinearQ8World& w, std::string& trouble, std::int64_t parts = 1,
                             std::int64_t first = 0, std::int64_t count = -1) {
    if (count < 0) count = w.c.rows;
    Output y(count, w.c.n);
    const LinearQ8Args a = w.args(y.view(), first, count);
    const Status status = run(k, &a, parts);
    if (y.overrun()) trouble = "wrote outside its output";
    if (y.incomplete()) trouble = "left a part of its output unwritten";
    if (status != Status::ok) trouble = ending(status);
    return y.values();
}

// Equal bits with the model; in any cut; and each row alone.
inline std::string check_linear_q8(const KernelSpec& k, const KernelSpec& model, const LinearQ8Case& c) {
    LinearQ8World w(c);
    const auto fail = [&](const std::string& what) { return std::string(k.id) + ": " + c.text() + ": " + what; };
    std::string trouble;
    const Floats want = linear_q8_with(model, w, trouble), got = linear_q8_with(k, w, trouble);
    if (!trouble.empty()) return fail(trouble);
    if (const auto d = differ(got, want); !d.empty()) return fail("model: " + d);
    for (const std::int64_t parts : {2, 5})
        if (const auto d = differ(linear_q8_with(k, w, trouble, parts), got); !d.empty()) return fail("cut: " + d);
    for (std::int64_t t = 0; t < c.rows; ++t) {
        const Floats row(got.begin() + t * c.n, got.begin() + (t + 1) * c.n);
        if (const auto d = differ(linear_q8_with(k, w, trouble, 1, t, 1), row); !d.empty())
            return fail("row " + std::to_string(t) + " alone: " + d);
    }
    return trouble.empty() ? trouble : fail(trouble);
}

}  // namespace quern::proof
