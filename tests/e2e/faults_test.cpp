// Things go wrong on purpose, at every point of base/fault.h, and a command is run through the real binary each time:
// it never dies without a sentence, says the right one, and the next command works with what was kept on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/fault.h"
#include "kernels/cpu.h"
#include "models.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;

const Arguments small{"-c", "64", "--threads", "2"};
const Arguments say = joined({{"run", "--raw", "--temp", "0", "-n", "8", "Once upon a time"}, small});

// A new home for each use, so that nothing is known of any kernel.
std::string new_home() {
    static int count = 0;
    const std::string home = in_folder("home-" + std::to_string(++count));
    std::filesystem::create_directories(home);
    return "QUERN_HOME=" + home;
}

Result with_fault(const Arguments& command, const std::string& fault, const std::string& home) {
    return quern(command, "", {home, "QUERN_FAULT=" + fault, "QUERN_PATIENCE=1"});
}

const std::string& expected() {
    static const std::string text = quern(say, "", {new_home()}).out;
    return text;
}

// What must be said at a point, and what becomes of the command.
struct Expectation {
    const char* fault;     // point:nth:kind
    int exit;              // of the command; where it is 0, the answer is the expected one
    const char* sentence;  // on stderr; empty: none is needed
    Arguments command = say;
};

const std::vector<Expectation>& expectations() {
    std::ofstream(in_folder("prompt")) << "Once upon a time";
    const Arguments from_file = joined({{"run", "--raw", "--temp", "0", "-n", "8", "-f", in_folder("prompt")}, small});
    static const std::vector<Expectation> all{
        {"kernel_crash:3", 1, "crashed with signal 4"},
        {"kernel_crash:1:attend.tile64.avx2", 1, "attend.tile64.avx2 v1 crashed with signal 4"},
        {"kernel_hang:5", 1, "did not end in the time it was given"},
        {"kernel_nan:2", 0, "done again, it did not"},
        {"kernel_nan:4:always", 0, "gave wrong values"},
        {"kernel_nan:9:linear.f32x16.avx2", 0, "kernel linear.f32x16.avx2 is taken out, since it gave wrong values in"},
        {"kernel_fault:7", 0, ""},
        {"kernel_fault:7:always", 0, "its device failed"},
        {"kernel_fault:2:norm.avx2", 0, "kernel norm.avx2 is taken out for a while, since its device failed in"},
        {"proof_wrong:1", 0, ""},
        {"proof_wrong:1:always", 0, ""},
        {"fork:1", 1, "no process could be made"},
        {"mapping_cut:1", 1, "a part of it cannot be read any more"},
        {"mapping_cut:3", 1, "a part of it cannot be read any more"},
        {"file_read:1", 1, "Input/output error", from_file},
        {"file_write:1", 1, "No space left on device", joined({say, {"--dump-logprobs", in_folder("logprobs")}})},
        {"ledger_corrupt:1", 0, "ledger.db was damaged (database disk image is malformed) and is begun anew"},
        {"ledger_write:1", 0, "ledger.db: database or disk is full"},
        {"ledger_write:3:always", 0, ""},
    };
    return all;
}

TEST(Faults, EachEndsInASentenceAndTheNextCommandWorks) {
    if (!fault::compiled) GTEST_SKIP() << "this build has no faults: configure it with -DQUERN_FAULTS=ON";
    ASSERT_FALSE(expected().empty());
    for (const Expectation& e : expectations()) {
        const std::string home = new_home();
        const Result r = with_fault(e.command, e.fault, home);
        EXPECT_EQ(r.signal, 0) << e.fault << "\n" << r.err;
        EXPECT_EQ(r.exit, e.exit) << e.fault << "\n" << r.err;
        EXPECT_THAT(r.err, HasSubstr(e.sentence)) << e.fault;
        if (e.exit == 0) {
            EXPECT_EQ(r.out, expected()) << e.fault << "\n" << r.err;
        }
        const Result next = quern(e.command, "", {home});
        EXPECT_EQ(next.exit, 0) << e.fault << "\n" << next.err;
        EXPECT_EQ(next.out, expected()) << e.fault << "\n" << next.err;
    }
}

// Each point has a row above, or a test of its own below.
TEST(Faults, AllPointsAreWalked) {
    std::string walked = "allocation plan_bucket isa_selftest ";
    for (const Expectation& e : expectations())
        walked += std::string(e.fault).substr(0, std::string(e.fault).find(':')) + " ";
#define X(name, text) EXPECT_THAT(walked, HasSubstr(#name " ")) << text;
    QUERN_FAULT_POINTS(X)
#undef X
}

// A kernel that crashed, hung or lied is remembered, and explained.
TEST(Faults, AKernelThatFailedInUseIsNotChosenAgain) {
    if (!fault::compiled) GTEST_SKIP() << "this build has no faults: configure it with -DQUERN_FAULTS=ON";
    for (const char* fault :
         {"kernel_crash:1:linear.f32x16.avx2", "kernel_hang:1:linear.f32x16.avx2", "kernel_nan:1:linear.f32x16.avx2"}) {
        const std::string home = new_home();
        const Arguments explain{"explain", "blk.0.attn_q", "--isa", "avx2"};
        const Result before = quern(explain, "", {home});
        if (before.out.find("linear.f32x16.avx2") == std::string::npos) GTEST_SKIP() << "this processor lacks AVX2";
        EXPECT_THAT(before.out, testing::Not(HasSubstr("it failed in use")));
        with_fault(joined({say, {"--isa", "avx2"}}), fault, home);
        EXPECT_THAT(quern(explain, "", {home}).out, HasSubstr("it failed in use")) << fault;
        EXPECT_EQ(quern(joined({say, {"--isa", "avx2"}}), "", {home}).out, expected()) << fault;
        const Result locked = quern(joined({say, {"--lock", "linear=linear.f32x16.avx2"}}), "", {home});
        EXPECT_EQ(locked.exit, 1);
        EXPECT_THAT(locked.err, HasSubstr("it failed in use")) << fault;
    }
}

// An instruction set that computes wrong is left alone, with the same answer, until the doctor finds it well.
TEST(Faults, InstructionsThatComputeWrongAreNotUsed) {
    if (!fault::compiled) GTEST_SKIP() << "this build has no faults: configure it with -DQUERN_FAULTS=ON";
    if (cpu_isa() == Isa::none) GTEST_SKIP() << "this processor has the baseline only";
    const std::string home = new_home();
    const Arguments explain{"explain", "blk.0.attn_q"};
    const Result r = with_fault(say, "isa_selftest:1:always", home);
    EXPECT_EQ(r.exit, 0) << r.err;
    EXPECT_EQ(r.out, expected());
    EXPECT_THAT(r.err, HasSubstr("compute wrong and are not used"));
    EXPECT_THAT(quern(explain, "", {home}).out, HasSubstr("its instructions compute wrong here"));
    const Result locked = quern(joined({say, {"--lock", "linear=linear.f32x16.avx2"}}), "", {home});
    EXPECT_EQ(locked.exit, 1);
    EXPECT_THAT(locked.err, HasSubstr("its instructions compute wrong here"));
    const Result sick = with_fault({"doctor"}, "isa_selftest:1", home);
    EXPECT_EQ(sick.exit, 1);
    EXPECT_THAT(sick.out, HasSubstr("avx2: computes wrong; kernels with these instructions are not used"));
    EXPECT_EQ(quern({"doctor"}, "", {home}).exit, 0);
    EXPECT_THAT(quern(explain, "", {home}).out, testing::Not(HasSubstr("its instructions compute wrong here")));
}

TEST(Faults, APlanThatLacksAKernelIsSetAside) {
    if (!fault::compiled) GTEST_SKIP() << "this build has no faults: configure it with -DQUERN_FAULTS=ON";
    const std::string home = new_home();
    ASSERT_EQ(quern(joined({{"tune", "--seconds", "0.2"}, small}), "", {home}).exit, 0);
    EXPECT_THAT(quern(say, "", {home}).err, testing::Not(HasSubstr("set aside")));
    const Result r = with_fault(say, "plan_bucket:5", home);
    EXPECT_EQ(r.exit, 0) << r.err;
    EXPECT_EQ(r.out, expected());
    EXPECT_THAT(r.err, HasSubstr("set aside: it names no kernel for"));
}

// Wherever memory runs out, the command ends with a sentence.
TEST(Faults, MemoryMayRunOutAnywhere) {
    if (!fault::compiled) GTEST_SKIP() << "this build has no faults: configure it with -DQUERN_FAULTS=ON";
    const std::string home = new_home();
    EXPECT_EQ(quern(say, "", {home}).exit, 0);  // proofs are not what is tried here
    int failed = 0;
    for (int n = 1; n < 20'000; n += n < 500 ? 11 : 997) {
        const Result r = with_fault(say, "allocation:" + std::to_string(n), home);
        ASSERT_EQ(r.signal, 0) << n << "\n" << r.err;
        if (r.exit == 0) {  // one that can be done without
            EXPECT_EQ(r.out, expected()) << n;
        } else {
            EXPECT_THAT(r.err, HasSubstr("no memory left")) << n;
            ++failed;
        }
    }
    EXPECT_GT(failed, 40);
    EXPECT_EQ(quern(say, "", {home}).out, expected());
}

// A file that really becomes shorter, in the middle of a conversation: the next answer is an error, the chat goes on.
TEST(Faults, AModelFileThatBecomesShorterIsAnErrorAndNotTheEnd) {
    const std::string model = in_folder("short.gguf");
    std::filesystem::copy_file(grist, model, std::filesystem::copy_options::overwrite_existing);
    Child chat(Child::On::pipe, joined({{"chat", "-m", model, "-n", "4"}, always(" a")}));
    chat.send("hello\n");
    ASSERT_TRUE(chat.wait_for(" a a a a"));
    std::filesystem::resize_file(model, 4096);
    chat.send("again\n/ctx\n");
    EXPECT_TRUE(chat.wait_for("tokens are used"));
    const Result r = chat.finish();
    EXPECT_EQ(r.exit, 0) << r.err;
    EXPECT_THAT(r.err, HasSubstr("reading " + model + ": a part of it cannot be read any more"));
}

// Weights that are no numbers: no kernel is to blame, and the node is named.
TEST(Faults, AModelWhoseWeightsAreNoNumbersIsToBlameItself) {
    const std::string model = in_folder("nan.gguf"), home = new_home();
    std::filesystem::copy_file(grist, model, std::filesystem::copy_options::overwrite_existing);
    const auto offset = gguf::File::open(grist).find("blk.1.ffn_norm.weight")->offset;
    std::fstream file(model, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset)).write("\0\0\xc0\x7f", 4);
    file.close();
    const Result r = quern(joined({say, {"-m", model}}), "", {home});
    EXPECT_EQ(r.exit, 1);
    EXPECT_THAT(r.err, HasSubstr("quern: blk.1.ffn_norm: its result has values that are no numbers"));
    EXPECT_THAT(r.err, HasSubstr("the weights"));
    EXPECT_THAT(quern({"explain"}, "", {home}).out, testing::Not(HasSubstr("it failed in use")));
}

// Records of crashes are a file that anybody may have written.
TEST(Faults, RecordsThatMakeNoSenseAreLeftOut) {
    const std::string home = new_home();
    std::ofstream(home.substr(home.find('=') + 1) + "/crashes") << "1\tb\n\n2\tx\ty\tz\tw\n"
                                                                << std::string(5000, '\t') << "\0";
    const Result r = quern(say, "", {home});
    EXPECT_EQ(r.exit, 0) << r.err;
    EXPECT_EQ(r.out, expected());
}

}  // namespace
}  // namespace quern::e2e
