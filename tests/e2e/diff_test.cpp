// quern diff: what has equal bits is said to, and what does not is found, where it begins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "models.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

TEST(Diff, InstructionSetsThreadsAndCutsGiveEqualBits) {
    for (const Arguments& sides : {Arguments{"isa=scalar", "default"}, Arguments{"threads=1", "threads=3"},
                                   Arguments{"lock=attend=attend.tile64.model,threads=2", "default"}}) {
        const Result r = quern(joined({{"diff"}, sides}));
        EXPECT_EQ(r.exit, 0) << r.out << r.err;
        EXPECT_THAT(r.out, HasSubstr("have equal bits"));
    }
}

TEST(Diff, TheFirstStageThatDiffersIsNamed) {
    const Result r = quern({"diff", "default", "lock=linear=linear.reference", "--json"});
    EXPECT_EQ(r.exit, 1) << r.err;
    const Json j = parse_json(r.out, "output");
    EXPECT_EQ(j.at("first"), "blk.0.attn_q@0");
    double deepest = 0;
    for (const Json& s : j.at("stages")) {
        if (s.at("stage") == "blk.0.attn_norm@0") {
            EXPECT_TRUE(s.at("equal").get<bool>());
        }
        deepest = s.at("relative").get<double>();
    }
    EXPECT_GT(deepest, 0);
    EXPECT_LT(deepest, 1e-4);
    EXPECT_THAT(quern({"diff", "default", "kv-type=f16"}).out, HasSubstr("first to differ: blk.0.attend"));
}

TEST(Diff, ARecordingIsASide) {
    const std::string file = in_folder("tap.safetensors");
    ASSERT_EQ(quern({"run", "--raw", "-n", "1", "A recording", "--tap", "*", "--tap-out", file}).exit, 0);
    const Result same = quern({"diff", "default", file, "--prompt", "A recording"});
    EXPECT_EQ(same.exit, 0) << same.out;
    EXPECT_EQ(quern({"diff", file, "default", "--prompt", "Another text"}).exit, 1);
}

TEST(Diff, WrongSidesAreRefused) {
    EXPECT_THAT(quern({"diff", "no-such-option=1", "default"}).err, HasSubstr("no-such-option"));
    EXPECT_EQ(quern({"diff", "default", "not-there.safetensors"}).exit, 1);
    EXPECT_EQ(quern({"diff", "default"}).exit, 2);
    EXPECT_THAT(quern({"diff", "default", "scalar"}).err, HasSubstr("'scalar' is no side"));
    EXPECT_THAT(quern({"diff", "default", "isa=sse9"}).err, HasSubstr("sse9"));
}

}  // namespace
}  // namespace quern::e2e
