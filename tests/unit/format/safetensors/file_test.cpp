#include "format/safetensors/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "base/hash.h"
#include "format/safetensors/writer.h"
#include "unit/format/safetensors/raw.h"

namespace quern::safetensors {
namespace {

using namespace raw;
using testing::HasSubstr;

struct Bad {
    std::string title, bytes, names, says;
    Code code = Code::bad_file;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.title; }

std::vector<Bad> bad_files() {
    const auto one = [](std::string_view body, std::size_t data) {
        return file(R"({"w":{)" + std::string(body) + "}}", data);
    };
    const auto two = [](std::string_view a, std::string_view b, std::size_t data) {
        const auto t = [](std::string_view name, std::string_view at) {
            return '"' + std::string(name) + R"(":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(at) + "}";
        };
        return file("{" + t("v", a) + "," + t("w", b) + "}", data);
    };
    const std::string good = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])", w = "'w'";
    std::string many = R"("dtype":"U8","shape":[1)";
    for (int i = 0; i < 8; ++i) many += ",1";
    many += R"(],"data_offsets":[0,1])";
    return {
        {"Empty", "", "header", "has 0 bytes"},
        {"LengthCut", "abc", "header", "has 3 bytes"},
        {"LengthHuge", length(~std::uint64_t(0)) + "{}", "header", "the format allows 100000000"},
        {"LengthAboveLimit", length(100'000'001) + "{}", "header", "the format allows"},
        {"LengthPastEnd", length(3) + "{}", "header", "only 2 follow"},
        {"LengthZero", length(0), "header", "does not begin with '{'"},
        {"LfsPointer", "version https://git-lfs.github.com/spec/v1", "header", "Git LFS"},
        {"NotAnObject", file("[]", 0), "header", "does not begin with '{'"},
        {"NotJson", file("{\"w\":", 0), w, "not JSON from byte"},
        {"TextBehind", file("{}x", 0), "header", "not JSON from byte 3"},
        {"NotUtf8", file("{\"\xff\":{}}", 0), "header", "not JSON"},
        {"Deep", file("{\"w\":" + std::string(100000, '['), 0), w, "an array stands"},
        {"DeepObjects", file("{\"w\":{\"dtype\":{\"x\":1}}}", 0), w, "an object stands"},
        {"TensorIsNumber", file(R"({"w":3})", 0), w, "a number stands"},
        {"TensorIsText", file(R"({"w":"F32"})", 0), w, "a string stands"},
        {"TensorIsNull", file(R"({"w":null})", 0), w, "null stands"},
        {"MetadataIsText", file(R"({"__metadata__":"x"})", 0), "__metadata__", "a string stands"},
        {"MetadataHoldsNumber", file(R"({"__metadata__":{"a":1}})", 0), "__metadata__", "a number stands"},
        {"MetadataNested", file(R"({"__metadata__":{"a":{}}})", 0), "__metadata__", "an object stands"},
        {"MetadataTwice", file(R"({"__metadata__":{},"__metadata__":{}})", 0), "__metadata__", "twice"},
        {"MetadataKeyTwice", file(R"({"__metadata__":{"k":"","k":""}})", 0), "__metadata__ has 'k'", "twice"},
        {"NoType", one(R"("shape":[2],"data_offsets":[0,8])", 8), w, "lacks"},
        {"NoShape", one(R"("dtype":"F32","data_offsets":[0,8])", 8), w, "lacks"},
        {"NoOffsets", one(R"("dtype":"F32","shape":[2])", 8), w, "lacks"},
        {"EmptyTensor", one("", 0), w, "lacks"},
        {"TypeTwice", one(good + R"(,"dtype":"F32")", 8), w, "'dtype' twice"},
        {"OtherField", one(good + R"(,"strides":[1])", 8), w, "'strides'"},
        {"TypeIsNumber", one(R"("dtype":3,"shape":[2],"data_offsets":[0,8])", 8), w, "a number stands"},
        {"TypeUnknown", one(R"("dtype":"C64","shape":[1],"data_offsets":[0,8])", 8), w, "'C64'", Code::unsupported},
        {"ShapeIsNumber", one(R"("dtype":"F32","shape":2,"data_offsets":[0,8])", 8), w, "a number stands"},
        {"ShapeNested", one(R"("dtype":"F32","shape":[[2]],"data_offsets":[0,8])", 8), w, "an array stands"},
        {"ShapeHoldsText", one(R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])", 8), w, "a string stands"},
        {"ShapeNegative", one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])", 8), w, "a negative number"},
        {"ShapeFraction", one(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])", 8), w, "a fraction stands"},
        {"ShapeBeyond64Bits", one(R"("dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,8])", 8), w,
         "a fraction stands"},
        {"ShapeDoesNotFit", one(R"("dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,8])", 8), w, "fit"},
        {"SizeWraps", one(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0])", 0), w, "fit"},
        {"SizeWrapsByType", one(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0])", 0), w, "fit"},
        {"TooManyDims", one(many, 1), w, "more than 8 numbers"},
        {"OneOffset", one(R"("dtype":"F32","shape":[2],"data_offsets":[8])", 8), w, "has 1 numbers"},
        {"ThreeOffsets", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])", 8), w, "has 3 numbers"},
        {"OffsetsReversed", one(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", 8), w, "at bytes 8 to 0"},
        {"EndPastData", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])", 7), w, "but there are 7"},
        {"EndHuge", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615])", 8), w, "there are 8"},
        {"SpanTooLong", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,9])", 9), w, "span 9 bytes, but"},
        {"SpanTooShort", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,7])", 8), w, "span 7 bytes, but"},
        {"DataBehind", one(good, 9), "data", "1 bytes at its end"},
        {"DataBefore", one(R"("dtype":"F32","shape":[2],"data_offsets":[4,12])", 12), w, "belong to no tensor"},
        {"SameData", two("[0,4]", "[0,4]", 4), w, "inside that of another"},
        {"Overlap", two("[0,4]", "[2,6]", 6), w, "inside that of another"},
        {"Gap", two("[0,4]", "[6,10]", 10), w, "belong to no tensor"},
        {"NameTwice",
         file(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
              R"("w":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
              2),
         w, "two of this name"},
    };
}

class BadSafetensors : public testing::TestWithParam<Bad> {};

TEST_P(BadSafetensors, IsRefusedByName) {
    const Bad& bad = GetParam();
    try {
        File::parse(bytes(bad.bytes));
        FAIL() << "was read";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), HasSubstr(bad.names));
        EXPECT_THAT(e.what(), HasSubstr(bad.says));
        EXPECT_EQ(e.code, bad.code) << e.what();
    }
}
INSTANTIATE_TEST_SUITE_P(Files, BadSafetensors, testing::ValuesIn(bad_files()),
                         [](const testing::TestParamInfo<Bad>& i) { return i.param.title; });

std::string good_file() {
    return file(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},)"
                R"("a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},)"
                R"("none":{"dtype":"F16","shape":[0,4],"data_offsets":[26,26]}})",
                26);
}

TEST(Safetensors, ReadsAGoodFile) {
    const std::string text = good_file();
    const File f = File::parse(bytes(text));
    ASSERT_EQ(f.tensors().size(), 3u);
    const TensorInfo* b = f.find("b");
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(b->dtype, DType::f32);
    EXPECT_THAT(b->dims, testing::ElementsAre(2, 3));
    EXPECT_EQ(b->bytes.size(), 24u);
    EXPECT_EQ(b->bytes[0], std::byte{14});
    EXPECT_EQ(f.find("a")->elements(), 1);
    EXPECT_EQ(f.find("none")->elements(), 0);
    EXPECT_EQ(f.find("c"), nullptr);
    EXPECT_EQ(f.metadata().at("format"), "pt");
}

TEST(Safetensors, NamesTypesBothWays) {
    for (const char* name : {"F64", "F32", "F16", "BF16", "F8_E4M3", "I64", "I32", "I16", "I8", "U8", "BOOL"})
        EXPECT_EQ(type_name(*type_from_name(name)), name);
    EXPECT_EQ(type_from_name("f32"), std::nullopt);
    EXPECT_EQ(type_name(DType::q4_k), "");
}

// Would catch: any length that is believed before the bytes are there.
TEST(Safetensors, RefusesEveryTruncation) {
    const std::string whole = good_file();
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const std::string cut = whole.substr(0, n);
        EXPECT_THROW(File::parse(bytes(cut)), Error) << n;
    }
}

TEST(Safetensors, SurvivesMutations) {
    const std::string whole = good_file();
    std::uint64_t state = 1;
    int read = 0, refused = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string text = whole;
        const std::uint64_t changes = 1 + splitmix64(state++) % 4;
        for (std::uint64_t i = 0; i < changes; ++i) {
            const std::uint64_t r = splitmix64(state++);
            text[r % (text.size() - 26)] = static_cast<char>(r >> 63 ? r >> 32 : 0x20 + (r >> 32) % 0x60);
        }
        try {
            std::size_t covered = 0;
            const File f = File::parse(bytes(text));
            for (const TensorInfo& t : f.tensors()) covered += t.bytes.size();
            ASSERT_EQ(covered, 26u);
            ++read;
        } catch (const Error&) {
            ++refused;
        }
    }
    EXPECT_GT(read, 100);
    EXPECT_GT(refused, 100);
}

std::string error_of(const Path& path) {
    try {
        File::open(path);
    } catch (const Error& e) {
        return e.what();
    }
    return "no error";
}

// A model of two shards.
class Sharded : public testing::Test {
protected:
    void SetUp() override {
        folder_ = Path(testing::TempDir()) /
                  (std::string("sharded_") + testing::UnitTest::GetInstance()->current_test_info()->name());
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
        shard("x-1.safetensors", {"a", "b"});
        shard("x-2.safetensors", {"c"});
        index(R"({"a":"x-1.safetensors","b":"x-1.safetensors","c":"x-2.safetensors"})");
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void shard(const std::string& name, const std::vector<std::string>& tensors) const {
        std::vector<TensorData> data;
        for (const std::string& t : tensors) data.push_back({t, DType::f32, {1}, std::as_bytes(std::span(&value_, 1))});
        write(folder_ / name, data, {{"format", "pt"}});
    }
    void index(const std::string& map) const {
        write_file(folder_ / "model.safetensors.index.json",
                   R"({"metadata":{"total_size":12},"weight_map":)" + map + "}");
    }

    Path folder_;
    float value_ = 1.5f;
};

TEST_F(Sharded, OpensByFolderAndByIndex) {
    for (const Path& path : {folder_, folder_ / "model.safetensors.index.json"}) {
        const File f = File::open(path);
        ASSERT_EQ(f.tensors().size(), 3u);
        EXPECT_EQ(f.shards().size(), 2u);
        EXPECT_EQ(f.find("c")->shard, 1);
        EXPECT_EQ(f.find("b")->shard, 0);
        EXPECT_EQ(f.metadata().at("format"), "pt");
        EXPECT_EQ(f.file_bytes(), f.shards()[0].bytes().size() + f.shards()[1].bytes().size());
    }
}

TEST_F(Sharded, PrefersASingleFile) {
    shard("model.safetensors", {"z"});
    const File f = File::open(folder_);
    ASSERT_EQ(f.tensors().size(), 1u);
    EXPECT_EQ(f.tensors()[0].name, "z");
}

// The index says where a tensor is; a copy elsewhere does not count, and is not a second tensor of the name.
TEST_F(Sharded, FollowsTheIndex) {
    shard("x-2.safetensors", {"c", "a", "extra"});
    const File f = File::open(folder_);
    EXPECT_EQ(f.tensors().size(), 3u);
    EXPECT_EQ(f.find("a")->shard, 0);
    EXPECT_EQ(f.find("extra"), nullptr);
}

TEST_F(Sharded, NamesWhatIsMissing) {
    index(R"({"a":"x-1.safetensors","d":"x-2.safetensors"})");
    EXPECT_THAT(error_of(folder_), HasSubstr("'d'"));
    index(R"({"a":"x-1.safetensors","c":"x-3.safetensors"})");
    EXPECT_THAT(error_of(folder_), HasSubstr("x-3.safetensors"));
    write_file(folder_ / "x-2.safetensors", "junk junk");
    index(R"({"a":"x-1.safetensors","c":"x-2.safetensors"})");
    EXPECT_THAT(error_of(folder_), HasSubstr("shard 'x-2.safetensors'"));
    std::filesystem::remove(folder_ / "model.safetensors.index.json");
    EXPECT_THAT(error_of(folder_), HasSubstr("neither model.safetensors nor"));
}

// Would catch: an index that reads files outside its folder.
TEST_F(Sharded, RefusesPathsInTheIndex) {
    std::filesystem::create_directory(folder_ / "inner");
    write_file(folder_ / "inner" / "model.safetensors.index.json", R"({"weight_map":{"a":"../x-1.safetensors"}})");
    EXPECT_THAT(error_of(folder_ / "inner"), HasSubstr("'../x-1.safetensors' is not the plain name"));
}

}  // namespace
}  // namespace quern::safetensors
