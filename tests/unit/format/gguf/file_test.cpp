#include "format/gguf/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "testdata.h"
#include "unit/format/gguf/raw.h"

namespace quern::gguf {
namespace {

using namespace raw;
using testing::HasSubstr;
using VT = ValueType;

std::string error_of(const Path& path) {
    try {
        File::open(path);
    } catch (const Error& e) {
        return e.what();
    }
    return "no error";
}

// A split in three, each part with one tensor; tests break it in one place.
class Split : public testing::Test {
protected:
    void SetUp() override {
        folder_ = Path(testing::TempDir()) /
                  (std::string("gguf_split_") + testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        for (int i = 0; i < 3; ++i) write(i, part(i));
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    static std::string part(int no, int count = 3, int total = 3, const std::string& tensor = "") {
        std::vector<std::string> keys{kv("split.no", VT::u16, le(static_cast<std::uint16_t>(no))),
                                      kv("split.count", VT::u16, le(static_cast<std::uint16_t>(count))),
                                      kv("split.tensors.count", VT::i32, le(total))};
        if (no == 0) keys.push_back(kv("general.architecture", VT::string, string("llama")));
        const std::string name = tensor.empty() ? "blk." + std::to_string(no) + ".w" : tensor;
        return file(keys, {info(name, {8}, 0, 0)}, 32);
    }
    Path path(int no) const { return folder_ / ("m-0000" + std::to_string(no + 1) + "-of-00003.gguf"); }
    void write(int no, const std::string& text) const { write_file(path(no), text); }

    Path folder_;
};

// Would catch: a reader that starts at part 1 whatever it is given, or takes metadata from the part it was given.
TEST_F(Split, AnyPartOpensTheWhole) {
    for (int no = 0; no < 3; ++no) {
        const File f = File::open(path(no));
        EXPECT_EQ(f.metadata().string("general.architecture"), "llama");
        EXPECT_EQ(f.parts().size(), 3u);
        ASSERT_EQ(f.tensors().size(), 3u);
        for (int i = 0; i < 3; ++i) {
            const TensorInfo* t = f.find("blk." + std::to_string(i) + ".w");
            ASSERT_NE(t, nullptr);
            EXPECT_EQ(t->split, i);
            EXPECT_EQ(t->bytes.data(), f.parts()[std::size_t(i)].bytes().data() + t->offset);
        }
        EXPECT_EQ(f.file_bytes(), f.parts()[0].bytes().size() + 2 * f.parts()[1].bytes().size());
    }
}

TEST_F(Split, MissingPartIsNamed) {
    std::filesystem::remove(path(1));
    EXPECT_THAT(error_of(path(0)), HasSubstr("m-00002-of-00003.gguf"));
}

TEST_F(Split, WrongOrderIsRefused) {
    write(1, part(2, 3, 3, "blk.1.w"));
    EXPECT_THAT(error_of(path(0)), HasSubstr("'split.no' is 2"));
}

TEST_F(Split, PartOfAnotherSplitIsRefused) {
    write(2, part(2, 4));
    EXPECT_THAT(error_of(path(0)), HasSubstr("'split.count' is 4"));
    EXPECT_THAT(error_of(path(2)), HasSubstr("'split.count' is 4"));
}

TEST_F(Split, WrongTotalIsRefused) {
    write(2, part(2, 3, 7));
    EXPECT_THAT(error_of(path(0)), HasSubstr("'split.tensors.count' of part 3 is 7"));
}

TEST_F(Split, TensorInTwoPartsIsRefused) {
    write(2, part(2, 3, 3, "blk.0.w"));
    EXPECT_THAT(error_of(path(0)), HasSubstr("'blk.0.w'"));
}

TEST_F(Split, DamagedPartIsNamed) {
    write(1, part(1).substr(0, 150));
    EXPECT_THAT(error_of(path(0)), HasSubstr("m-00002-of-00003.gguf"));
}

TEST_F(Split, RenamedPartIsRefused) {
    std::filesystem::rename(path(0), folder_ / "model.gguf");
    EXPECT_THAT(error_of(folder_ / "model.gguf"), HasSubstr("'split.count' is 3"));
}

// Would catch: opening one of several parts as if it were the whole model.
TEST_F(Split, NameWithoutKeysIsRefused) {
    write(1, file({}, {info("w", {8}, 0, 0)}, 32));
    EXPECT_THAT(error_of(path(1)), HasSubstr("part 2 of 3"));
}

TEST_F(Split, OneOfOneIsAWholeFile) {
    const Path path = folder_ / "m-00001-of-00001.gguf";
    write_file(path, file({}, {info("w", {8}, 0, 0)}, 32));
    EXPECT_EQ(File::open(path).parts().size(), 1u);
}

TEST_F(Split, IsNotReadFromMemory) {
    const std::string text = part(0);
    EXPECT_THROW(File::parse(bytes(text)), Error);
}

TEST(SplitCount, HasLimits) {
    for (const std::int32_t count : {-1, 100000}) {
        const std::string text = file({kv("split.count", VT::i32, le(count))});
        EXPECT_THROW(File::parse(bytes(text)), Error) << count;
    }
}

TEST(File, NamesThePathInErrors) {
    EXPECT_THAT(error_of(Path(testing::TempDir()) / "no_such.gguf"), HasSubstr("no_such.gguf"));
    const Path path = Path(testing::TempDir()) / "quern_not_a.gguf";
    write_file(path, "this is not a model at all, just words");
    EXPECT_THAT(error_of(path), testing::AllOf(HasSubstr("quern_not_a.gguf"), HasSubstr("begins with 'this'")));
    std::filesystem::remove(path);
}

// Would catch: views that point into a mapping that moved or went with the object they were read through.
TEST(File, ViewsSurviveAMove) {
    const Path path = Path(testing::TempDir()) / "quern_moved.gguf";
    write_file(path, file({}, {info("w", {8}, 0, 0)}, 32));
    File a = File::open(path);
    const File b = std::move(a);
    EXPECT_EQ(b.find("w")->bytes[1], std::byte{7});
    std::filesystem::remove(path);
}

struct Vocabulary {
    const char* file;
    const char* model;
    std::size_t keys, tokens, merges;
};

class RealVocabulary : public testing::TestWithParam<Vocabulary> {};

// Would catch: a strictness that real files do not meet. The numbers are from the gguf Python package's reader.
TEST_P(RealVocabulary, IsRead) {
    const Vocabulary& v = GetParam();
    QUERN_NEED_TESTDATA(path, std::string("vocab/ggml-vocab-") + v.file + ".gguf");
    const File f = File::open(path);
    EXPECT_EQ(f.metadata().entries().size(), v.keys);
    EXPECT_EQ(f.metadata().need_string("tokenizer.ggml.model"), v.model);
    EXPECT_EQ(f.metadata().strings("tokenizer.ggml.tokens")->size(), v.tokens);
    const auto merges = f.metadata().strings("tokenizer.ggml.merges");
    EXPECT_EQ(merges ? merges->size() : 0, v.merges);
    EXPECT_TRUE(f.tensors().empty());
}
INSTANTIATE_TEST_SUITE_P(Files, RealVocabulary,
                         testing::Values(Vocabulary{"bert-bge", "bert", 20, 30522, 0},
                                         Vocabulary{"deepseek-llm", "gpt2", 23, 102400, 99757},
                                         Vocabulary{"falcon", "gpt2", 18, 65024, 64784},
                                         Vocabulary{"gpt-2", "gpt2", 16, 50257, 50000},
                                         Vocabulary{"llama-spm", "llama", 22, 32000, 0}));

TEST(RealModel, IsRead) {
    QUERN_NEED_TESTDATA(path, "models/dreams-260k.gguf");
    const File f = File::open(path);
    EXPECT_EQ(f.metadata().need_string("general.architecture"), "llama");
    const TensorInfo* t = f.find("token_embd.weight");
    ASSERT_NE(t, nullptr);
    EXPECT_THAT(t->dims, testing::ElementsAre(512, 64));
    EXPECT_EQ(t->bytes.size(), 512u * 64 * 4);
}

}  // namespace
}  // namespace quern::gguf
