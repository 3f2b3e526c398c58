#include "engine/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/hash.h"
#include "engine/session.h"

namespace quern::engine {
namespace {

const Path grist = QUERN_SOURCE_DIR "/models/grist/grist.gguf";

LoadOptions options(int sequences) {
    LoadOptions o;
    o.context = 64;
    o.step_rows = 32;
    o.threads = 2;
    o.sequences = sequences;
    return o;
}

std::vector<std::int32_t> tokens(std::size_t n, std::uint64_t seed) {
    std::vector<std::int32_t> t(n);
    for (std::size_t i = 0; i < n; ++i) t[i] = static_cast<std::int32_t>(splitmix64(seed * 1000 + i) % 2000);
    return t;
}

using Rows = std::vector<std::vector<float>>;

bool equal_bits(const Rows& a, const Rows& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].size() != b[i].size() || std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(float)) != 0)
            return false;
    return true;
}

// Feeds it in pieces of `piece`; the logits after each.
Rows alone(const std::vector<std::int32_t>& text, std::size_t piece) {
    const auto model = Model::load(grist, options(1));
    Session s(*model);
    Rows rows;
    for (std::size_t i = 0; i < text.size(); i += piece) {
        s.append(std::span(text).subspan(i, std::min(piece, text.size() - i)));
        rows.emplace_back(s.logits().begin(), s.logits().end());
    }
    return rows;
}

TEST(Model, InterleavedSessionsAreEachAsAlone) {
    const auto one = tokens(48, 1), two = tokens(48, 2);
    const auto model = Model::load(grist, options(2));
    Session a(*model), b(*model);
    Rows of_a, of_b;
    for (std::size_t i = 0; i < 48; i += 8) {
        a.append(std::span(one).subspan(i, 8));
        of_a.emplace_back(a.logits().begin(), a.logits().end());
        b.append(std::span(two).subspan(i, 8));
        of_b.emplace_back(b.logits().begin(), b.logits().end());
    }
    EXPECT_TRUE(equal_bits(of_a, alone(one, 8)));
    EXPECT_TRUE(equal_bits(of_b, alone(two, 8)));
    EXPECT_FALSE(equal_bits(of_a, of_b));
}

// Two sequences in one step, one with a row wanted, the other with two: each row is what the sequence gives alone.
TEST(Model, AStepOfTwoSequencesGivesTheirRowsInOrder) {
    const auto one = tokens(9, 3), two = tokens(5, 4);
    LoadOptions o = options(2);
    o.logit_rows = 3;
    const auto model = Model::load(grist, o);
    const int a = model->pages().open(), b = model->pages().open();
    const std::int32_t last = 8, some[] = {0, 4};
    const Model::Chunk chunks[] = {{a, one, {&last, 1}}, {b, two, some}};
    model->step(chunks);
    EXPECT_EQ(model->pages().length(a), 9);
    EXPECT_EQ(model->pages().length(b), 5);
    const View v = model->executor().output("logits");
    ASSERT_EQ(v.rows(), 3);
    Rows rows;
    for (std::int64_t r = 0; r < 3; ++r) rows.emplace_back(v.row<float>(r), v.row<float>(r) + v.last());
    EXPECT_TRUE(equal_bits({rows[0]}, {alone(one, 9).back()}));
    EXPECT_TRUE(equal_bits({rows[1]}, {alone({two[0]}, 1).back()}));
    EXPECT_TRUE(equal_bits({rows[2]}, {alone(two, 5).back()}));
}

TEST(Model, AStepThatFailsMovesNoSequence) {
    const auto model = Model::load(grist, options(2));
    const int a = model->pages().open(), b = model->pages().open();
    const auto good = tokens(4, 5);
    const std::int32_t bad = -7;
    const Model::Chunk chunks[] = {{a, good, {}}, {b, {&bad, 1}, {}}};
    EXPECT_THROW(model->step(chunks), Error);
    EXPECT_EQ(model->pages().length(a), 0);
    EXPECT_EQ(model->pages().length(b), 0);
}

TEST(Model, TellsWhatItHasLoaded) {
    std::int64_t last = -1, total = 0;
    LoadOptions o = options(1);
    o.progress = [&](std::int64_t done, std::int64_t all) {
        EXPECT_GE(done, last);
        last = done;
        total = all;
    };
    const auto model = Model::load(grist, o);
    EXPECT_EQ(model->context(), 64);
    EXPECT_EQ(model->vocab(), 2560);
    ASSERT_TRUE(model->tokenizer());
    EXPECT_FALSE(model->chat_template().stop_tokens().empty());
    EXPECT_GT(total, 8000000);
    EXPECT_EQ(last, total);
    EXPECT_EQ(model->options().step_rows, 32);
}

TEST(Model, AStepIsNeverLongerThanTheContext) {
    LoadOptions o = options(1);
    o.context = 8;
    EXPECT_EQ(Model::load(grist, o)->options().step_rows, 8);
}

TEST(Model, StateBytesAreWhatPagesTake) {
    const auto model = Model::load(grist, options(1));
    EXPECT_EQ(state_bytes(model->graph(), 64, 32), model->pages().bytes());
    EXPECT_GT(state_bytes(model->graph(), 128, 32), model->pages().bytes());
}

TEST(Model, ErrorsNameTheFileOnce) {
    for (const Path& path : {Path("/nonexistent/model.gguf"), Path(QUERN_SOURCE_DIR "/CMakeLists.txt")}) {
        try {
            Model::load(path, {});
            FAIL() << path;
        } catch (const Error& e) {
            const std::string text = e.what();
            EXPECT_NE(text.find(path.string()), std::string::npos) << text;
            EXPECT_EQ(text.find(path.string()), text.rfind(path.string())) << text;
        }
    }
    LoadOptions o = options(1);
    o.policy.lock["linear"] = "linear.nosuch";
    try {
        Model::load(grist, o);
        FAIL();
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), testing::StartsWith("loading " + grist.string() + ": "));
        EXPECT_THAT(e.what(), testing::HasSubstr("linear.nosuch"));
    }
}

}  // namespace
}  // namespace quern::engine
