// Promise 3 at the level of steps, on a toy architecture with every kind of state: the bits of a token's logits do not
// depend on chunks, on what shares the batch, or on threads.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "toy.h"

namespace quern::test {
namespace {

using Rows = std::vector<std::vector<float>>;

// How many rows differ in any bit.
int different(const Rows& a, const Rows& b) {
    if (a.size() != b.size()) return -1;
    int n = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        n += a[i].size() != b[i].size() || std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(float)) != 0;
    return n;
}

TEST(Comparator, SeesOneBitAndAMissingRow) {
    const Rows a{{1.0f, 2.0f}, {3.0f, 4.0f}};
    Rows b = a;
    EXPECT_EQ(different(a, b), 0);
    b[1][1] = std::nextafter(4.0f, 5.0f);
    EXPECT_EQ(different(a, b), 1);
    b.pop_back();
    EXPECT_EQ(different(a, b), -1);
}

class Steps : public testing::Test {
protected:
    HashWeights weights = Toy::weights();
    Harness toy{weights, Toy::record};
};

// Would catch: a state row written or read at the wrong place when a chunk ends inside a page, a window or a group
// of 4.
TEST_F(Steps, ChunksGiveEqualBits) {
    const auto tokens = hashed_tokens("chunks", 150, Toy::vocab);
    const int whole = toy.pages->open();
    const Rows expected = toy.feed(whole, tokens, 256);
    toy.pages->close(whole);
    for (const std::size_t chunk : {1u, 3u, 4u, 7u, 64u, 65u}) {
        const int s = toy.pages->open();
        EXPECT_EQ(different(toy.feed(s, tokens, chunk), expected), 0) << "chunks of " << chunk;
        toy.pages->close(s);
    }
}

TEST_F(Steps, ThreadsGiveEqualBits) {
    const auto tokens = hashed_tokens("threads", 90, Toy::vocab);
    const Rows expected = toy.feed(toy.pages->open(), tokens, 30);
    for (const int threads : {1, 3, 8}) {
        Harness other(weights, Toy::record, {.threads = threads});
        EXPECT_EQ(different(other.feed(other.pages->open(), tokens, 30), expected), 0) << threads << " threads";
    }
}

// Five sequences, prefill and decode mixed in every step, against each alone. Would catch: rows of one sequence that
// read another's state, or a kernel whose bits depend on its neighbours.
TEST_F(Steps, SharedBatchesGiveTheBitsOfEachAlone) {
    std::vector<std::vector<std::int32_t>> tokens;
    std::vector<Rows> alone, together(5);
    for (std::size_t s = 0; s < 5; ++s) {
        tokens.push_back(hashed_tokens("sequence" + std::to_string(s), 40 + 17 * s, Toy::vocab));
        const int id = toy.pages->open();
        alone.push_back(toy.feed(id, tokens[s], 256));
        toy.pages->close(id);
    }
    std::vector<int> ids(5);
    for (int& id : ids) id = toy.pages->open();
    std::vector<std::size_t> done(5);
    for (std::uint64_t round = 0; done != std::vector<std::size_t>{40, 57, 74, 91, 108}; ++round) {
        std::vector<Harness::Part> parts;
        std::vector<std::size_t> who;
        for (std::size_t s = 0; s < 5; ++s) {
            // Now one token, as in decode, now up to 12, as in prefill; now and then a sequence waits.
            const std::uint64_t r = splitmix64(round * 5 + s);
            const std::size_t n = std::min<std::size_t>(r % 3 == 0 ? 1 : r % 13, tokens[s].size() - done[s]);
            if (n == 0) continue;
            const auto from = tokens[s].begin() + std::ptrdiff_t(done[s]);
            parts.push_back({ids[s], {from, from + std::ptrdiff_t(n)}});
            who.insert(who.end(), n, s);
            done[s] += n;
        }
        if (parts.empty()) continue;
        Rows rows = toy.step(parts);
        for (std::size_t i = 0; i < rows.size(); ++i) together[who[i]].push_back(std::move(rows[i]));
    }
    for (std::size_t s = 0; s < 5; ++s) EXPECT_EQ(different(together[s], alone[s]), 0) << "sequence " << s;
}

// Rewinding by checkpoint (the ring and the slot), and refusing what truncation cannot do.
TEST_F(Steps, RewindsToACheckpoint) {
    const auto tokens = hashed_tokens("rewind", 120, Toy::vocab);
    const int s = toy.pages->open();
    toy.feed(s, {tokens.begin(), tokens.begin() + 50}, 16);
    const Pages::Checkpoint mark = toy.pages->checkpoint(s);
    const Rows expected = toy.feed(s, {tokens.begin() + 50, tokens.end()}, 16);
    EXPECT_FALSE(toy.pages->can_truncate(s, 50));
    toy.pages->restore(s, mark);
    EXPECT_EQ(toy.pages->length(s), 50);
    EXPECT_EQ(different(toy.feed(s, {tokens.begin() + 50, tokens.end()}, 7), expected), 0);
}

// Two hundred steps of mixed T: everything was built before the first.
TEST_F(Steps, BuildNoPlanAndNoGraph) {
    const int s = toy.pages->open();
    const int plans = toy.executor->plans_made();
    const std::size_t nodes = toy.graph.nodes().size(), values = toy.graph.values().size();
    EXPECT_EQ(plans, 5);
    std::int64_t taken = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
        const std::size_t n = 1 + splitmix64(i) % (i % 10 == 0 ? 200 : 5);
        if (taken + std::int64_t(n) > 512) {
            toy.pages->truncate(s, 0);
            taken = 0;
        }
        toy.step({{s, hashed_tokens("mixed", n, Toy::vocab)}});
        taken += std::int64_t(n);
    }
    EXPECT_EQ(toy.executor->plans_made(), plans);
    EXPECT_EQ(toy.graph.nodes().size(), nodes);
    EXPECT_EQ(toy.graph.values().size(), values);
}

TEST_F(Steps, GiveBackEveryLease) {
    toy.feed(toy.pages->open(), hashed_tokens("lease", 40, Toy::vocab), 8);
    EXPECT_EQ(weights.leased(), 0);
}

// What fails in a step ends in an Error naming the node, and the sequence has not moved.
TEST_F(Steps, FailuresNameTheNode) {
    const int s = toy.pages->open();
    for (const std::int32_t bad : {-1, 50, 1 << 30}) {
        try {
            toy.step({{s, {bad}}});
            ADD_FAILURE() << bad << " was taken";
        } catch (const Error& e) {
            EXPECT_NE(std::string(e.what()).find("token_embd"), std::string::npos) << e.what();
        }
    }
    EXPECT_EQ(toy.pages->length(s), 0);
    weights.break_leases();
    try {
        toy.step({{s, {1}}});
        ADD_FAILURE() << "weights that could not be read were used";
    } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::io);
        EXPECT_NE(std::string(e.what()).find("blk.0.ffn_moe"), std::string::npos) << e.what();
    }
}

TEST_F(Steps, TheHookStopsAStep) {
    const int s = toy.pages->open();
    int calls = 0, last = 0;
    toy.executor->set_hook([&](int done, int all) {
        ++calls;
        last = all;
        return done < 7;
    });
    EXPECT_THROW(toy.step({{s, {1, 2, 3}}}), Error);
    EXPECT_EQ(calls, 8);
    EXPECT_GT(last, 20);
    toy.executor->set_hook({});
    EXPECT_EQ(toy.step({{s, {1, 2, 3}}}).size(), 3u);
}

// An observer sees inputs and outputs by dotted name, the inner values of moe included.
TEST_F(Steps, ObserversSeeInnerValues) {
    struct Recorder : exec::Observer {
        std::map<std::string, std::vector<std::string>> seen;
        bool wants(std::string_view task) override { return task.starts_with("blk.0.ffn"); }
        void observe(const exec::Observed& t) override {
            auto& list = seen[std::string(t.name)];
            for (const auto& item : t.out) list.push_back(std::string(item.name) + to_string(item.view));
        }
    } recorder;
    toy.executor->set_observer(&recorder);
    toy.step({{toy.pages->open(), {1, 2, 3}}});
    toy.executor->set_observer(nullptr);
    EXPECT_EQ(recorder.seen.at("blk.0.ffn_norm")[0], "blk.0.ffn_norm[3, 32]");
    EXPECT_EQ(recorder.seen.at("blk.0.ffn_moe.inner")[0], "blk.0.ffn_moe.inner[6, 24]");
    EXPECT_EQ(recorder.seen.at("blk.0.ffn_moe.down")[0], "blk.0.ffn_moe.down[6, 32]");
    EXPECT_EQ(recorder.seen.at("blk.0.ffn_moe.group")[0], "blk.0.ffn_moe.group[5]");
    EXPECT_FALSE(recorder.seen.contains("blk.0.attn_q"));
}

}  // namespace
}  // namespace quern::test
