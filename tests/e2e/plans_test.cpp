// Baked plans as a user meets them: made by tune, used from then on, set aside with the reason when anything that they
// depend on is different, and never a way to crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "models.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

const Arguments small{"-c", "64"};
const Arguments say = joined({{"run", "--raw", "--temp", "0", "-n", "8", "Once upon a time"}, small});

// A plan of Grist, made once.
const Json& made() {
    static const Json plan = [] {
        const std::string file = in_folder("plan.json");
        const Result r = quern(joined({{"tune", "--seconds", "0.5", "-o", file, "--json"}, small}));
        EXPECT_EQ(r.exit, 0) << r.err;
        return parse_json(contents(file), "plan");
    }();
    return plan;
}

std::string written(const std::string& name, const std::string& text) {
    std::ofstream(in_folder(name)) << text;
    return in_folder(name);
}

TEST(Plans, TuneMeasuresAndTheModelIsThenComputedByThePlan) {
    const std::string file = in_folder("tuned.json");
    const Result tuned = quern(joined({{"tune", "--seconds", "1", "-o", file, "--json"}, small}));
    ASSERT_EQ(tuned.exit, 0) << tuned.err;
    const Json report = parse_json(tuned.out, "report");
    EXPECT_EQ(report.at("plan"), file);
    bool compared = false;
    for (const Json& m : report.at("measured")) {
        const Json& kernels = m.at("kernels");
        if (kernels.size() < 2) continue;
        compared = true;
        for (const Json& k : kernels) {
            EXPECT_GE(k.at("n").get<int>(), 5) << m;
            EXPECT_GT(k.at("median_us").get<double>(), 0) << m;
        }
    }
    EXPECT_TRUE(compared) << "no node had two candidates worth measuring";

    const Result explained = quern(joined({{"explain", "--plan", file, "--json"}, small}));
    const Json e = parse_json(explained.out, "explained");
    EXPECT_EQ(e.at("plan"), file);
    const Json plan = parse_json(contents(file), "plan");
    const Json& kernels = plan.at("buckets").at(0).at("kernels");
    for (const Json& node : e.at("nodes")) EXPECT_EQ(kernels.at(node.at("node").get<std::string>()), node.at("kernel"));
    EXPECT_EQ(quern(joined({say, {"--plan", file}})).out, quern(joined({say, {"--plan", "none"}})).out);
    EXPECT_THAT(quern(joined({{"plan", "verify", "--plan", file}, small})).out, HasSubstr("fits"));
    EXPECT_EQ(quern({"plan", "diff", file, file}).exit, 0);
}

TEST(Plans, WhatDiffersIsNamedAndKernelsAreChosenAnew) {
    const std::string expected = quern(joined({say, {"--plan", "none"}})).out;
    for (const auto& [part, value] : made().at("key").items()) {
        Json other = made();
        other["key"][part] = "of another machine";
        const std::string file = written("other.json", other.dump());
        const Result r = quern(joined({say, {"--plan", file}}));
        EXPECT_EQ(r.exit, 0) << r.err;
        EXPECT_EQ(r.out, expected);
        EXPECT_THAT(r.err, HasSubstr("another " + part)) << r.err;
        EXPECT_EQ(quern(joined({{"plan", "verify", "--plan", file}, small})).exit, 1);
        const Result diff = quern({"plan", "diff", in_folder("plan.json"), file});
        EXPECT_EQ(diff.exit, 1);
        EXPECT_THAT(diff.out, HasSubstr("key " + part + ": "));
    }
    const std::string file = in_folder("plan.json");
    EXPECT_THAT(quern(joined({say, {"--plan", file, "--threads", "1"}})).err, HasSubstr("another threads"));
    EXPECT_THAT(quern(joined({say, {"--plan", file, "--isa", "scalar"}})).err, HasSubstr("another policy"));
}

TEST(Plans, KernelsThatMayNotBeUsedAreNot) {
    const std::string expected = quern(joined({say, {"--plan", "none"}})).out;
    for (const char* kernel : {"linear.reference", "linear.no_such", "norm.reference"}) {
        Json other = made();
        other["buckets"][0]["kernels"]["blk.0.attn_q"] = kernel;
        const Result r = quern(joined({say, {"--plan", written("illegal.json", other.dump())}}));
        EXPECT_EQ(r.out, expected);
        EXPECT_THAT(r.err, HasSubstr(std::string("names ") + kernel + " for blk.0.attn_q"));
    }
    Json other = made();
    other["buckets"][0]["kernels"].erase("blk.0.attn_q");
    EXPECT_THAT(quern(joined({say, {"--plan", written("lacks.json", other.dump())}})).err,
                HasSubstr("names no kernel for blk.0.attn_q"));
}

TEST(Plans, UnknownSchemasAndDamagedFilesAreRefused) {
    const auto refused = [](const std::string& text, const std::string& why) {
        const Result r = quern(joined({say, {"--plan", written("bad.json", text)}}));
        EXPECT_EQ(r.exit, 1) << text.substr(0, 80);
        EXPECT_THAT(r.err, HasSubstr(why));
    };
    Json other = made();
    other["schema"] = 2;
    refused(other.dump(), "schema 2");
    for (const char* field : {"schema", "key", "buckets"}) {
        other = made();
        other.erase(field);
        refused(other.dump(), field);
        other = made();
        other[field] = nullptr;
        refused(other.dump(), field);
    }
    other = made();
    other["buckets"][0]["rows"] = {1};
    refused(other.dump(), "rows");
    other = made();
    other["buckets"][0]["kernels"]["blk.0.attn_q"] = 5;
    refused(other.dump(), "blk.0.attn_q");
    const std::string whole = made().dump();
    for (const std::size_t part : {0u, 1u, 2u, 3u, 5u, 7u})
        refused(whole.substr(0, whole.size() * part / 8), "reading the plan");
    refused("[]", "schema");
    EXPECT_EQ(quern(joined({say, {"--plan", in_folder("not-there.json")}})).exit, 1);
    EXPECT_EQ(quern({"plan", "diff", in_folder("plan.json"), in_folder("not-there.json")}).exit, 1);
}

// Where no file is named, the plan that tune has kept is found; a damaged one costs a sentence.
TEST(Plans, TheKeptOneIsFound) {
    ASSERT_EQ(quern(joined({{"tune", "--seconds", "0.1", "-t", "1"}, small})).exit, 0);
    const Json report = parse_json(quern(joined({{"plan", "verify", "-t", "1", "--json"}, small})).out, "report");
    EXPECT_TRUE(report.at("fits").get<bool>());
    const std::string kept = report.at("plan").get<std::string>();
    const std::string expected = quern(joined({say, {"-t", "1"}})).out;
    std::ofstream(kept) << "{";
    const Result r = quern(joined({say, {"-t", "1"}}));
    EXPECT_EQ(r.exit, 0);
    EXPECT_EQ(r.out, expected);
    EXPECT_THAT(r.err, HasSubstr("set aside"));
    std::filesystem::remove(kept);
    EXPECT_EQ(quern(joined({{"plan", "verify", "-t", "1"}, small})).exit, 1);
}

}  // namespace
}  // namespace quern::e2e
