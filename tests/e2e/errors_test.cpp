// What goes wrong ends in one sentence on stderr and an exit code: 1, or 2 where the command line makes no sense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "models.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

// One line that begins as ours do, without anything a pipe should not see; a path in it only once.
void expect_sentence(const Result& r, int exit, const std::string& once = "") {
    EXPECT_EQ(r.exit, exit) << "signal " << r.signal;
    EXPECT_TRUE(r.err.starts_with("quern: ")) << r.err;
    EXPECT_EQ(std::ranges::count(r.err, '\n'), 1) << r.err;
    EXPECT_TRUE(r.err.ends_with("\n")) << r.err;
    EXPECT_EQ(r.err.find_first_of("\r\033"), std::string::npos);
    EXPECT_EQ(r.out, "");
    if (once.empty()) return;
    const std::size_t at = r.err.find(once);
    EXPECT_NE(at, std::string::npos) << r.err;
    EXPECT_EQ(r.err.find(once, at + 1), std::string::npos) << r.err;
}

TEST(Usage, WhatMakesNoSenseIs2) {
    const std::vector<Arguments> cases = {
        {},
        {"nosuch"},
        {"--nosuch"},
        {"plan"},
        {"plan", "nosuch"},
        {"run", "--nosuch", "x"},
        {"run", "one", "two"},
        {"run", "-f", "file", "prompt"},
        {"run", "-f", "", "prompt"},
        {"run", "--raw", "--system", "s", "x"},
        {"run", "-n", "-1", "x"},
        {"run", "-n", "many", "x"},
        {"run", "-c", "0", "x"},
        {"run", "-t", "0", "x"},
        {"run", "--kv-type", "q8_0", "x"},
        {"run", "--kv-type", "", "x"},
        {"run", "--isa", "sse9", "x"},
        {"run", "--seed", "abc", "x"},
        {"run", "--temp", "-1", "x"},
        {"run", "--temp", "nan", "x"},
        {"run", "--top-p", "2", "x"},
        {"run", "--min-p", "-0.1", "x"},
        {"run", "--top-k", "-7", "x"},
        {"run", "--repeat-penalty", "0", "x"},
        {"run", "--logit-bias", "7", "x"},
        {"run", "--logit-bias", "a=b", "x"},
        {"run", "--lock", "linear", "x"},
        {"run", "--lock", "nosuch=norm.reference", "x"},
        {"run", "--tap", "blk.*", "x"},
        {"run", "--tap-out", "file", "x"},
        {"chat", "--temp", "-1"},
        {"chat", "extra"},
        {"inspect"},
        {"inspect", "a", "b"},
        {"tokens", "a", "b"},
        {"convert", "one"},
        {"convert", "--type", "q9_9", grist, "out.gguf"},
        {"plan", "show", "--tokens", "0"},
        {"version", "x"},
    };
    for (const Arguments& c : cases) {
        SCOPED_TRACE(testing::PrintToString(c));
        const Result r = quern(c);
        expect_sentence(r, 2);
        EXPECT_THAT(r.err, HasSubstr("--help tells more"));
    }
    EXPECT_THAT(quern({"nosuch"}).err, HasSubstr("'nosuch'"));
    EXPECT_THAT(quern({"plan", "nosuch"}).err, HasSubstr("quern plan --help"));
    EXPECT_THAT(quern({"run", "--top-p", "2", "x"}).err, HasSubstr("top_p is 2"));
}

// One damaged file for each command that reads one.
class Damaged : public testing::TestWithParam<Arguments> {};

TEST_P(Damaged, ModelsEndInASentence) {
    const Arguments arguments = GetParam();
    const bool once = arguments[0] != "convert";  // it says both what it was doing, and what failed in it
    const auto with = [&](const std::string& path) {
        Arguments a = arguments;
        *std::ranges::find(a, "FILE") = path;
        return quern(a);
    };
    expect_sentence(with("missing.gguf"), 1, once ? "missing.gguf" : "");
    EXPECT_THAT(with("missing.gguf").err, HasSubstr("No such file or directory"));
    std::filesystem::create_directories(in_folder("empty-folder"));
    expect_sentence(with("empty-folder"), 1);
    write_file(in_folder("text.gguf"), "This is no model at all, but a line of text.\n");
    expect_sentence(with("text.gguf"), 1, once ? "text.gguf" : "");
    write_file(in_folder("empty.gguf"), "");
    expect_sentence(with("empty.gguf"), 1, once ? "empty.gguf" : "");
    const std::string whole = contents(grist);
    for (const std::size_t length :
         {std::size_t(4), std::size_t(30), std::size_t(5000), whole.size() / 2, whole.size() - 1}) {
        SCOPED_TRACE(length);
        write_file(in_folder("cut.gguf"), whole.substr(0, length));
        expect_sentence(with("cut.gguf"), 1, once ? "cut.gguf" : "");
    }
}

INSTANTIATE_TEST_SUITE_P(Commands, Damaged,
                         testing::Values(Arguments{"run", "-m", "FILE", "x"}, Arguments{"chat", "-m", "FILE"},
                                         Arguments{"inspect", "FILE"}, Arguments{"tokens", "-m", "FILE", "x"},
                                         Arguments{"convert", "FILE", "never.gguf"},
                                         Arguments{"plan", "show", "-m", "FILE"}));

TEST(Errors, TooLongAPromptNamesBothNumbers) {
    std::string prompt;
    for (int i = 0; i < 100; ++i) prompt += "word" + std::to_string(i) + " ";
    const auto tokens = grist_tokenizer().encode(prompt, text::Specials::as_text).size();
    const Result r = quern({"run", "--raw", "-c", "50", prompt});
    expect_sentence(r, 1);
    EXPECT_THAT(r.err, HasSubstr(std::to_string(tokens) + " tokens"));
    EXPECT_THAT(r.err, HasSubstr("50"));
    EXPECT_THAT(r.err, HasSubstr("--ctx"));
}

TEST(Errors, AnEmptyRawPromptNeedsABeginToken) {
    const Result r = quern({"run", "--raw", "-n", "1", ""});
    if (grist_tokenizer().bos())
        EXPECT_EQ(r.exit, 0) << r.err;
    else
        expect_sentence(r, 1);
}

TEST(Errors, OutputsThatCannotBeWrittenAreToldBeforeTheWork) {
    std::filesystem::create_directories(in_folder("a-folder"));
    for (const std::string& path : {std::string("nowhere/x"), std::string("a-folder"), std::string("/dev/full")}) {
        SCOPED_TRACE(path);
        // Nothing on stdout: no answer was made first.
        expect_sentence(quern({"run", "--raw", "-n", "1", "--dump-logprobs", path, "x"}), 1, path);
        expect_sentence(quern({"run", "--raw", "-n", "1", "--tap", "logits", "--tap-out", path, "x"}), 1, path);
        expect_sentence(quern({"convert", grist, path}), 1, path);
    }
    EXPECT_TRUE(std::filesystem::is_directory(in_folder("a-folder")));
}

TEST(Errors, AFailedRunLeavesNoHalfFile) {
    const Result r = quern({"run", "--raw", "-n", "1", "--tap", "no.such.node", "--tap-out", "taps", "x"});
    EXPECT_EQ(r.exit, 1);
    EXPECT_THAT(r.err, HasSubstr("--tap"));
    for (const auto& entry : std::filesystem::directory_iterator(folder()))
        EXPECT_FALSE(entry.path().filename().string().starts_with("taps")) << entry.path();
}

TEST(Errors, PromptFilesThatCannotBeRead) {
    expect_sentence(quern({"run", "-f", "missing.txt"}), 1, "missing.txt");
    expect_sentence(quern({"run", "-f", "."}), 1);
}

TEST(Errors, BiasesLocksAndStepsThatTheModelDoesNotKnow) {
    expect_sentence(quern({"run", "--logit-bias", "99999999=1", "x"}), 1, "99999999");
    expect_sentence(quern({"run", "--lock", "norm=norm.nosuch", "x"}), 1, "norm.nosuch");
    expect_sentence(quern({"plan", "show", "--tokens", "99999"}), 1, "99999");
}

// 4 TiB of keys and values, reserved lazily: without a check it would go well until the memory is full.
TEST(Errors, AContextThatNoMemoryHoldsIsRefusedBeforeTheWork) {
    const Result r = quern({"run", "--raw", "--temp", "0", "-n", "1", "-c", "1073741824", "x"});
    expect_sentence(r, 1);
    EXPECT_THAT(r.err, HasSubstr("4096.0 GiB"));
}

TEST(Errors, AFullDeviceForStdoutIsTold) {
    for (const Arguments& command : {Arguments{"run", "--raw", "-n", "1", "--temp", "0", "x"}, Arguments{"version"},
                                     Arguments{"tokens", "x"}, Arguments{"inspect", grist}}) {
        SCOPED_TRACE(command[0]);
        std::string line = QUERN_BINARY;
        for (const std::string& a : command) line += " '" + a + "'";
        const std::string errors = in_folder("full-errors");
        const int status = std::system((line + " >/dev/full 2>'" + errors + "'").c_str());
        EXPECT_EQ(WEXITSTATUS(status), 1);
        EXPECT_THAT(contents(errors), HasSubstr("quern: writing the output"));
    }
}

}  // namespace
}  // namespace quern::e2e
