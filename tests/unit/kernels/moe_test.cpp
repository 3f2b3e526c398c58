// The kernels of experts over every way rows can spread, and the small ops around them.
#include <gtest/gtest.h>

#include "dispatch/proof/moe_cases.h"

#include "dispatch/proof/linear_cases.h"
#include "kernels/act.h"

namespace quern::proof {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::vector<MoeCase> cases() {
    std::vector<MoeCase> all;
    for (const Spread spread : all_spreads)
        for (const std::int64_t rows : {1, 2, 3, 7, 33}) all.push_back({.rows = rows, .spread = spread});
    all.push_back({.rows = 33, .top_k = 1, .dim = 1030, .ff = 17, .spread = Spread::one_expert});
    all.push_back({.rows = 130, .top_k = 1, .experts = 3, .dim = 16, .ff = 33, .spread = Spread::one_expert});
    all.push_back({.rows = 9, .top_k = 8, .experts = 8, .dim = 15, .ff = 1});
    all.push_back({.rows = 6, .act = Act::gelu_tanh});
    return all;
}

class Experts : public ::testing::TestWithParam<Op> {
protected:
    std::string name() const { return std::string(quern::name(GetParam())); }
    const KernelSpec& model() const { return *find_kernel(name() + ".f32x16.model"); }
};

TEST_P(Experts, EveryKernelHasTheModelsBits) {
    for (const KernelSpec* k : kernels_of(GetParam(), Numerics::f32x16))
        for (const MoeCase& c : cases()) EXPECT_EQ(check_moe(*k, model(), c), "");
}

TEST_P(Experts, EveryKernelReadsEveryWeightFormatItDeclares) {
    for (const KernelSpec* k : kernels_of(GetParam(), Numerics::f32x16))
        for (const DType dtype : formats(k->weight)) {
            const bool inner = GetParam() == Op::moe_inner;
            const MoeCase c{.rows = 5, .experts = 3, .dim = inner ? 512 : 20, .ff = inner ? 20 : 512, .dtype = dtype};
            EXPECT_EQ(check_moe(*k, model(), c), "");
        }
}

TEST_P(Experts, TheClassIsCloseToDoubleSums) {
    const KernelSpec& reference = *find_kernel(name() + ".reference");
    for (const MoeCase& c : cases()) {
        MoeWorld w(c, GetParam());
        const MoeResult want = moe_with(reference, w), got = moe_with(model(), w);
        ASSERT_EQ(want.trouble, "");
        double norm = 0;  // of an element, at most, roughly: products of k and of gate and up
        for (const float v : want.y) norm = std::max(norm, std::abs(double(v)));
        EXPECT_EQ(beyond(got.y, {want.y.begin(), want.y.end()}, std::vector<double>(got.y.size(), 1e-5 * norm)), "")
            << c.text();
    }
}

TEST_P(Experts, AnExpertThatHasSlotsButNoSlabIsReported) {
    for (const KernelSpec* k : kernels_of(GetParam(), Numerics::f32x16)) {
        MoeWorld w({}, GetParam());
        std::fill(w.up.table.begin(), w.up.table.end(), nullptr);
        std::fill(w.down.table.begin(), w.down.table.end(), nullptr);
        EXPECT_EQ(moe_with(*k, w).trouble, "did not end well") << k->id;
    }
}

INSTANTIATE_TEST_SUITE_P(Moe, Experts, ::testing::Values(Op::moe_inner, Op::moe_down),
                         [](const auto& i) { return std::string(name(i.param)); });

// A slot's bits are those of linear, linear, glu on its row alone.
TEST(Moe, ASlotHasTheBitsOfThePlainComposition) {
    const MoeCase c{.rows = 7, .top_k = 2, .experts = 4, .dim = 1100, .ff = 20, .dtype = DType::bf16};
    MoeWorld w(c, Op::moe_inner);
    const KernelSpec& linear = *find_kernel("linear.f32x16.model");
    for (const KernelSpec* k : kernels_of(Op::moe_inner, Numerics::f32x16)) {
        const MoeResult got = moe_with(*k, w);
        for (std::int64_t s = 0; s < c.rows * c.top_k; ++s) {
            const auto e = std::size_t(w.ids[std::size_t(s)]);
            Floats g(std::size_t(c.ff)), u(std::size_t(c.ff));
            for (const auto& [stack, y] : {std::pair{&w.gate, &g}, {&w.up, &u}}) {
                LinearArgs a{view_of(w.x, {c.rows, c.dim}),
                             dense_view(stack->slab[e].data(), c.dtype, {c.ff, c.dim}),
                             {},
                             view_of(*y, {1, c.ff})};
                a.x.data += s / c.top_k * a.x.stride[0];
                a.x.dim[0] = 1;
                ASSERT_EQ(run(linear, &a), Status::ok);
            }
            for (std::size_t n = 0; n < g.size(); ++n)
                ASSERT_TRUE(same_bits(got.y[std::size_t(s * c.ff) + n], gated(c.act, g[n], u[n]))) << s << " " << n;
        }
    }
}

struct Routed {
    Status status;
    std::vector<std::int32_t> ids;
    Floats weights;
};
Routed route(Floats logits, std::int64_t rows, std::int64_t top_k, Renormalise r) {
    Routed out{Status::ok, std::vector<std::int32_t>(std::size_t(rows * top_k), -7), {}};
    Output weights(rows, top_k, 0);
    const RouteArgs a{view_of(logits, {rows, std::int64_t(logits.size()) / rows}), view_of(out.ids, {rows, top_k}),
                      weights.view(), r};
    out.status = run(*find_kernel("route.reference"), &a);
    EXPECT_FALSE(weights.overrun());
    out.weights = weights.values();
    return out;
}

TEST(Route, ChoosesTheLargestInFallingOrder) {
    const Routed r = route({0, 3, 1, 2}, 1, 3, Renormalise::no);
    EXPECT_EQ(r.ids, (std::vector<std::int32_t>{1, 3, 2}));
    const double sum = 1 + std::exp(3.0) + std::exp(1.0) + std::exp(2.0);
    EXPECT_NEAR(r.weights[0], std::exp(3.0) / sum, 1e-7);
    EXPECT_NEAR(r.weights[2], std::exp(1.0) / sum, 1e-7);
}

TEST(Route, RenormalisedWeightsAddUpToOne) {
    const Routed r = route(normal(6 * 16, 1), 6, 4, Renormalise::yes);
    for (std::size_t t = 0; t < 6; ++t) {
        float sum = 0;
        for (std::size_t c = 0; c < 4; ++c) sum += r.weights[t * 4 + c];
        EXPECT_NEAR(sum, 1, 3e-7);
    }
}

TEST(Route, TiesGoToTheLowestId) {
    EXPECT_EQ(route({1, 1, 1, 1}, 1, 4, Renormalise::yes).ids, (std::vector<std::int32_t>{0, 1, 2, 3}));
    EXPECT_EQ(route({0, 2, 1, 2}, 1, 2, Renormalise::yes).ids, (std::vector<std::int32_t>{1, 3}));
    // So different that both probabilities are 0: still a tie, still different experts.
    EXPECT_EQ(route({5, -9999, 3000, -8888}, 1, 4, Renormalise::no).ids, (std::vector<std::int32_t>{2, 0, 1, 3}));
}

TEST(Route, WhatIsNoNumberEndsTheStep) {
    for (const float bad : {nan, infinity})
        EXPECT_EQ(route({1, 2, bad, 3}, 1, 2, Renormalise::yes).status, Status::bad_routing) << bad;
    EXPECT_EQ(route({-infinity, -infinity}, 1, 1, Renormalise::yes).status, Status::bad_routing);
    EXPECT_EQ(route({1, 2, -infinity, 3}, 1, 2, Renormalise::yes).status, Status::ok);
}

TEST(MoeGroup, SortsSlotsByExpertThenSlot) {
    for (const Spread spread : all_spreads) {
        MoeWorld w({.rows = 33, .top_k = 2, .experts = 9, .spread = spread}, Op::moe_group);
        std::vector<std::int32_t> begin(10, -7), slots(66, -7);
        const MoeGroupArgs a{view_of(w.ids, {33, 2}), view_of(begin, {10}), view_of(slots, {66})};
        EXPECT_EQ(run(*find_kernel("moe_group.reference"), &a), Status::ok);
        EXPECT_EQ(begin, w.begin);
        EXPECT_EQ(slots, w.slots);
    }
}

TEST(MoeGroup, AnExpertThatDoesNotExistEndsTheStep) {
    for (const std::int32_t bad : {-1, 4}) {
        std::vector<std::int32_t> ids{0, bad}, begin(5), slots(2);
        const MoeGroupArgs a{view_of(ids, {1, 2}), view_of(begin, {5}), view_of(slots, {2})};
        EXPECT_EQ(run(*find_kernel("moe_group.reference"), &a), Status::bad_routing);
    }
}

TEST(MoeCombine, AddsInOrderOfChoiceAndTheSharedExpertLast) {
    const std::int64_t rows = 3, top_k = 4, dim = 2100;
    Floats outs = normal(rows * top_k * dim, 1), weights = normal(rows * top_k, 2), shared = normal(rows * dim, 3);
    for (const bool with_shared : {false, true}) {
        Output y(rows, dim);
        const MoeCombineArgs a{view_of(outs, {rows * top_k, dim}), view_of(weights, {rows, top_k}),
                               with_shared ? view_of(shared, {rows, dim}) : View{}, y.view()};
        ASSERT_EQ(run(*find_kernel("moe_combine.reference"), &a, 3), Status::ok);
        EXPECT_FALSE(y.overrun());
        const Floats got = y.values();
        for (std::int64_t t = 0; t < rows; ++t)
            for (std::int64_t i = 0; i < dim; ++i) {
                float want = 0;
                for (std::int64_t c = 0; c < top_k; ++c)
                    want = std::fma(weights[std::size_t(t * top_k + c)], outs[std::size_t((t * top_k + c) * dim + i)],
                                    want);
                if (with_shared) want += shared[std::size_t(t * dim + i)];
                ASSERT_TRUE(same_bits(got[std::size_t(t * dim + i)], want)) << t << " " << i;
            }
    }
}

}  // namespace
}  // namespace quern::proof
