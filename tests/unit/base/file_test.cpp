#include "base/file.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace quern {
namespace {

Path scratch(const char* name) { return Path(testing::TempDir()) / name; }

// Would catch: a writer that touches the target before it is done, or leaves its temporary file behind.
TEST(AtomicFile, LeavesTheOldFileUntilCommit) {
    const Path path = scratch("atomic_file_test");
    write_file(path, "old");
    {
        AtomicFile file(path);
        file.write("half");
        EXPECT_EQ(read_text(path), "old");
    }
    EXPECT_EQ(read_text(path), "old");
    write_file(path, "new");
    EXPECT_EQ(read_text(path), "new");
    for (const auto& entry : std::filesystem::directory_iterator(testing::TempDir()))
        EXPECT_EQ(entry.path().filename().string().find("atomic_file_test."), std::string::npos);
    std::filesystem::remove(path);
}

TEST(MappedFile, RefusesWhatIsNotAFile) {
    EXPECT_THROW(MappedFile(scratch("no_such_file")), Error);
    EXPECT_THROW(MappedFile(Path("/")), Error);
    try {
        MappedFile file(scratch("no_such_file"));
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find("no_such_file"), std::string::npos);
        EXPECT_EQ(e.code, Code::io);
    }
}

TEST(MappedFile, EmptyFileIsAnEmptySpan) {
    const Path path = scratch("empty_file");
    write_file(path, "");
    EXPECT_TRUE(MappedFile(path).bytes().empty());
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace quern
