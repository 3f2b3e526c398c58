// The gate before a service is started: everything that is wrong is listed at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "process.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

struct Checked {
    int exit;
    bool ready;
    std::multimap<std::string, std::string> states, texts;  // by item
};

Checked check(const Arguments& arguments, const Arguments& variables = {}) {
    const Result r = quern(joined({{"check", "--json"}, arguments}), "", variables);
    const Json j = parse_json(r.out, "output");
    EXPECT_EQ(j.at("version"), 1);
    Checked c{r.exit, j.at("ready").get<bool>(), {}, {}};
    for (const Json& i : j.at("items")) {
        c.states.emplace(i.at("what").get<std::string>(), i.at("state").get<std::string>());
        c.texts.emplace(i.at("what").get<std::string>(), i.at("text").get<std::string>());
    }
    return c;
}

TEST(Check, TheBundledModelIsReady) {
    const Checked c = check({});
    EXPECT_EQ(c.exit, 0);
    EXPECT_TRUE(c.ready);
    for (const char* what :
         {"settings", "sampling", "file", "policy", "model", "tokenizer", "chat template", "first step"})
        EXPECT_EQ(c.states.find(what)->second, "ok") << what;
    EXPECT_EQ(c.states.find("plan")->second, "note");
    EXPECT_THAT(quern({"check"}).out, testing::EndsWith("ready\n"));
}

TEST(Check, AllThatIsWrongIsListed) {
    const std::string config = in_folder("bad_config.json");
    std::ofstream(config) << R"({"thread": 1, "kv-type": "f99", "temp": -3})";
    const Checked c = check({"--config", config, "-m", "nowhere.gguf"}, {"QUERN_TOP_K=many"});
    EXPECT_EQ(c.exit, 1);
    EXPECT_FALSE(c.ready);
    std::string settings;
    for (auto [at, end] = c.texts.equal_range("settings"); at != end; ++at) settings += at->second + "\n";
    EXPECT_THAT(settings, HasSubstr("there is no setting 'thread'"));
    EXPECT_THAT(settings, HasSubstr("f99"));
    EXPECT_THAT(settings, HasSubstr("QUERN_TOP_K"));
    EXPECT_THAT(c.texts.find("sampling")->second, HasSubstr("-3"));
    EXPECT_THAT(c.texts.find("file")->second, HasSubstr("nowhere.gguf"));
    EXPECT_EQ(c.states.find("model")->second, "skipped");
}

TEST(Check, WhatOnlyLoadingShowsIsShown) {
    const Checked locked = check({"--lock", "linear=linear.none"});
    EXPECT_EQ(locked.exit, 1);
    EXPECT_THAT(locked.texts.find("model")->second, HasSubstr("no such kernel"));
    std::ofstream(in_folder("home_file")) << "no folder";
    const Checked homeless = check({}, {"QUERN_HOME=" + in_folder("home_file")});
    EXPECT_EQ(homeless.exit, 1);
    EXPECT_EQ(homeless.states.find("ledger")->second, "invalid");
    EXPECT_EQ(homeless.states.find("first step")->second, "ok");
}

}  // namespace
}  // namespace quern::e2e
