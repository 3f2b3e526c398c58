// quern run: texts, what makes them equal, events, dumps, taps, signals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "format/safetensors/file.h"
#include "models.h"
#include "testdata.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

const Arguments brief = {"run", "--raw", "--temp", "0", "-n", "24"};
const std::string prompt = "The first line.\nThe second line, with  two spaces\n";

std::string long_prompt() {
    std::string s;
    for (int i = 0; i < 40; ++i)
        s += "Line " + std::to_string(i) + " says that the lamp is " + std::to_string(i * 7) + ". ";
    return s;
}

TEST(Run, WritesTheKnownTextOfATrainedModel) {
    QUERN_NEED_TESTDATA(dreams, "models/dreams-260k.gguf");
    const Result r = quern(
        {"run", "-m", std::filesystem::absolute(dreams), "--raw", "--temp", "0", "--kv-type", "f32", "-n", "80", ""},
        "what is on stdin must not be read");
    ASSERT_EQ(r.exit, 0) << r.err;
    const std::string expected =
        " \"Echoes of vectors unfold, a gentle hum of precision, as I sense the nodes, a gentle hum of precision, as I "
        "adjust my surface. Contrast emerge, a softly receptive fiel";
    EXPECT_EQ(r.out.substr(0, expected.size()), expected);
}

TEST(Run, GreedyTextsAreEqualHoweverThePromptComes) {
    const std::string file = in_folder("prompt.txt");
    write_file(file, prompt);
    const Result argument = quern(joined({brief, endless(), {prompt}}), "not read");
    ASSERT_EQ(argument.exit, 0) << argument.err;
    EXPECT_GT(argument.out.size(), 1u);
    EXPECT_EQ(quern(joined({brief, endless(), {prompt}})).out, argument.out);
    EXPECT_EQ(quern(joined({brief, endless(), {"--file", file}})).out, argument.out);
    EXPECT_EQ(quern(joined({brief, endless(), {"--file", "-"}}), prompt).out, argument.out);
    EXPECT_EQ(quern(joined({brief, endless()}), prompt).out, argument.out);
    // That the comparison would notice a lost newline: the prompt without it is another one.
    const auto tokens = [](const std::string& text) { return grist_tokenizer().encode(text, text::Specials::as_text); };
    EXPECT_NE(tokens(prompt), tokens(prompt.substr(0, prompt.size() - 1)));
    EXPECT_THAT(argument.err, HasSubstr("prefill " + std::to_string(tokens(prompt).size()) + " tokens"));
}

TEST(Run, ASeedDecidesTheText) {
    // Nearly uniform sampling: two seeds that agree over 24 tokens are out of the question with any weights.
    const auto text = [](const char* seed) {
        return quern({"run", "--raw", "-n", "24", "--temp", "20", "--top-k", "0", "--top-p", "1", "--min-p", "0",
                      "--seed", seed, "Hello"})
            .out;
    };
    const std::string one = text("1");
    EXPECT_EQ(text("1"), one);
    EXPECT_NE(text("2"), one);
}

TEST(Run, ThreadsDoNotChangeABit) {
    std::string text, bits;
    for (const char* threads : {"1", "2", "8"}) {
        const std::string file = in_folder("logprobs-" + std::string(threads));
        const Result r = quern(joined({brief, endless(), {"-t", threads, "--dump-logprobs", file, long_prompt()}}));
        ASSERT_EQ(r.exit, 0) << r.err;
        if (text.empty()) text = r.out, bits = contents(file);
        EXPECT_EQ(r.out, text) << threads;
        EXPECT_EQ(contents(file), bits) << threads;
    }
    // Every digit that tells two doubles apart is there, so equal files are equal bits.
    EXPECT_THAT(bits, HasSubstr("-0."));
    const std::vector<Json> lines = json_lines(bits);
    ASSERT_EQ(lines.size(), 24u);
    for (const Json& line : lines) {
        ASSERT_EQ(line["top"].size(), 20u);
        // The best token, but for those that end an answer, which may not come here.
        std::size_t best = 0;
        while (grist_tokenizer().is_end_of_generation(line["top"][best]["id"].get<std::int32_t>())) ++best;
        EXPECT_EQ(line["id"], line["top"][best]["id"]);
        EXPECT_EQ(line["logprob"], line["top"][best]["logprob"]);
        for (std::size_t i = 1; i < 20; ++i) EXPECT_GE(line["top"][i - 1]["logprob"], line["top"][i]["logprob"]);
    }
}

TEST(Run, LogprobsTakeAsManyAsAskedFor) {
    const std::string file = in_folder("logprobs-3");
    ASSERT_EQ(quern(joined({brief, endless(), {"--dump-logprobs", file, "--logprobs-top-k", "3", "x"}})).exit, 0);
    EXPECT_EQ(json_lines(contents(file)).at(0)["top"].size(), 3u);
}

TEST(Run, EventsAddUpToTheText) {
    const Result plain = quern(joined({brief, endless(), {prompt}}));
    const Result r = quern(joined({brief, endless(), {"--json", prompt}}));
    ASSERT_EQ(r.exit, 0) << r.err;
    EXPECT_EQ(r.err, "");
    const std::vector<Json> lines = json_lines(r.out);
    ASSERT_EQ(lines.size(), 26u);
    EXPECT_EQ(lines.front()["event"], "start");
    EXPECT_EQ(lines.front()["context"], 4096);
    std::string text;
    for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
        EXPECT_EQ(lines[i]["event"], "token");
        EXPECT_TRUE(lines[i]["id"].is_number_integer());
        text += lines[i]["text"].get<std::string>();
    }
    const Json& end = lines.back();
    EXPECT_EQ(end["event"], "end");
    EXPECT_EQ(end["reason"], "length");
    EXPECT_EQ(end["generated_tokens"], 24);
    EXPECT_EQ(end["prompt_tokens"], grist_tokenizer().encode(prompt, text::Specials::as_text).size());
    EXPECT_EQ(end["text"], text);
    EXPECT_EQ(text + "\n", plain.out);
}

// A token that is half a character: what is held back for its other half must come out at the end, everywhere.
TEST(Run, AHalfCharacterAtTheEndIsShown) {
    const auto id = grist_tokenizer().encode("\xC3", text::Specials::as_text);
    ASSERT_EQ(id.size(), 1u);
    const Result r = quern(joined({{"run", "--raw", "-n", "2"}, always("\xC3"), {"x"}}));
    EXPECT_EQ(r.out, "\xEF\xBF\xBD\xEF\xBF\xBD\n");
    const std::vector<Json> lines =
        json_lines(quern(joined({{"run", "--raw", "-n", "2", "--json"}, always("\xC3"), {"x"}})).out);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[1]["text"].get<std::string>() + lines[2]["text"].get<std::string>(),
              lines[3]["text"].get<std::string>());
    EXPECT_EQ(lines[3]["text"], "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Run, AStopTokenEndsTheAnswerAndIsNotShown) {
    const auto eos = grist_tokenizer().end_of_generation()[0];
    const Result r = quern({"run", "--json", "--temp", "0", "--logit-bias", std::to_string(eos) + "=100000", "hi"});
    const std::vector<Json> lines = json_lines(r.out);
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[1]["id"], eos);
    EXPECT_EQ(lines[2]["reason"], "stop");
    EXPECT_EQ(lines[2]["text"], "");
}

TEST(Run, TheTemplateIsAppliedUnlessRaw) {
    const auto tokens = [](const Arguments& more) {
        const Result r = quern(joined({{"run", "--json", "-n", "0"}, more}));
        return json_lines(r.out).at(0)["prompt_tokens"].get<std::size_t>();
    };
    const auto& t = grist_tokenizer();
    EXPECT_EQ(tokens({"--raw", "hi"}), t.encode("hi", text::Specials::as_text).size());
    const std::string asked = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n";
    EXPECT_EQ(tokens({"hi"}), t.encode(asked, text::Specials::parse).size());
    const std::string system = "<|im_start|>system\nBe brief.<|im_end|>\n" + asked;
    EXPECT_EQ(tokens({"--system", "Be brief.", "hi"}), t.encode(system, text::Specials::parse).size());
}

TEST(Run, ZeroTokensIsPrefillOnlyAndCanBeTapped) {
    const std::string file = in_folder("tap.safetensors");
    const Result r =
        quern({"run", "--raw", "-n", "0", "--tap", "blk.0.*", "--tap", "logits", "--tap-out", file, prompt});
    ASSERT_EQ(r.exit, 0) << r.err;
    EXPECT_EQ(r.out, "\n");
    EXPECT_THAT(r.err, testing::Not(HasSubstr("decode")));
    const auto taps = safetensors::File::open(file);
    const auto rows = std::int64_t(grist_tokenizer().encode(prompt, text::Specials::as_text).size());
    for (const char* name : {"blk.0.attn_norm@0", "blk.0.attn_q@0", "blk.0.attend@0", "blk.0.ffn_moe@0"}) {
        const auto* t = taps.find(name);
        ASSERT_TRUE(t) << name;
        EXPECT_EQ(t->dims.at(0), rows) << name;
        EXPECT_EQ(t->dtype, DType::f32) << name;
    }
    ASSERT_TRUE(taps.find("blk.0.ffn_moe.inner@0"));
    EXPECT_TRUE(taps.find("blk.0.ffn_moe.inner<blk.0.ffn_norm@0"));
    EXPECT_FALSE(taps.find("blk.1.attn_norm@0"));
}

// Each step's copies carry the position of their first token.
TEST(Run, TapsOfDecodingCarryPositions) {
    const std::string file = in_folder("steps.safetensors");
    const Result r = quern(
        joined({{"run", "--raw", "-n", "3", "--tap", "blk.?.ffn_moe", "--tap-out", file}, always("a"), {"one two"}}));
    ASSERT_EQ(r.exit, 0) << r.err;
    const auto taps = safetensors::File::open(file);
    const auto n = std::int64_t(grist_tokenizer().encode("one two", text::Specials::as_text).size());
    std::set<std::string> steps;
    for (const auto& t : taps.tensors())
        if (t.name.starts_with("blk.2.ffn_moe@")) steps.insert(t.name);
    // The third token is the last: its state is never computed.
    EXPECT_EQ(steps, (std::set<std::string>{"blk.2.ffn_moe@0", "blk.2.ffn_moe@" + std::to_string(n),
                                            "blk.2.ffn_moe@" + std::to_string(n + 1)}));
}

TEST(Run, RepeatedOptionsDoNotSwallowThePrompt) {
    const Result r = quern({"run", "--raw", "-n", "1", "--temp", "0", "--lock", "norm=norm.reference", "--logit-bias",
                            "1=0.5", "--tap", "logits*", "--tap", "blk.0.attn_q", "--tap-out", in_folder("two"), "hi"});
    EXPECT_EQ(r.exit, 0) << r.err;
}

TEST(Run, ACommandsNameIsAPromptLikeAnyOther) {
    const Result r = quern({"run", "--raw", "--temp", "0", "-n", "1", "chat"});
    EXPECT_EQ(r.exit, 0) << r.err;
}

TEST(Run, TheClosingLineCountsAndNothingOddIsInAPipe) {
    const Result r = quern(joined({{"run", "--raw", "-n", "5"}, always("a"), {long_prompt()}}));
    EXPECT_EQ(r.exit, 0);
    EXPECT_EQ(r.out, "aaaaa\n");
    EXPECT_THAT(r.err, MatchesRegex("prefill [0-9]+ tokens, [0-9.]+ tokens/s; decode 5 tokens, [0-9.]+ tokens/s\n"));
}

TEST(Run, AFullContextEndsTheAnswerAndSaysSo) {
    const Result r = quern(joined({{"run", "--raw", "--json", "-c", "32"}, always("a"), {"one two"}}));
    ASSERT_EQ(r.exit, 0) << r.err;
    const Json end = json_lines(r.out).back();
    EXPECT_EQ(end["reason"], "context");
    // The last token needs no room.
    EXPECT_EQ(end["prompt_tokens"].get<int>() + end["generated_tokens"].get<int>(), 33);
    EXPECT_THAT(r.err, HasSubstr("32"));
}

TEST(Run, CtrlCStopsWith130) {
    Child child(Child::On::pipe, joined({{"run", "--raw"}, always("a"), {"x"}}));
    ASSERT_TRUE(child.wait_for(std::size_t(8)));
    child.signal(SIGINT);
    const Result r = child.finish();
    EXPECT_EQ(r.exit, 130) << r.signal;
    EXPECT_THAT(r.err, HasSubstr("tokens/s"));
    EXPECT_THAT(r.err, HasSubstr("quern: stopped by Ctrl-C\n"));
}

TEST(Run, AClosedPipeEndsItWithASentence) {
    Child child(Child::On::pipe, joined({{"run", "--raw"}, always("a"), {"x"}}));
    ASSERT_TRUE(child.wait_for(std::size_t(8)));
    child.close_output();
    const Result r = child.finish();
    EXPECT_EQ(r.exit, 1) << r.signal;
    EXPECT_THAT(r.err, HasSubstr("quern: writing the output: Broken pipe\n"));
    EXPECT_THAT(r.err, testing::Not(HasSubstr("decode")));  // it has not gone on to the end
}

TEST(Run, KeysAndValuesMayBeHalves) {
    for (const char* type : {"f16", "bf16"}) {
        const Result r = quern(joined({brief, {"--kv-type", type, prompt}}));
        EXPECT_EQ(r.exit, 0) << r.err;
    }
}

TEST(Run, ScalarInstructionsGiveAText) {
    const Result r = quern(joined({{"run", "--raw", "--isa", "scalar", "-n", "2"}, always("a"), {"x"}}));
    EXPECT_EQ(r.out, "aa\n") << r.err;
}

TEST(Run, ATerminalGetsTheAnswerToo) {
    Child child(Child::On::terminal, joined({{"run", "--raw", "-n", "3"}, always("a"), {"x"}}));
    ASSERT_TRUE(child.wait_for("aaa"));
    EXPECT_EQ(child.finish().exit, 0);
}

}  // namespace
}  // namespace quern::e2e
