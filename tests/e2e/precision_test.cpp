// --precision fast: int8 activations over k-quants. The same text whatever threads and instructions; close to exact;
// and what stays exact has equal bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "models.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

// Grist with its matrices as q4_k where their rows allow it.
const std::string& grist_q4_k() {
    static const std::string file = [] {
        std::string to = in_folder("grist-q4_k.gguf");
        EXPECT_EQ(quern({"convert", grist, to, "--type", "q4_k"}).exit, 0);
        return to;
    }();
    return file;
}

TEST(Precision, FastHasEqualBitsWhateverThreadsInstructionsAndCuts) {
    for (const char* other : {"precision=fast,isa=scalar", "precision=fast,threads=3"}) {
        const Result r = quern({"diff", "-m", grist_q4_k(), "precision=fast", other});
        EXPECT_EQ(r.exit, 0) << r.out << r.err;
        EXPECT_THAT(r.out, HasSubstr("have equal bits"));
    }
}

TEST(Precision, FastIsCloseToExact) {
    const Result r = quern({"diff", "-m", grist_q4_k(), "precision=exact", "precision=fast", "--json"});
    EXPECT_EQ(r.exit, 1) << r.err;
    const Json j = parse_json(r.out, "output");
    EXPECT_EQ(j.at("first"), "blk.0.attn_q@0");
    EXPECT_LT(j.at("stages").back().at("relative").get<double>(), 0.05);
}

TEST(Precision, WithoutKQuantsThereIsNoDifference) {
    const Result r = quern({"diff", "precision=exact", "precision=fast"});
    EXPECT_EQ(r.exit, 0) << r.out << r.err;
}

TEST(Precision, ExplainNamesTheKernelAndItsClass) {
    const Result fast = quern({"explain", "-m", grist_q4_k(), "--precision", "fast", "blk.0.attn_q"});
    EXPECT_THAT(fast.out, HasSubstr("blk.0.attn_q: linear_q8, class i8"));
    const Result exact = quern({"explain", "-m", grist_q4_k(), "blk.0.attn_q"});
    EXPECT_THAT(exact.out, HasSubstr("blk.0.attn_q: linear, class f32x16"));
}

// A plan that was baked for one precision does not serve the other.
TEST(Precision, EachHasItsOwnPlan) {
    const std::string home = in_folder("precision-home");
    const Arguments fast{"-m", grist_q4_k(), "--precision", "fast"};
    const Arguments run = joined({{"run", "--raw", "-n", "8", "--temp", "0", "Once"}, fast});
    const std::string before = quern(run).out;
    EXPECT_EQ(quern(joined({{"tune"}, fast}), "", {"QUERN_HOME=" + home}).exit, 0);
    EXPECT_EQ(quern(run, "", {"QUERN_HOME=" + home}).out, before);
    const Result exact =
        quern({"run", "--raw", "-n", "8", "--temp", "0", "Once", "-m", grist_q4_k()}, "", {"QUERN_HOME=" + home});
    EXPECT_EQ(exact.exit, 0) << exact.err;
    EXPECT_THAT(exact.err, Not(HasSubstr("set aside")));
}

TEST(Precision, OtherValuesAreRefused) {
    EXPECT_EQ(quern({"run", "--precision", "double", "x"}).exit, 2);
    EXPECT_THAT(quern({"run", "--precision", "double", "x"}).err, HasSubstr("--precision"));
}

}  // namespace
}  // namespace quern::e2e
