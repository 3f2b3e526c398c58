// Where settings come from: the command line over the environment over the config file, each with its origin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "process.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

std::string file(const std::string& name, const std::string& text) {
    std::ofstream(in_folder(name)) << text;
    return in_folder(name);
}

struct Origin {
    Json value;
    std::string origin;
};

Origin setting(const std::string& name, const Arguments& arguments, const Arguments& variables = {}) {
    const Result r = quern(joined({{"config", "--json"}, arguments}), "", variables);
    EXPECT_EQ(r.exit, 0) << r.err;
    const Json shown = parse_json(r.out, "output");
    for (const Json& s : shown.at("settings"))
        if (s.at("name") == name) return {s.at("value"), s.at("origin").get<std::string>()};
    ADD_FAILURE() << "there is no setting " << name;
    return {};
}

TEST(Config, TheCommandLineWinsOverTheEnvironmentOverTheFile) {
    const std::string config = file("settings.json", R"({"threads": 3, "deny": ["a*", "b"], "kv-type": "f16"})");
    const Arguments with{"--config", config};
    EXPECT_EQ(setting("threads", {}).origin, "default");
    EXPECT_EQ(setting("threads", with).value, "3");
    EXPECT_EQ(setting("threads", with).origin, config);
    EXPECT_EQ(setting("threads", with, {"QUERN_THREADS=2"}).value, "2");
    EXPECT_EQ(setting("threads", with, {"QUERN_THREADS=2"}).origin, "QUERN_THREADS");
    const Origin said = setting("threads", joined({with, {"-t", "1"}}), {"QUERN_THREADS=2"});
    EXPECT_EQ(said.value, "1");
    EXPECT_EQ(said.origin, "command line");
    EXPECT_EQ(setting("deny", with).value, Json::array({"a*", "b"}));
    EXPECT_EQ(setting("deny", with, {"QUERN_DENY=c,d"}).value, Json::array({"c", "d"}));
    EXPECT_EQ(setting("kv-type", {}, {"QUERN_CONFIG=" + config}).value, "f16");
}

TEST(Config, TheFileInQuernHomeNeedsNoName) {
    const std::string home = in_folder("home_with_config");
    std::filesystem::create_directory(home);
    std::ofstream(home + "/config.json") << R"({"temp": 0.25})";
    EXPECT_EQ(setting("temp", {}, {"QUERN_HOME=" + home}).value, "0.25");
    EXPECT_EQ(setting("temp", {}, {"QUERN_HOME=" + home}).origin, home + "/config.json");
}

// Not only shown: a run does what they say.
TEST(Config, SettingsReachTheRun) {
    const std::string config = file("locked.json", R"({"lock": ["linear=linear.reference"], "tokens": 2, "temp": 0})");
    const Arguments say{"run", "--raw", "--json", "Once upon a time"};
    const Result r = quern(joined({say, {"--config", config}}));
    EXPECT_EQ(r.exit, 0) << r.err;
    EXPECT_THAT(r.out, HasSubstr("\"generated_tokens\":2"));
    const auto kernel = [](const Arguments& more, const Arguments& variables) {
        const Result e = quern(joined({{"explain", "--json", "blk.0.attn_q"}, more}), "", variables);
        return parse_json(e.out, "output").at("nodes").at(0).at("kernel").get<std::string>();
    };
    EXPECT_EQ(kernel({"--config", config}, {}), "linear.reference");
    EXPECT_EQ(kernel({}, {"QUERN_LOCK=linear=linear.reference"}), "linear.reference");
    EXPECT_NE(kernel({}, {}), "linear.reference");
}

TEST(Config, MistakesNameTheirOrigin) {
    const auto refused = [](const std::string& text, const char* sentence) {
        const Result r = quern({"run", "--config", file("wrong.json", text), "Hi"});
        EXPECT_EQ(r.exit, 1) << text;
        EXPECT_THAT(r.err, HasSubstr("wrong.json")) << text;
        EXPECT_THAT(r.err, HasSubstr(sentence)) << text;
    };
    refused(R"({"thread": 1})", "there is no setting 'thread'; the nearest is 'threads'");
    refused(R"({"threads": "one"})", "threads: expected a number, found \"one\"");
    refused(R"({"threads": 0})", "not in range 1 to 1024");
    refused(R"({"deny": "a"})", "deny: expected a list of strings");
    refused(R"({"kv-type": 16})", "kv-type: expected a string");
    refused("[]", "expected an object of settings");
    refused("{", "");
    EXPECT_THAT(quern({"run", "Hi"}, "", {"QUERN_THREADS=two"}).err, HasSubstr("QUERN_THREADS: "));
    EXPECT_THAT(quern({"run", "Hi", "--config", in_folder("no_such.json")}).err, HasSubstr("No such file"));
    EXPECT_THAT(quern({"run", "Hi"}, "", {"QUERN_LOCK=linear=none"}).err, HasSubstr("no such kernel"));
}

}  // namespace
}  // namespace quern::e2e
