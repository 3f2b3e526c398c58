#include "graph/graph.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/builder.h"
#include "harness.h"

namespace quern {
namespace {

std::string error_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return "no error";
}

class GraphTest : public testing::Test {
protected:
    GraphTest() {
        weights.add("token_embd.weight", {10, 16}, 1);
        weights.add("blk.0.attn_q.weight", {32, 16}, 1);
        weights.add("blk.0.attn_q.bias", {32}, 1);
    }
    test::HashWeights weights;
    Graph g{weights, {}};
};

TEST_F(GraphTest, NamesComeFromWeightsAndInputs) {
    const Value x = embed(g.tokens(), g.weight("token_embd.weight", {10, 16}));
    const Layer w(g, 0);
    const Value q = linear(x, w("attn_q", {32, 16}), w.bias("attn_q", 32));
    const Value r = rope(split(q, 8), g.positions(), {RopeStyle::half, 1, {1.0, 0.5}});
    EXPECT_EQ(g.info(x).name, "token_embd");
    EXPECT_EQ(g.info(q).name, "blk.0.attn_q");
    EXPECT_EQ(g.info(r).name, "blk.0.attn_q.rope");
    EXPECT_EQ(g.info(r).type.dims[1].constant(), 4);
    EXPECT_EQ(g.info(r).type.dims[0].text(), "T");
    EXPECT_FALSE(w.bias("attn_k", 32));
}

TEST_F(GraphTest, AWrongShapeNamesTensorFoundAndNeeded) {
    const std::string e = error_of([&] { g.weight("blk.0.attn_q.weight", {32, 20}); });
    EXPECT_EQ(e, "blk.0.attn_q.weight: the file has shape [32, 16], the model needs [32, 20]");
    EXPECT_NE(error_of([&] { g.weight("blk.9.attn_q.weight", {1, 2}); }).find("no such tensor"), std::string::npos);
}

TEST_F(GraphTest, TensorsOfTwoDevicesAreRefused) {
    const Value here = g.input("here", DType::f32, {Dim::symbol(symbol::T), 16}, 0);
    const Value there = g.input("there", DType::f32, {Dim::symbol(symbol::T), 16}, 1);
    const std::string e = error_of([&] { add(here, there, "sum"); });
    EXPECT_EQ(e, "sum: its inputs are on devices 0 and 1; move there first");
}

TEST_F(GraphTest, ShapesThatDoNotFitNameTheNode) {
    const Value x = embed(g.tokens(), g.weight("token_embd.weight", {10, 16}));
    const Value q = linear(x, g.weight("blk.0.attn_q.weight", {32, 16}));
    EXPECT_NE(error_of([&] { add(x, q, "blk.0.sum"); }).find("blk.0.sum: a sum of [T, 16] and [T, 32]"),
              std::string::npos);
    EXPECT_NE(error_of([&] { split(q, 5); }).find("blk.0.attn_q"), std::string::npos);
    EXPECT_NE(error_of([&] { slice(q, 30, 4); }).find("blk.0.attn_q"), std::string::npos);
}

TEST(DimTest, EvaluatesExpressions) {
    const Dim t = Dim::symbol(symbol::T), s = Dim::symbol(symbol::S);
    const Dim d = ceil_div(t * Dim(3) + s, Dim(4));
    const std::int64_t symbols[] = {7, 2};
    EXPECT_EQ(d.evaluate(symbols), 6);
    EXPECT_EQ(d.text(), "(((T*3)+S)/^4)");
    EXPECT_EQ((Dim(3) * Dim(4) + Dim(1)).constant(), 13);
    EXPECT_TRUE(t * Dim(2) == Dim::symbol(symbol::T) * Dim(2));
    EXPECT_FALSE(t == s);
}

}  // namespace
}  // namespace quern
