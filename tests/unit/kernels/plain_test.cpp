// The ops that have a single kernel and no state: embed, select_rows, norm, rope and those of each element, against
// plain sentences in long double, with strided rows, in cuts, and with wild data.
#include "ops/embed.h"

#include <gtest/gtest.h>
#include "dispatch/proof/support.h"
#include "ops/norm.h"
#include "ops/rope.h"
#include "ops/rowwise.h"

namespace quern::proof {
namespace {

const KernelSpec& kernel(const char* id) { return *find_kernel(id); }

// Runs a kernel on the args that `make` builds around an output, whole and in cuts, and gives the values.
template <class Make>
Floats values(const char* id, std::int64_t rows, std::int64_t width, Make make) {
    Floats first;
    for (const std::int64_t parts : {1, 2, 7}) {
        Output y(rows, width);
        const auto args = make(y);
        EXPECT_EQ(run(kernel(id), &args, parts), Status::ok) << id;
        EXPECT_FALSE(y.overrun()) << id;
        EXPECT_FALSE(y.incomplete()) << id;
        if (parts == 1) first = y.values();
        EXPECT_EQ(differ(y.values(), first), "") << id << " in " << parts << " parts";
    }
    return first;
}

TEST(Embed, GivesTheDecodedRowsOfEveryFormat) {
    for (const DType dtype : formats(kernel("embed.reference").weight)) {
        ASSERT_NE(codec(dtype).decode, nullptr) << info(dtype).name << " is declared but has no decoder";
        Weights w = make_weights(dtype, 9, 512, Data::normal, 1);
        std::vector<std::int32_t> ids{8, 0, 3, 3};
        const Floats got = values("embed.reference", 4, 512, [&](Output& y) {
            return EmbedArgs{view_of(ids, {4}), w.view(), y.view()};
        });
        for (std::size_t t = 0; t < 4; ++t)
            for (std::size_t i = 0; i < 512; ++i)
                ASSERT_TRUE(same_bits(got[t * 512 + i], w.decoded[std::size_t(ids[t]) * 512 + i])) << info(dtype).name;
    }
}

TEST(Embed, AnIdOutsideTheTableEndsTheStepAndReadsNothing) {
    Weights w = make_weights(DType::f32, 4, 8, Data::normal, 1);
    for (const std::int32_t bad : {-1, 4, 2000000000, -2000000000}) {
        std::vector<std::int32_t> ids{bad};
        Output y(1, 8);
        const EmbedArgs a{view_of(ids, {1}), w.view(), y.view()};
        EXPECT_EQ(run(kernel("embed.reference"), &a), Status::bad_token_id);
        EXPECT_TRUE(y.untouched());
    }
}

TEST(SelectRows, CopiesTheRowsThatAreWanted) {
    Floats x = normal(6 * 33, 1);
    std::vector<std::int32_t> rows{5, 0, 5};
    const Floats got = values("select_rows.reference", 3, 33, [&](Output& y) {
        return SelectRowsArgs{view_of(x, {6, 33}), view_of(rows, {3}), y.view()};
    });
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t i = 0; i < 33; ++i) EXPECT_EQ(got[r * 33 + i], x[std::size_t(rows[r]) * 33 + i]);
}

TEST(Norm, DividesByTheRootOfTheMeanSquare) {
    for (const std::int64_t n : {1, 2, 7, 8, 9, 64, 1000, 4099})
        for (const Data data : {Data::normal, Data::one_huge, Data::all_equal, Data::zeros}) {
            if (data == Data::one_huge && n > 64) continue;  // the others would all but vanish beside it
            Floats x = make(3 * n, data, 1), weight = normal(n, 2);
            Floats inverse(3);
            const Floats got = values("norm.reference", 3, n, [&](Output& y) {
                return NormArgs{view_of(x, {3, n}), view_of(weight, {n}), y.view(), view_of(inverse, {3}), 1e-5f};
            });
            std::vector<double> want, bound;
            for (std::int64_t t = 0; t < 3; ++t) {
                long double squares = 0;
                for (std::int64_t i = 0; i < n; ++i) {
                    const auto v = static_cast<long double>(x[std::size_t(t * n + i)]);
                    squares += v * v;
                }
                const long double inv = 1 / std::sqrt(squares / static_cast<long double>(n) + 1e-5f);
                EXPECT_NEAR(double(inverse[std::size_t(t)]), static_cast<double>(inv), 1e-6 * static_cast<double>(inv));
                for (std::int64_t i = 0; i < n; ++i) {
                    const long double v = static_cast<long double>(x[std::size_t(t * n + i)]) * inv *
                                          static_cast<long double>(weight[std::size_t(i)]);
                    want.push_back(static_cast<double>(v));
                    bound.push_back(1e-7 * std::abs(want.back()) + 1e-44);
                }
            }
            EXPECT_EQ(beyond(got, want, bound), "") << n << " data " << int(data);
        }
}

TEST(Norm, RowsMayBeHeadsAndWeightAndInverseAbsent) {
    Floats x = normal(4 * 3 * 10, 1);
    const Floats flat = values("norm.reference", 12, 10, [&](Output& y) {
        return NormArgs{view_of(x, {12, 10}), {}, y.view(), {}, 1e-6f};
    });
    const Floats heads = values("norm.reference", 4, 30, [&](Output& y) {
        return NormArgs{view_of(x, {4, 3, 10}), {}, y.view(3), {}, 1e-6f};
    });
    EXPECT_EQ(differ(heads, flat), "");
}

TEST(Norm, MayWriteOverItsInput) {
    Floats x = normal(5 * 40, 1), in_place = x, weight = normal(40, 2);
    const Floats want = values("norm.reference", 5, 40, [&](Output& y) {
        return NormArgs{view_of(x, {5, 40}), view_of(weight, {40}), y.view(), {}, 1e-6f};
    });
    const NormArgs a{view_of(in_place, {5, 40}), view_of(weight, {40}), view_of(in_place, {5, 40}), {}, 1e-6f};
    ASSERT_EQ(run(kernel("norm.reference"), &a), Status::ok);
    EXPECT_EQ(differ(in_place, want), "");
}

TEST(Rope, TurnsEachPairByItsAngle) {
    const std::int64_t heads = 3, dim = 20, rows = 4;
    for (const RopeStyle style : {RopeStyle::interleaved, RopeStyle::half})
        for (const std::int64_t pairs : {0, 1, 8, 10}) {
            Floats x = normal(rows * heads * dim, 1);
            std::vector<std::int32_t> positions{0, 1, 4095, 10000000};
            std::vector<double> frequency;
            for (std::int64_t i = 0; i < pairs; ++i) frequency.push_back(std::pow(10000.0, -double(i) / 10));
            const Floats got = values("rope.reference", rows, heads * dim, [&](Output& y) {
                return RopeArgs{view_of(x, {rows, heads, dim}),
                                view_of(positions, {rows}),
                                y.view(heads),
                                style,
                                1.25f,
                                frequency.data(),
                                pairs};
            });
            std::vector<double> want(x.begin(), x.end()), bound(x.size(), 0.0);  // the rest passes through
            for (std::int64_t r = 0; r < rows * heads; ++r)
                for (std::int64_t i = 0; i < pairs; ++i) {
                    const long double angle =
                        static_cast<long double>(double(positions[std::size_t(r / heads)]) * frequency[std::size_t(i)]);
                    const auto c = static_cast<double>(std::cos(angle)), s = static_cast<double>(std::sin(angle));
                    const bool half = style == RopeStyle::half;
                    const auto u = std::size_t(r * dim + (half ? i : 2 * i));
                    const auto v = std::size_t(r * dim + (half ? i + pairs : 2 * i + 1));
                    want[u] = 1.25 * (double(x[u]) * c - double(x[v]) * s);
                    want[v] = 1.25 * (double(x[u]) * s + double(x[v]) * c);
                    bound[u] = bound[v] = 1e-7 * (std::abs(want[u]) + std::abs(want[v]));
                }
            EXPECT_EQ(beyond(got, want, bound), "") << int(style) << " pairs " << pairs;
        }
}

TEST(Rope, MayWriteOverItsInput) {
    Floats x = normal(3 * 2 * 10, 1), in_place = x;
    std::vector<std::int32_t> positions{3, 4, 5};
    const std::vector<double> frequency{1, 0.1, 0.01, 0.001};
    for (const RopeStyle style : {RopeStyle::interleaved, RopeStyle::half}) {
        in_place = x;
        const Floats want = values("rope.reference", 3, 20, [&](Output& y) {
            return RopeArgs{view_of(x, {3, 2, 10}), view_of(positions, {3}), y.view(2), style, 1, frequency.data(), 4};
        });
        const View v = view_of(in_place, {3, 2, 10});
        const RopeArgs a{v, view_of(positions, {3}), v, style, 1, frequency.data(), 4};
        ASSERT_EQ(run(kernel("rope.reference"), &a), Status::ok);
        EXPECT_EQ(differ(in_place, want), "");
    }
}

// One row longer than an item, several short ones, and one of heads; wild data included.
struct Shape {
    std::int64_t rows, width;
};
constexpr Shape shapes[] = {{1, 1}, {1, 5000}, {3, 2048}, {7, 33}};

// Compares a kernel with `want(a, b)` of each element, within `relative` of it; both may be NaN.
template <class Make, class Want>
void check_elements(const char* id, Make make_args, Want want, double relative) {
    for (const Shape s : shapes)
        for (const Data data : all_data) {
            Floats a = make(s.rows * s.width, data, 1), b = make(s.rows * s.width, data, 2);
            const Floats got = values(id, s.rows, s.width, [&](Output& y) {
                return make_args(view_of(a, {s.rows, s.width}), view_of(b, {s.rows, s.width}), y.view());
            });
            for (std::size_t i = 0; i < got.size(); ++i) {
                const auto w = static_cast<double>(static_cast<float>(want(double(a[i]), double(b[i]))));
                if (std::isnan(w) || std::isinf(w)) {
                    ASSERT_TRUE(same_bits(got[i], static_cast<float>(w))) << id << " of " << a[i] << ", " << b[i];
                } else {
                    ASSERT_LE(std::abs(double(got[i]) - w), relative * std::abs(w) + 1e-44)
                        << id << " of " << a[i] << ", " << b[i];
                }
            }
        }
}

TEST(Rowwise, GluIsActOfGateTimesUp) {
    const auto args = [](Act act) { return [act](View a, View b, View y) { return GluArgs{a, b, y, act}; }; };
    check_elements(
        "glu.reference", args(Act::silu), [](double g, double u) { return g / (1 + std::exp(-g)) * u; }, 1e-6);
    const auto gelu = [](double g, double u) {
        return 0.5 * g * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (g + 0.044715 * g * g * g))) * u;
    };
    check_elements("glu.reference", args(Act::gelu_tanh), gelu, 1e-6);
}

TEST(Rowwise, AddScaleAndSoftcap) {
    check_elements(
        "add.reference",
        [](View a, View b, View y) {
            return AddArgs{a, b, y};
        },
        [](double a, double b) { return a + b; }, 6e-8);
    check_elements(
        "scale.reference",
        [](View a, View, View y) {
            return ScaleArgs{a, y, 0.3f};
        },
        [](double a, double) { return a * double(0.3f); }, 6e-8);
    check_elements(
        "softcap.reference",
        [](View a, View, View y) {
            return SoftcapArgs{a, y, 30};
        },
        [](double a, double) { return 30 * std::tanh(a / 30); }, 1e-7);
}

TEST(Rowwise, GateRowsWeighsARowByItsGate) {
    Floats x = normal(5 * 3000, 1), gate = make(5, Data::normal, 2);
    const Floats got = values("gate_rows.reference", 5, 3000, [&](Output& y) {
        return GateRowsArgs{view_of(x, {5, 3000}), view_of(gate, {5, 1}), y.view()};
    });
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double want = double(x[i]) / (1 + std::exp(-double(gate[i / 3000])));
        ASSERT_NEAR(double(got[i]), want, 1e-7 * std::abs(want));
    }
}

TEST(Rowwise, RowsMayBeHeads) {
    Floats a = normal(4 * 3 * 10, 1), b = normal(4 * 3 * 10, 2);
    const Floats got = values("add.reference", 4, 30, [&](Output& y) {
        return AddArgs{view_of(a, {4, 3, 10}), view_of(b, {4, 3, 10}), y.view(3)};
    });
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], a[i] + b[i]);
}

}  // namespace
}  // namespace quern::proof
