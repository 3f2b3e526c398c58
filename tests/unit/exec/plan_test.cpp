#include "exec/plan.h"

#include <gtest/gtest.h>

#include "base/checked.h"
#include "base/hash.h"
#include "graph/builder.h"
#include "harness.h"

namespace quern {
namespace {

using exec::Interval;

// Whether two intervals are alive together and share a byte.
bool clash(const Interval& a, std::int64_t at, const Interval& b, std::int64_t bt) {
    return a.first <= b.last && b.first <= a.last && at < bt + b.bytes && bt < at + a.bytes;
}

// Would catch: two buffers that overwrite each other. Random lifetimes and sizes.
TEST(Place, NeverOverlapsWhatIsAliveTogether) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        std::vector<Interval> list;
        std::int64_t total = 0;
        for (std::uint64_t i = 0; i < 60; ++i) {
            const std::uint64_t r = splitmix64(seed * 1000 + i);
            const int first = static_cast<int>(r % 40);
            list.push_back({static_cast<std::int64_t>(1 + r / 64 % 5000), first, first + static_cast<int>(r / 7 % 9)});
            total += round_up(list.back().bytes, buffer_alignment);
        }
        list.push_back({});  // a value that is never made
        std::size_t arena = 0;
        const std::vector<std::int64_t> at = exec::place(list, arena);
        EXPECT_EQ(at.back(), -1);
        EXPECT_LT(static_cast<std::int64_t>(arena), total) << "nothing was shared";
        for (std::size_t i = 0; i + 1 < list.size(); ++i) {
            EXPECT_EQ(at[i] % std::int64_t(buffer_alignment), 0);
            EXPECT_LE(at[i] + list[i].bytes, static_cast<std::int64_t>(arena));
            for (std::size_t j = 0; j < i; ++j) ASSERT_FALSE(clash(list[i], at[i], list[j], at[j])) << i << " " << j;
        }
    }
}

TEST(Buckets, CoverEveryNumberOfRowsOnce) {
    for (const std::int64_t most : {1, 2, 8, 9, 40, 128, 129, 512}) {
        std::int64_t next = 1;
        for (const exec::Bucket b : exec::buckets(most)) {
            EXPECT_EQ(b.min_rows, next);
            EXPECT_GE(b.max_rows, b.min_rows);
            next = b.max_rows + 1;
        }
        EXPECT_EQ(next, most + 1);
    }
}

// A weight that is the embedding and the head is one value, bound once.
TEST(Lower, TiedWeightsLiveOnce) {
    test::HashWeights weights;
    weights.add("token_embd.weight", {10, 16}, 1);
    Graph g(weights, {});
    const Value x = embed(g.tokens(), g.weight("token_embd.weight", {10, 16}));
    g.output("logits", linear(x, g.weight("token_embd.weight", {10, 16})));
    const exec::Program p = exec::lower(g, {"logits"});
    int count = 0;
    for (const ValueInfo& v : p.values) count += v.origin == ValueInfo::Origin::weight;
    EXPECT_EQ(count, 1);
    EXPECT_THROW(exec::lower(g, {"no_such_output"}), Error);
}

// What only another output needs is not computed.
TEST(Lower, LeavesOutWhatNobodyAskedFor) {
    test::HashWeights weights;
    weights.add("token_embd.weight", {10, 16}, 1);
    weights.add("a.weight", {8, 16}, 1);
    weights.add("b.weight", {4, 16}, 1);
    Graph g(weights, {});
    const Value x = embed(g.tokens(), g.weight("token_embd.weight", {10, 16}));
    g.output("a", linear(x, g.weight("a.weight", {8, 16})));
    g.output("b", linear(x, g.weight("b.weight", {4, 16})));
    EXPECT_EQ(exec::lower(g, {"a"}).tasks.size(), 2u);
    EXPECT_EQ(exec::lower(g, {"a", "b"}).tasks.size(), 3u);
}

}  // namespace
}  // namespace quern
