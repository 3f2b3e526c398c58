// Crashes, hangs and lost pages, as the process has them.
#include "base/crash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/lost_pages.h"

namespace quern {
namespace {

using testing::HasSubstr;

Path temporary(const std::string& name) { return Path(testing::TempDir()) / (std::to_string(getpid()) + "-" + name); }

const crash::Running what{"linear.fast v2", "blk.3.attn_q"};

TEST(Crash, IsASentenceARecordAndExitCode1) {
    const Path file = temporary("crashes");
    const auto crash = [&] {
        crash::install(file, "build7");
        crash::begins(what);
        __builtin_trap();
    };
    EXPECT_EXIT(crash(), testing::ExitedWithCode(1),
                "kernel linear.fast v2 crashed .*computed blk.3.attn_q; it is noted");
    const std::vector<crash::Record> records = crash::read_records(file);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].build, "build7");
    EXPECT_EQ(records[0].kernel, what.kernel);
    EXPECT_EQ(records[0].node, what.node);
    EXPECT_THAT(records[0].how, HasSubstr("crashed with signal"));
    std::filesystem::remove(file);
}

TEST(Crash, InAWorkerIsTheSame) {
    const auto crash = [] {
        crash::install({}, "build7");
        crash::begins(what);
        std::thread([] { __builtin_trap(); }).join();
    };
    EXPECT_EXIT(crash(), testing::ExitedWithCode(1), "no note of it could be kept");
}

TEST(Crash, WhatIsNoKernelsGoesTheWayItWent) {
    const auto crash = [] {
        std::signal(SIGSEGV, SIG_DFL);
        crash::install({}, "build7");
        { const crash::Step step; }
        raise(SIGSEGV);
    };
    EXPECT_EXIT(crash(), testing::KilledBySignal(SIGSEGV), "");
}

TEST(Crash, AHangEndsAndProgressDoesNot) {
    const auto hang = [](bool progress) {
        crash::install({}, "build7");
        const crash::Watchdog dog(0.2);
        crash::begins(what);
        for (int i = 0; i < 200; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            if (progress) crash::begins(what);
        }
        _exit(3);
    };
    EXPECT_EXIT(hang(false), testing::ExitedWithCode(1), "linear.fast v2 did not end in the time it was given");
    EXPECT_EXIT(hang(true), testing::ExitedWithCode(3), "");
}

TEST(Crash, RecordsThatMakeNoSenseAreLeftOut) {
    const Path file = temporary("records");
    EXPECT_TRUE(crash::read_records(file).empty());
    std::ofstream(file) << "\n1\tb\tk\n2\tb\tk\tn\tcrashed\n1\tb\tk\tn\tcrashed\n" << std::string(9000, '\t');
    EXPECT_EQ(crash::read_records(file).size(), 1u);
    std::filesystem::remove(file);
}

TEST(LostPages, ReadAsZerosAndAreRemembered) {
    crash::install({}, "build7");
    const Path path = temporary("mapped");
    std::ofstream(path) << std::string(1 << 20, 'x');
    const MappedFile kept(path), file(path);
    EXPECT_NO_THROW(file.check_intact());
    EXPECT_EQ(file.bytes()[1 << 19], std::byte('x'));
    std::filesystem::resize_file(path, 4096);
    EXPECT_EQ(file.bytes()[1 << 19], std::byte(0));
    EXPECT_EQ(file.bytes()[(1 << 20) - 1], std::byte(0));
    EXPECT_NO_THROW(kept.check_intact()) << "nobody has read what it lost";
    try {
        file.check_intact();
        ADD_FAILURE() << "not noticed";
    } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::io);
        EXPECT_THAT(e.what(), HasSubstr(path.string()));
    }
    std::filesystem::remove(path);
}

TEST(LostPages, AreThoseOfWatchedMappingsOnly) {
    static char memory[16];
    EXPECT_FALSE(lost_pages::replace(memory));
    EXPECT_FALSE(lost_pages::any(-1));
    lost_pages::forget(-1);
}

}  // namespace
}  // namespace quern
