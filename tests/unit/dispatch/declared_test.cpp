// What a kernel declares is what it does: requests inside its domain are taken and give its model's bits, requests just
// outside are refused with the one reason that applies.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <numeric>
#include <random>

#include "base/error.h"
#include "dispatch/proof/prove.h"
#include "kernels/cpu.h"

namespace quern::dispatch {
namespace {

using Random = std::mt19937;

std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

bool has_weights(Op op) {
    return op == Op::linear || op == Op::linear_q8 || op == Op::moe_inner || op == Op::moe_down || op == Op::embed;
}
bool has_state(Op op) { return op == Op::attend || op == Op::store || op == Op::compress || op == Op::recur; }

std::vector<DType> formats(DTypeSet set, bool inside) {
    std::vector<DType> list;
    for (int i = 0; i < static_cast<int>(DType::count_); ++i)
        if (set.has(static_cast<DType>(i)) == inside) list.push_back(static_cast<DType>(i));
    return list;
}

// Sizes that the formats and the kernel's limits allow.
void give_sizes(const KernelSpec& kernel, Request& r, Random& random) {
    std::int64_t k = 1, head_dim = 1;
    for (const DType d : r.weights) k = std::lcm(k, std::int64_t(info(d).block));
    for (const Constraint& c : kernel.must) {
        if (c.limit == Limit::k) k = std::lcm(k, c.multiple);
        if (c.limit == Limit::head_dim) head_dim = std::lcm(head_dim, c.multiple);
    }
    if (has_weights(r.op)) r.k = k * between(random, 1, 8);
    if (has_state(r.op)) r.head_dim = head_dim * between(random, 1, std::max<std::int64_t>(1, 130 / head_dim));
}

// One for each format that the kernel declares, or a single one where its op has none.
std::vector<Request> inside(const KernelSpec& kernel, Random& random) {
    std::vector<Request> list;
    const Request plain{.node = "node", .op = kernel.op};
    if (!has_weights(kernel.op) && !has_state(kernel.op)) list.push_back(plain);
    if (has_weights(kernel.op))
        for (const DType d : formats(kernel.weight, true)) list.push_back(plain), list.back().weights = {d};
    if (has_state(kernel.op))
        for (const DType d : formats(kernel.state, true)) list.push_back(plain), list.back().states = {d};
    for (Request& r : list) give_sizes(kernel, r, random);
    return list;
}

Policy locked_to(const KernelSpec& kernel) {
    Policy p = machine_policy();
    p.lock[std::string(name(kernel.op))] = kernel.id;
    return p;
}

// Refused for this reason alone; where the kernel is registered, selection says so, too.
void expect_refused(const KernelSpec& kernel, const Request& r, const Policy& policy, Reason reason) {
    EXPECT_EQ(objections(kernel, r, policy), std::vector{reason}) << shape_class(r);
    if (find_kernel(kernel.id) != &kernel) return;
    try {
        choose(r, policy);
        ADD_FAILURE() << kernel.id << " was chosen for " << shape_class(r);
    } catch (const Error& e) {
        const std::string part = std::string(kernel.id) + ": " + std::string(sentence(reason));
        EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
}

void expect_refused_outside(const KernelSpec& kernel, const Request& good) {
    const Policy policy = locked_to(kernel);
    if (has_weights(kernel.op))
        for (const DType d : formats(kernel.weight, false)) {
            Request r = good;
            r.weights.push_back(d);  // one bad operand of two is enough
            expect_refused(kernel, r, policy, Reason::weight_dtype);
        }
    if (has_state(kernel.op))
        for (const DType d : formats(kernel.state, false)) {
            Request r = good;
            r.states = {d};
            expect_refused(kernel, r, policy, Reason::state_dtype);
        }
    for (const Constraint& c : kernel.must) {
        if (c.multiple == 1) continue;
        for (const int step : {-1, 1}) {
            Request r = good;
            (c.limit == Limit::k ? r.k : r.head_dim) += step;
            // The other limit on the same size, where there is one, may be missed as well.
            const auto reasons = objections(kernel, r, policy);
            ASSERT_FALSE(reasons.empty()) << shape_class(r);
            for (const Reason reason : reasons) EXPECT_EQ(reason, Reason::not_multiple);
        }
    }
}

class Declared : public testing::TestWithParam<const KernelSpec*> {};

TEST_P(Declared, InsideIsTakenAndGivesTheModelsBits) {
    const KernelSpec& kernel = *GetParam();
    if (!covers(cpu_isa(), kernel.needs)) GTEST_SKIP() << "this processor lacks its instructions";
    Random random(1);
    double slowest = 0;
    for (const Request& r : inside(kernel, random)) {
        EXPECT_EQ(choose(r, locked_to(kernel)).kernel, &kernel) << shape_class(r);
        const std::clock_t start = std::clock();
        const Verdict v = prove_here(kernel, r);
        slowest = std::max(slowest, 1e3 * double(std::clock() - start) / CLOCKS_PER_SEC);
        EXPECT_TRUE(v.holds) << shape_class(r) << ": " << v.trouble;
    }
    if (!is_definition(kernel)) std::printf("slowest proof: %.1f ms of processor time\n", slowest);
}

TEST_P(Declared, OutsideIsRefused) {
    const KernelSpec& kernel = *GetParam();
    Random random(2);
    const std::vector<Request> good = inside(kernel, random);
    ASSERT_FALSE(good.empty()) << "it declares no format";
    const bool here = covers(cpu_isa(), kernel.needs);
    if (!here) return expect_refused(kernel, good[0], locked_to(kernel), Reason::isa_missing);
    for (const Request& r : good) expect_refused_outside(kernel, r);
    if (kernel.needs == Isa::none) return;
    Policy narrow = locked_to(kernel);
    narrow.isa = Isa::none;
    expect_refused(kernel, good[0], narrow, Reason::isa_disabled);
}

std::vector<const KernelSpec*> every_kernel() {
    std::vector<const KernelSpec*> list;
    for (const Registered* r = registered(); r; r = r->next) list.push_back(&r->spec);
    std::sort(list.begin(), list.end(), [](const auto* a, const auto* b) { return a->id < b->id; });
    return list;
}

INSTANTIATE_TEST_SUITE_P(All, Declared, testing::ValuesIn(every_kernel()), [](const auto& each) {
    std::string s(each.param->id);
    std::replace(s.begin(), s.end(), '.', '_');
    return s;
});

// Limits that no kernel of this build need have.
TEST(DeclaredLimits, AreMultiplesOfBothSizes) {
    KernelSpec linear = *find_kernel("linear.f32x16.model");
    linear.id = "made_up";
    linear.must = {Constraint{Limit::k, 64}, Constraint{}};
    KernelSpec attend = *find_kernel("attend.tile64.model");
    attend.id = "made_up";
    attend.must = {Constraint{Limit::head_dim, 16}, Constraint{}};
    Random random(3);
    for (const KernelSpec* kernel : {&linear, &attend})
        for (const Request& r : inside(*kernel, random)) {
            EXPECT_TRUE(objections(*kernel, r, locked_to(*kernel)).empty()) << shape_class(r);
            expect_refused_outside(*kernel, r);
        }
}

}  // namespace
}  // namespace quern::dispatch
