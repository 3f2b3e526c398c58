#include "dispatch/choose.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/error.h"
#include "kernels/cpu.h"

namespace quern::dispatch {
namespace {

Request linear_request() { return {"blk.0.attn_q", Op::linear, {DType::q4_k}, {}, 256, 0}; }

// Whatever instructions are allowed, a node has the same numerics class: its bits must not depend on the choice.
TEST(Choose, StaysInTheNodesClass) {
    for (const Isa isa : {Isa::none, machine_policy().isa}) {
        const Choice c = choose(linear_request(), {.isa = isa});
        EXPECT_EQ(c.kernel->numerics, node_class(Op::linear));
        EXPECT_TRUE(covers(isa, c.kernel->needs));
    }
}

TEST(Choose, CollectsReasonsOfEveryCandidate) {
    const Choice c = choose(linear_request(), {.isa = Isa::none});
    int refused = 0;
    for (const Candidate& k : c.candidates)
        if (k.spec != c.kernel) refused += !k.reasons.empty();
    EXPECT_EQ(refused + 1, static_cast<int>(c.candidates.size()));
    EXPECT_GE(refused, 2);  // the double sums (another class) and AVX2 (not allowed)
}

TEST(Choose, ALockIsStillChecked) {
    Policy p{.isa = Isa::none, .lock = {{"linear", "linear.reference"}}};
    EXPECT_EQ(choose(linear_request(), p).kernel->id, "linear.reference");
    p.lock["linear"] = "linear.f32x16.avx2";
    EXPECT_THROW(choose(linear_request(), p), Error);
    p.lock["linear"] = "linear.no_such_kernel";
    try {
        choose(linear_request(), p);
        ADD_FAILURE() << "a kernel that does not exist was chosen";
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find("linear.no_such_kernel"), std::string::npos);
    }
}

const Candidate& candidate(const Choice& c, std::string_view id) {
    for (const Candidate& k : c.candidates)
        if (k.spec->id == id) return k;
    throw std::runtime_error("no such candidate");
}

TEST(Choose, WishesOrderAClassAndNeverLeaveIt) {
    const Policy plain{.isa = Isa::none};
    Policy p = plain;
    p.prefer = {"linear.reference"};  // of another class
    EXPECT_EQ(choose(linear_request(), p).kernel->id, "linear.f32x16.model");
    if (!covers(cpu_isa(), Isa::avx2_fma)) GTEST_SKIP() << "this processor has one tier only";
    p = machine_policy();
    p.prefer = {"*.model"};
    EXPECT_EQ(choose(linear_request(), p).kernel->id, "linear.f32x16.model");
    p = machine_policy();
    p.avoid = {"*.avx2", "*.avx512"};
    EXPECT_EQ(choose(linear_request(), p).kernel->id, "linear.f32x16.model");
}

TEST(Choose, DenyAndAllowAreReasons) {
    Policy p = machine_policy();
    p.deny = {"linear.*.avx*"};
    Choice c = choose(linear_request(), p);
    EXPECT_EQ(c.kernel->id, "linear.f32x16.model");
    EXPECT_EQ(candidate(c, "linear.f32x16.avx2").reasons.back(), Reason::denied);
    p = machine_policy();
    p.allow = {"linear.f32x16.model", "norm.*"};
    c = choose(linear_request(), p);
    EXPECT_EQ(c.kernel->id, "linear.f32x16.model");
    EXPECT_EQ(candidate(c, "linear.f32x16.avx2").reasons.back(), Reason::not_allowed);
    EXPECT_EQ(choose({"a", Op::add, {}, {}, 0, 0}, p).kernel->op, Op::add) << "allow says nothing about add";
    p.deny = {"*"};
    EXPECT_THROW(choose(linear_request(), p), Error);
    p = machine_policy();
    p.lock["linear"] = "linear.f32x16.model";
    p.deny = {"linear.f32x16.model"};
    EXPECT_THROW(choose(linear_request(), p), Error) << "a lock overruled a denial";
}

TEST(Choose, APatternThatMeansNothingIsRefused) {
    for (const auto member : {&Policy::deny, &Policy::allow, &Policy::prefer, &Policy::avoid}) {
        Policy p = machine_policy();
        p.*member = {"linear.*"};
        EXPECT_NO_THROW(check_policy(p));
        p.*member = {"linear.nosuch"};
        EXPECT_THROW(check_policy(p), Error);
    }
}

// A format that nothing reads is refused with the story of every kernel.
TEST(Choose, AnErrorTellsWhyNot) {
    Request r = linear_request();
    r.weights = {DType::nvfp4};
    try {
        choose(r, machine_policy());
        ADD_FAILURE();
    } catch (const Error& e) {
        const std::string text = e.what();
        EXPECT_NE(text.find("blk.0.attn_q"), std::string::npos);
        EXPECT_NE(text.find("linear.reference: it does not read this weight format"), std::string::npos) << text;
    }
}

}  // namespace
}  // namespace quern::dispatch
