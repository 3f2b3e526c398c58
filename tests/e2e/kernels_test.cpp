// Which kernels there are, which are chosen and why, as a user sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "models.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

Json object(const Arguments& arguments) {
    const Result r = quern(arguments);
    EXPECT_EQ(r.exit, 0) << r.err;
    return parse_json(r.out, "output");
}

// Reasons of one candidate for one node of Grist.
std::set<std::string> reasons(const Arguments& options, const std::string& node, const std::string& kernel) {
    const Json j = object(joined({{"explain", "--json", node}, options}));
    for (const Json& c : j.at("nodes").at(0).at("candidates"))
        if (c.at("kernel") == kernel) return c.at("reasons").get<std::set<std::string>>();
    ADD_FAILURE() << kernel << " is no candidate";
    return {};
}

std::string chosen(const Arguments& options, const std::string& node) {
    return object(joined({{"explain", "--json", node}, options})).at("nodes").at(0).at("kernel").get<std::string>();
}

TEST(Kernels, AreListedOnceEach) {
    const Json j = object({"kernels", "--json"});
    std::set<std::string> ids;
    for (const Json& k : j.at("kernels")) EXPECT_TRUE(ids.insert(k.at("id").get<std::string>()).second) << k.dump();
    EXPECT_TRUE(ids.contains("linear.f32x16.model"));
    const Result r = quern({"kernels"});
    for (const std::string& id : ids) EXPECT_THAT(r.out, HasSubstr(id + " "));
}

TEST(Kernels, ThePageInDocsIsNotStale) {
    EXPECT_EQ(quern({"kernels", "--markdown"}).out, contents(QUERN_SOURCE_DIR "/docs/kernels.md"))
        << "make it anew: quern kernels --markdown > docs/kernels.md";
}

TEST(Explain, SaysWhyNotForEveryWayToBeRefused) {
    EXPECT_TRUE(reasons({"--isa", "scalar"}, "blk.0.attn_q", "linear.f32x16.model").empty());
    const auto because = [](const Arguments& o, const char* kernel) { return reasons(o, "blk.0.attn_q", kernel); };
    EXPECT_TRUE(because({"--deny", "linear.f32x16.model"}, "linear.f32x16.model").contains("denied"));
    EXPECT_TRUE(because({"--allow", "linear.f32x16.model"}, "linear.f32x16.avx2").contains("not_allowed"));
    EXPECT_TRUE(because({}, "linear.reference").contains("other_class"));
    EXPECT_TRUE(because({"--lock", "linear=linear.reference"}, "linear.f32x16.model").contains("not_locked"));
    const std::set<std::string> isa = because({"--isa", "scalar"}, "linear.f32x16.avx2");
    EXPECT_TRUE(isa.contains("isa_disabled") || isa.contains("isa_missing"));
}

TEST(Explain, FollowsThePolicy) {
    EXPECT_EQ(chosen({"--isa", "scalar"}, "blk.0.attn_q"), "linear.f32x16.model");
    EXPECT_EQ(chosen({"--prefer", "*.model"}, "blk.1.attn_k"), "linear.f32x16.model");
    EXPECT_EQ(chosen({"--deny", "*.avx2", "--deny", "*.avx512"}, "blk.1.attn_k"), "linear.f32x16.model");
    EXPECT_EQ(chosen({"--lock", "linear=linear.reference"}, "blk.1.attn_k"), "linear.reference");
    EXPECT_EQ(quern({"explain", "--deny", "linear.*"}).exit, 1);
    EXPECT_THAT(quern({"explain", "--deny", "linear.*"}).err, HasSubstr("--deny names it"));
    EXPECT_THAT(quern({"explain", "--prefer", "nosuch.*"}).err, HasSubstr("--prefer nosuch.*"));
    EXPECT_THAT(quern({"explain", "no.such.node"}).err, HasSubstr("no.such.node"));
}

// Kernels that run are proved first, once for this machine; eight processes that start at once get along.
TEST(Explain, WhatIsChosenIsProved) {
    const auto run = [](const std::string& home) {
        return "QUERN_HOME='" + home + "' '" QUERN_BINARY "' run --raw --temp 0 -n 2 x >/dev/null 2>&1";
    };
    const std::string home = in_folder("fresh-home");
    std::string all;
    for (int i = 0; i < 8; ++i) all += "(" + run(home) + ") & p" + std::to_string(i) + "=$!; ";
    for (int i = 0; i < 8; ++i) all += "wait $p" + std::to_string(i) + " || exit 1; ";
    EXPECT_EQ(std::system(all.c_str()), 0);
    const Json explained = object({"explain", "--json"});
    for (const Json& node : explained.at("nodes"))
        for (const Json& c : node.at("candidates"))
            EXPECT_TRUE(!c.at("chosen").get<bool>() || c.at("proof") == "holds" || c.at("proof") == "definition") << c;
}

// What explain says is what is run.
TEST(Explain, AgreesWithThePlan) {
    const Json explained = object({"explain", "--json", "--tokens", "5"}).at("nodes");
    const Json plan = object({"plan", "show", "--json", "--tokens", "5"}).at("plans").at(0).at("steps");
    std::size_t at = 0;
    for (const Json& step : plan) {
        if (step.at("kernel").is_null()) continue;
        ASSERT_LT(at, explained.size());
        EXPECT_EQ(explained[at].at("node"), step.at("name"));
        EXPECT_EQ(explained[at].at("kernel"), step.at("kernel"));
        ++at;
    }
    EXPECT_EQ(at, explained.size());
    EXPECT_THAT(quern({"explain", "blk.0.attn_q"}).out, HasSubstr("chosen"));
}

}  // namespace
}  // namespace quern::e2e
