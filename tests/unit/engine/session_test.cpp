#include "engine/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "base/error.h"
#include "base/hash.h"

namespace quern::engine {
namespace {

const Path grist = QUERN_SOURCE_DIR "/models/grist/grist.gguf";

LoadOptions small(std::int64_t context = 96, std::int64_t step_rows = 16) {
    LoadOptions o;
    o.context = context;
    o.step_rows = step_rows;
    o.threads = 2;
    o.sequences = 2;
    return o;
}

std::vector<std::int32_t> tokens(std::size_t n, std::uint64_t seed = 0) {
    std::vector<std::int32_t> t(n);
    for (std::size_t i = 0; i < n; ++i) t[i] = static_cast<std::int32_t>(splitmix64(seed * 1000 + i) % 2000);
    return t;
}

std::vector<float> copy(std::span<const float> logits) { return {logits.begin(), logits.end()}; }

std::vector<float> fresh(Model& model, const std::vector<std::int32_t>& all) {
    Session s(model);
    s.feed(all);
    return copy(s.logits());
}

::testing::AssertionResult equal_bits(const std::vector<float>& a, const std::vector<float>& b) {
    if (a.size() != b.size()) return ::testing::AssertionFailure() << a.size() << " and " << b.size() << " numbers";
    for (std::size_t i = 0; i < a.size(); ++i)
        if (std::memcmp(&a[i], &b[i], sizeof a[i]) != 0)
            return ::testing::AssertionFailure() << "at " << i << ": " << a[i] << " and " << b[i];
    return ::testing::AssertionSuccess();
}

TEST(EqualBits, SeesOneBit) {
    EXPECT_FALSE(equal_bits({1, 2}, {1, std::nextafter(2.0f, 3.0f)}));
    EXPECT_FALSE(equal_bits({0.0f}, {-0.0f}));
    EXPECT_FALSE(equal_bits({1}, {1, 2}));
    EXPECT_TRUE(equal_bits({1, 2}, {1, 2}));
}

class SessionTest : public testing::Test {
protected:
    static void SetUpTestSuite() { model_ = Model::load(grist, small()).release(); }
    static void TearDownTestSuite() {
        delete model_;
        model_ = nullptr;
    }
    static Model* model_;
};
Model* SessionTest::model_ = nullptr;

// The whole prompt again, a longer one, one that parts ways in the middle, a shorter one: always only what is new is
// computed, and the logits are those of a session that knew nothing.
TEST_F(SessionTest, FeedKeepsTheCommonBeginning) {
    Session s(*model_);
    const auto text = tokens(40);
    s.feed(text);
    EXPECT_EQ(s.computed(), 40);
    EXPECT_EQ(s.reused(), 0);

    s.feed(text);  // at least one is computed, for its logits
    EXPECT_EQ(s.computed(), 1);
    EXPECT_EQ(s.reused(), 39);
    EXPECT_EQ(s.tokens(), text);
    const auto once = copy(s.logits());
    EXPECT_TRUE(equal_bits(once, fresh(*model_, text)));

    auto longer = text;
    for (const std::int32_t t : tokens(25, 1)) longer.push_back(t);
    s.feed(longer);
    EXPECT_EQ(s.computed(), 25);
    EXPECT_EQ(s.reused(), 40);
    const auto after_longer = copy(s.logits());
    EXPECT_TRUE(equal_bits(after_longer, fresh(*model_, longer)));
    EXPECT_FALSE(equal_bits(after_longer, once));

    auto parted = longer;
    parted[30] = (parted[30] + 1) % 2000;
    s.feed(parted);
    EXPECT_EQ(s.computed(), 35);
    EXPECT_EQ(s.reused(), 30);
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, parted)));

    const std::vector<std::int32_t> shorter(parted.begin(), parted.begin() + 12);
    s.feed(shorter);
    EXPECT_EQ(s.computed(), 1);
    EXPECT_EQ(s.reused(), 11);
    EXPECT_EQ(s.tokens(), shorter);
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, shorter)));
}

TEST_F(SessionTest, TokenByTokenIsTheSameAsAtOnce) {
    const auto text = tokens(30, 2);
    Session s(*model_);
    for (const std::int32_t t : text) s.append({&t, 1});
    EXPECT_EQ(s.computed(), 1);
    EXPECT_EQ(s.reused(), 29);
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, text)));
}

TEST_F(SessionTest, RewindForgetsTheEnd) {
    const auto text = tokens(50, 3);
    Session s(*model_);
    s.feed(text);
    EXPECT_EQ(s.room(), 46);
    EXPECT_EQ(s.rewind(20), 20);
    EXPECT_EQ(s.tokens().size(), 20u);
    EXPECT_EQ(s.room(), 76);
    const auto other = tokens(10, 4);
    s.append(other);
    std::vector<std::int32_t> all(text.begin(), text.begin() + 20);
    all.insert(all.end(), other.begin(), other.end());
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, all)));
    EXPECT_EQ(s.rewind(0), 0);
    s.feed(text);
    EXPECT_EQ(s.computed(), 50);
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, text)));
}

std::string message(const std::function<void()>& work, Code code) {
    try {
        work();
    } catch (const Error& e) {
        EXPECT_EQ(e.code, code) << e.what();
        return e.what();
    }
    ADD_FAILURE() << "no Error";
    return "";
}

TEST_F(SessionTest, MoreThanTheContextIsRefusedWithBothNumbers) {
    Session s(*model_);
    const auto text = tokens(30, 5);
    s.feed(text);
    const auto before = copy(s.logits());
    const std::string feed = message([&] { s.feed(tokens(97, 6)); }, Code::bad_request);
    EXPECT_THAT(feed, testing::HasSubstr("97"));
    EXPECT_THAT(feed, testing::HasSubstr("96"));
    const std::string append = message([&] { s.append(tokens(67, 6)); }, Code::bad_request);
    EXPECT_THAT(append, testing::HasSubstr("67"));
    EXPECT_THAT(append, testing::HasSubstr("96"));
    message([&] { s.feed({}); }, Code::bad_request);
    // Nothing was lost by it.
    EXPECT_EQ(s.tokens(), text);
    s.feed(text);
    EXPECT_EQ(s.computed(), 1);
    EXPECT_TRUE(equal_bits(copy(s.logits()), before));
    // The context itself fits, to the last token.
    s.feed(tokens(96, 6));
    EXPECT_EQ(s.room(), 0);
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, tokens(96, 6))));
}

TEST_F(SessionTest, AWrongIdMovesNothing) {
    Session s(*model_);
    s.feed(tokens(10));
    const std::int32_t wrong[] = {1, static_cast<std::int32_t>(model_->vocab())};
    EXPECT_THAT(message([&] { s.append(wrong); }, Code::bad_request),
                testing::HasSubstr(std::to_string(model_->vocab())));
    const std::int32_t negative = -1;
    message([&] { s.append({&negative, 1}); }, Code::bad_request);
    EXPECT_EQ(s.tokens(), tokens(10));
    const auto more = tokens(5, 9);
    s.append(more);
    auto all = tokens(10);
    all.insert(all.end(), more.begin(), more.end());
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, all)));
}

// Stopped between chunks: the chunks that are done stay, and are used when the text comes again.
TEST_F(SessionTest, ProgressCanStop) {
    Session s(*model_);
    const auto text = tokens(50, 7);
    std::vector<std::int64_t> seen;
    message(
        [&] {
            s.feed(text, [&](std::int64_t done, std::int64_t all) {
                EXPECT_EQ(all, 50);
                seen.push_back(done);
                return done < 32;
            });
        },
        Code::cancelled);
    EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 16, 32}));
    EXPECT_EQ(s.tokens().size(), 32u);
    seen.clear();
    s.feed(text, [&](std::int64_t done, std::int64_t) {
        seen.push_back(done);
        return true;
    });
    EXPECT_EQ(s.reused(), 32);
    EXPECT_EQ(s.computed(), 18);
    EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 16, 18}));
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, text)));
}

// Stopped in the middle of a step, as by Ctrl-C in a long prompt: that step was never there.
TEST_F(SessionTest, AStepThatWasStoppedWasNeverThere) {
    Session s(*model_);
    const auto text = tokens(40, 8);
    s.feed(std::span(text).first(10));
    model_->executor().set_hook([](int task, int) { return task < 20; });
    message([&] { s.feed(text); }, Code::cancelled);
    model_->executor().set_hook({});
    EXPECT_EQ(s.tokens().size(), 10u);
    s.feed(text);
    EXPECT_EQ(s.reused(), 10);
    EXPECT_TRUE(equal_bits(copy(s.logits()), fresh(*model_, text)));
}

TEST_F(SessionTest, SessionsGiveTheirPlaceBack) {
    for (int i = 0; i < 5; ++i) {
        Session a(*model_), b(*model_);
        message([&] { const Session third(*model_); }, Code::no_memory);
    }
}

}  // namespace
}  // namespace quern::engine
