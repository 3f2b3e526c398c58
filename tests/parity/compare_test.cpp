// The test of the comparator: each broken engine below must be seen. A comparator written `err > tol` would let NaN
// pass, one that looks at the last position only would miss a wrong first one.
#include "parity/compare.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace quern::parity {
namespace {

constexpr std::size_t vocab = 4;
const std::vector<float> golden = {1, 2, 3, 4, -1, 5, 0, 2, 0.5f, 0.25f, 0.2504f, 0};

Verdict with(std::size_t index, float value) {
    std::vector<float> ours = golden;
    ours[index] = value;
    return compare_logits(golden, ours, vocab, 1e-3f);
}

TEST(Comparator, EqualAndNearlyEqualPass) {
    EXPECT_TRUE(compare_logits(golden, golden, vocab, 1e-3f).pass);
    const Verdict v = with(1, 2.0009f);
    EXPECT_TRUE(v.pass) << v.sentence;
    EXPECT_NEAR(v.worst, 9e-4f, 1e-6f);
}

TEST(Comparator, AWrongValueFailsAtEveryPlace) {
    for (std::size_t i = 0; i < golden.size(); ++i) {
        EXPECT_FALSE(with(i, golden[i] + 2e-3f).pass) << i;
        EXPECT_FALSE(with(i, golden[i] - 2e-3f).pass) << i;
    }
}

TEST(Comparator, NanAndInfinityFailAtEveryPlace) {
    for (std::size_t i = 0; i < golden.size(); ++i) {
        EXPECT_FALSE(with(i, std::numeric_limits<float>::quiet_NaN()).pass) << i;
        EXPECT_FALSE(with(i, -std::numeric_limits<float>::quiet_NaN()).pass) << i;
        EXPECT_FALSE(with(i, std::numeric_limits<float>::infinity()).pass) << i;
        EXPECT_FALSE(with(i, -std::numeric_limits<float>::infinity()).pass) << i;
    }
    const std::vector<float> all(golden.size(), std::numeric_limits<float>::quiet_NaN());
    EXPECT_FALSE(compare_logits(golden, all, vocab, 1e-3f).pass);
    EXPECT_FALSE(compare_logits(all, all, vocab, 1e-3f).pass) << "a golden NaN is no golden";
}

TEST(Comparator, AnotherBestTokenFailsInsideTheTolerance) {
    const std::vector<float> tie = {1.0f, 1.0004f, 0.0f, 0.0f};
    const std::vector<float> swapped = {1.0004f, 1.0f, 0.0f, 0.0f};
    const Verdict v = compare_logits(tie, swapped, vocab, 1e-3f);
    EXPECT_FALSE(v.pass);
    EXPECT_NE(v.sentence.find("best token 0 where 1"), std::string::npos) << v.sentence;
}

TEST(Comparator, MissingOrExtraPositionsFail) {
    const std::span<const float> all(golden);
    EXPECT_FALSE(compare_logits(all, all.first(8), vocab, 1e-3f).pass);
    EXPECT_FALSE(compare_logits(all.first(8), all, vocab, 1e-3f).pass);
    EXPECT_FALSE(compare_logits(all.first(7), all.first(7), vocab, 1e-3f).pass);
    EXPECT_FALSE(compare_logits({}, {}, vocab, 1e-3f).pass) << "nothing compared is not a pass";
    EXPECT_FALSE(compare_logits(all, all, 0, 1e-3f).pass);
}

}  // namespace
}  // namespace quern::parity
