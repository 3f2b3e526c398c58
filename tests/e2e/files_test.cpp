// quern inspect, tokens, convert, plan, version, and every command's help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "models.h"
#include "testdata.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

TEST(Help, FitsAHundredColumns) {
    const std::vector<Arguments> commands = {{},          {"run"},  {"chat"},         {"inspect"}, {"tokens"},
                                             {"convert"}, {"plan"}, {"plan", "show"}, {"version"}};
    for (const Arguments& command : commands) {
        SCOPED_TRACE(testing::PrintToString(command));
        const Result r = quern(joined({command, {"--help"}}));
        EXPECT_EQ(r.exit, 0);
        EXPECT_EQ(r.err, "");
        EXPECT_THAT(r.out, HasSubstr("--help"));
        std::size_t column = 0;
        for (const char c : r.out) {
            column = c == '\n' ? 0 : column + 1;
            ASSERT_LE(column, 100u) << r.out;
            ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << int(c);
        }
    }
    const std::string all = quern({"--help"}).out;
    for (const char* name : {"run", "chat", "inspect", "tokens", "template", "convert", "plan", "version"})
        EXPECT_THAT(all, HasSubstr("\n  " + std::string(name) + " "));
    const std::string run = quern({"run", "--help"}).out;
    for (const char* group : {"Model:", "Sampling:", "Output:"}) EXPECT_THAT(run, HasSubstr(group));
}

TEST(Version, IsPrinted) {
    EXPECT_TRUE(quern({"version"}).out.starts_with("quern "));
    EXPECT_TRUE(quern({"--version"}).out.starts_with("quern "));
    EXPECT_TRUE(parse_json(quern({"version", "--json"}).out, "version").contains("version"));
}

TEST(Inspect, TellsWhatIsInTheFile) {
    const Result r = quern({"inspect", grist, "--json", "--tensors", "-c", "1000", "--kv-type", "f16"});
    ASSERT_EQ(r.exit, 0) << r.err;
    const Json j = parse_json(r.out, "inspect");
    EXPECT_EQ(j["file"], "grist.gguf");
    EXPECT_EQ(j["architecture"], "qwen3moe");
    EXPECT_EQ(j["bytes"], std::filesystem::file_size(grist));
    EXPECT_EQ(j["experts"], 8);
    EXPECT_EQ(j["experts_used"], 2);
    EXPECT_EQ(j["layers"], 4);
    EXPECT_EQ(j["context"], 4096);
    EXPECT_EQ(j["tokenizer"]["model"], "gpt2");
    EXPECT_EQ(j["tokenizer"]["tokens"], grist_tokenizer().vocab_size());
    EXPECT_EQ(j["chat_template"], true);
    EXPECT_EQ(j["chat_form"], "qwen3");
    // Keys and values: 4 layers of 2 heads of 64, two bytes each, at least 1000 tokens of them.
    EXPECT_EQ(j["memory"]["context"], 1000);
    EXPECT_EQ(j["memory"]["kv_type"], "f16");
    EXPECT_GE(j["memory"]["kv"], 1000 * 4 * 2 * 2 * 64 * 2);
    EXPECT_LE(j["memory"]["kv"], 1100 * 4 * 2 * 2 * 64 * 2);
    // The list of tensors adds up to the sums; of the experts' six in eight are idle.
    std::int64_t parameters = 0, experts = 0, bytes = 0;
    for (const Json& t : j["tensor_list"]) {
        std::int64_t n = 1;
        for (const Json& d : t["dims"]) n *= d.get<std::int64_t>();
        parameters += n;
        if (t["name"].get<std::string>().find("_exps.") != std::string::npos) experts += n;
        bytes += t["bytes"].get<std::int64_t>();
    }
    EXPECT_EQ(j["parameters"], parameters);
    EXPECT_EQ(j["tensors"], j["tensor_list"].size());
    EXPECT_EQ(j["active_parameters"], parameters - experts / 8 * 6);
    double share = 0;
    for (const Json& f : j["formats"]) {
        share += f["share"].get<double>();
        bytes -= f["bytes"].get<std::int64_t>();
    }
    EXPECT_NEAR(share, 1, 1e-9);
    EXPECT_EQ(bytes, 0);
}

TEST(Inspect, TellsItToPeopleToo) {
    const Result r = quern({"inspect", grist, "--tensors"});
    ASSERT_EQ(r.exit, 0);
    for (const char* word : {"qwen3moe", "active", "q8_0", "4096 tokens", "2560 tokens", "of the family qwen3",
                             "keys and values", "blk.3.ffn_down_exps.weight"})
        EXPECT_THAT(r.out, HasSubstr(word));
    EXPECT_EQ(r.err, "");
}

std::vector<std::int32_t> ids_of(const Arguments& more, const std::string& input = "") {
    const Result r = quern(joined({{"tokens", "--json"}, more}), input);
    EXPECT_EQ(r.exit, 0) << r.err;
    return parse_json(r.out, "tokens")["ids"].get<std::vector<std::int32_t>>();
}

TEST(Tokens, GoThereAndBack) {
    // Also texts that a parser of command lines might take for something of its own.
    for (const std::string& text : {std::string("Hello, world"), std::string("  two\n\nlines \n"), std::string("{}"),
                                    std::string("[1,2]"), std::string("%%"), std::string("\xC3\xA9\xF0\x9F\x8E\x88"),
                                    std::string("\xFF\xC3 \x80"), std::string("a<|im_end|>b"), std::string("")}) {
        SCOPED_TRACE(text);
        const std::vector<std::int32_t> ids = ids_of({"--no-specials", text}, "not read");
        EXPECT_EQ(grist_tokenizer().decode(ids, text::Controls::show), text);
        EXPECT_EQ(ids_of({"--no-specials"}, text), ids);  // stdin, to its last byte
        EXPECT_EQ(std::ranges::count(ids, *grist_tokenizer().find("<|im_end|>")), 0);
    }
    EXPECT_EQ(std::ranges::count(ids_of({"--parse-specials", "a<|im_end|>b"}), *grist_tokenizer().find("<|im_end|>")),
              1);
}

TEST(Tokens, NulBytesAreBytes) {
    const std::string text("a\0b", 3);
    EXPECT_EQ(grist_tokenizer().decode(ids_of({"--no-specials"}, text), text::Controls::show), text);
}

TEST(Tokens, SpecialsAreTheModelsOwn) {
    QUERN_NEED_TESTDATA(dreams, "models/dreams-260k.gguf");
    const std::string model = std::filesystem::absolute(dreams);
    const auto with = ids_of({"-m", model, "Hello"}), without = ids_of({"-m", model, "--no-specials", "Hello"});
    ASSERT_EQ(with.size(), without.size() + 1);
    EXPECT_EQ(with[0], 1);
    EXPECT_TRUE(std::equal(without.begin(), without.end(), with.begin() + 1));
}

TEST(Tokens, AreListedForPeople) {
    const Result r = quern({"tokens", "Hi\n"});
    EXPECT_EQ(r.exit, 0);
    EXPECT_THAT(r.out, HasSubstr("\"\\n\""));
    EXPECT_THAT(r.err, HasSubstr("tokens\n"));
}

TEST(Tokens, StandForPlacesInTheText) {
    const std::string text = "one  two\n\xC3\xA9\xF0\x9F\x8E\x88 <|im_end|>";
    const Result r = quern({"tokens", "--json", "--no-specials", text});
    const Json j = parse_json(r.out, "tokens");
    ASSERT_EQ(j["ids"].size(), j["offsets"].size());
    ASSERT_EQ(j["ids"].size(), j["pieces"].size());
    std::size_t at = 0;
    for (const Json& place : j["offsets"]) {  // nothing is dropped or doubled
        EXPECT_EQ(place[0], at);
        at = place[1];
    }
    EXPECT_EQ(at, text.size());
    EXPECT_THAT(quern({"tokens", "--no-specials", "Hi"}).out, HasSubstr("0-"));
}

TEST(Tokens, DecodeGivesTheBytesBack) {
    const std::string text("a \xFF\xC3\0 b\r\n", 9);
    const Json ids = parse_json(quern({"tokens", "--json", "--no-specials"}, text).out, "tokens")["ids"];
    const Result back = quern({"tokens", "--decode"}, ids.dump());
    EXPECT_EQ(back.out, text);
    EXPECT_EQ(back.err, "");
    const std::string end = std::to_string(*grist_tokenizer().find("<|im_end|>"));
    EXPECT_EQ(quern({"tokens", "--decode", end}).out, "<|im_end|>");
    EXPECT_EQ(quern({"tokens", "--decode", "--no-specials", end}).out, "");
    EXPECT_EQ(parse_json(quern({"tokens", "--decode", "--json", end}).out, "tokens")["text"], "<|im_end|>");
    for (const char* bad : {"1 x", "-1", "99999999", "1.5", "4294967296"})
        EXPECT_EQ(quern({"tokens", "--decode", "--", bad}).exit, 1) << bad;
}

TEST(Convert, WhatItWritesRuns) {
    for (const char* type : {"f16", "q4_0", "q6_k"}) {
        SCOPED_TRACE(type);
        const std::string file = "grist-" + std::string(type) + ".gguf";
        const Result r = quern({"convert", "--type", type, grist, file});
        ASSERT_EQ(r.exit, 0) << r.err;
        EXPECT_EQ(r.out, "");
        EXPECT_THAT(r.err, HasSubstr("wrote " + file));
        EXPECT_EQ(r.err.find_first_of("\r\033"), std::string::npos);
        const Json j = parse_json(quern({"inspect", "--json", file}).out, "inspect");
        EXPECT_EQ(j["bytes"], std::filesystem::file_size(in_folder(file)));
        double share = 0;
        for (const Json& f : j["formats"])
            if (f["type"] == type) share = f["share"].get<double>();
        EXPECT_GT(share, 0.9);
        const Result run = quern(joined({{"run", "-m", file, "--raw", "-n", "8", "--temp", "0"}, endless(), {"Once"}}));
        EXPECT_EQ(run.exit, 0) << run.err;
        EXPECT_THAT(run.err, HasSubstr("decode 8 tokens"));
    }
}

TEST(Plan, ShowsStepsForEveryBucket) {
    const Json j = parse_json(quern({"plan", "show", "--json"}).out, "plan");
    ASSERT_GT(j["plans"].size(), 1u);
    EXPECT_GT(j["arena_bytes"], 0);
    bool inner = false;
    for (const Json& step : j["plans"][0]["steps"]) inner |= step["name"] == "blk.0.ffn_moe.inner";
    EXPECT_TRUE(inner);
    const Result r = quern({"plan", "show", "--tokens", "1"});
    EXPECT_EQ(r.exit, 0);
    EXPECT_EQ(r.out.find("bucket"), r.out.rfind("bucket"));
    EXPECT_THAT(r.out, HasSubstr("blk.3.ffn_moe.down"));
}

}  // namespace
}  // namespace quern::e2e
