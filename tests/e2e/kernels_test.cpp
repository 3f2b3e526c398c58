// Which kernels there are, which are chosen and why, as a user sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "kernels/cpu.h"
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

TEST(Prove, EveryKernelThatCouldComputeTheModelHolds) {
    for (const Arguments& how : {Arguments{"prove", "--json"}, Arguments{"prove", "--json", "--all"}}) {
        const Json report = object(how);
        for (const Json& p : report.at("proofs")) EXPECT_TRUE(p.at("holds").get<bool>()) << p;
        EXPECT_EQ(report.at("proofs").empty(), !covers(cpu_isa(), Isa::avx2_fma));
    }
}

// A file as a failed proof leaves it, of a kernel that holds by now.
Json failure() {
    return {{"schema", 1},
            {"kernel", "linear.f32x16.avx2"},
            {"version", 1},
            {"build", "another"},
            {"op", "linear"},
            {"weights", {"q8_0"}},
            {"states", Json::array()},
            {"k", 64},
            {"head_dim", 0},
            {"width", 32},
            {"full", false},
            {"case", 1},
            {"case_text", "1 rows, 35 x 64 of q8_0, data 0"},
            {"trouble", "it was wrong"}};
}

TEST(Prove, AFailedCaseIsRunAgain) {
    if (!covers(cpu_isa(), Isa::avx2_fma)) GTEST_SKIP() << "this processor cannot run the kernel";
    const std::string file = in_folder("failure.json");
    write_file(file, failure().dump());
    const Json replayed = object({"prove", "--replay", file, "--json"});
    EXPECT_TRUE(replayed.at("holds").get<bool>());
    EXPECT_EQ(replayed.at("trouble_then"), "it was wrong");
    EXPECT_FALSE(replayed.at("same_build").get<bool>());
}

TEST(Prove, DamagedFailuresAreRefused) {
    const std::string file = in_folder("failure.json");
    const auto refused = [&](const Json& j, const std::string& why) {
        write_file(file, j.dump());
        const Result r = quern({"prove", "--replay", file});
        EXPECT_EQ(r.exit, 1) << j;
        EXPECT_THAT(r.err, HasSubstr(why)) << j;
    };
    const Json whole = failure();
    for (const auto& [field, value] : whole.items()) {
        Json j = whole;
        j.erase(field);
        refused(j, field);
        j[field] = nullptr;
        refused(j, field);
    }
    for (const auto& [field, value, why] : {std::tuple("schema", Json(2), "schema 2"),
                                            {"kernel", Json("linear.no_such"), "no kernel"},
                                            {"op", Json("no_such"), "no op"},
                                            {"op", Json("norm"), "no such case"},
                                            {"weights", Json{"q9"}, "not known"},
                                            {"weights", Json::array(), "no such case"},
                                            {"k", Json(63), "no such case"},
                                            {"k", Json(-1), "'k'"},
                                            {"case", Json(1000), "no such case"},
                                            {"case_text", Json("another"), "no such case"}}) {
        Json j = whole;
        j[field] = value;
        refused(j, why);
    }
}

// What explain says is what is run: the kernels in the trace of a real run are those, node by node.
TEST(Explain, AgreesWithATraceOfARun) {
    const std::string file = in_folder("trace.json");
    for (const Arguments& how : {Arguments{}, Arguments{"--isa", "scalar"}, Arguments{"--avoid", "*.avx2"}}) {
        ASSERT_EQ(quern(joined({{"run", "--raw", "--temp", "0", "-n", "3", "a", "--trace", file}, how})).exit, 0);
        const Json trace = parse_json(contents(file), "trace");
        const Json explained = object(joined({{"explain", "--json"}, how}));
        const Json& nodes = explained.at("nodes");
        std::size_t at = 0, compared = 0;
        for (const Json& event : trace.at("traceEvents")) {
            if (event.at("args").at("kernel").is_null() || event.at("args").at("rows_at_most") != 1) continue;
            const Json& node = nodes.at(at++ % nodes.size());
            EXPECT_EQ(event.at("name"), node.at("node"));
            EXPECT_EQ(event.at("args").at("kernel"), node.at("kernel"));
            EXPECT_GE(event.at("dur").get<double>(), 0);
            ++compared;
        }
        EXPECT_EQ(compared, 3 * nodes.size()) << "the prompt of one token, and two more";
    }
    EXPECT_EQ(quern({"run", "--raw", "-n", "1", "a", "--trace", "/no/such/folder/t.json"}).exit, 1);
}

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
