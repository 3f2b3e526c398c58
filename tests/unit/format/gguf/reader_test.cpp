// Files that must be refused, each with a text that names the key or tensor; and properties that hold for any bytes.
#include "format/gguf/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "format/gguf/writer.h"
#include "unit/format/gguf/raw.h"

namespace quern::gguf {
namespace {

using namespace raw;
using VT = ValueType;
constexpr std::uint32_t f32 = 0, q4_0 = 2, q4_k = 12;
constexpr std::uint64_t huge = ~std::uint64_t(0);

struct Bad {
    std::string title;
    std::string bytes;
    std::string names;  // what the text must name: the key, the tensor, or the header field
    std::string says;   // and a piece of the reason
    Code code = Code::bad_file;
};

void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.title; }

std::vector<Bad> bad_headers() {
    const std::string counts = u64(0) + u64(0), rest(64, '\0');
    const Code unsupported = Code::unsupported;
    return {
        {"Empty", "", "header", "0 bytes"},
        {"HeaderCut", file({}).substr(0, 23), "header", "has 23 bytes"},
        {"OtherMagic", "PK\x03\x04" + u32(3) + counts, "header", "'PK\\x03\\x04'"},
        {"BigEndian", "GGUF" + u32(0x03000000) + counts, "header", "big-endian", unsupported},
        {"Version0", "GGUF" + u32(0) + counts, "header", "version 0", unsupported},
        {"Version1", "GGUF" + u32(1) + counts, "header", "version 1", unsupported},
        {"Version4", "GGUF" + u32(4) + counts, "header", "version 4", unsupported},
        {"OlderFormat", "tjgg" + u32(3) + counts, "header", "before GGUF", unsupported},
        {"LfsPointer", "version https://git-lfs.github.com/spec/v1\n", "header", "Git LFS"},
        {"TensorCountHuge", "GGUF" + u32(3) + u64(huge) + u64(0) + rest, "number of tensors", "18446744073709551615"},
        {"TensorCountOneTooMany", "GGUF" + u32(3) + u64(2) + u64(0) + std::string(57, '\0'), "number of tensors",
         "cannot hold more than 1"},
        {"KeyCountHuge", "GGUF" + u32(3) + u64(0) + u64(huge) + rest, "number of metadata keys", "cannot hold"},
        {"KeyCountAboveLimit", "GGUF" + u32(3) + u64(0) + u64(70000) + std::string(70000 * 14, '\0'),
         "number of metadata keys", "at most 65536"},
    };
}

std::string header(std::uint64_t tensors, std::uint64_t keys) { return "GGUF" + u32(3) + u64(tensors) + u64(keys); }

std::vector<Bad> bad_keys() {
    const std::string pad(64, '\0');
    const std::string one = kv("a.first", VT::u32, u32(1));
    std::string nested = array(VT::u8, 0, "");
    for (int i = 0; i < max_array_depth; ++i) nested = array(VT::array, 1, nested);
    std::vector<Bad> bad{
        {"KeyLengthHuge", header(0, 1) + u64(huge) + pad, "first metadata key", "18446744073709551615 bytes"},
        {"SecondKeyPastEnd", header(0, 2) + one + u64(99) + pad, "'a.first'", "99 bytes are needed"},
        {"KeyEmpty", file({one, kv("", VT::u32, u32(1))}), "metadata key 2 of 2", "length is 0"},
        {"KeyTooLong", file({kv(std::string(65536, 'k'), VT::u32, u32(1))}), "'kkkk", "length is 65536"},
        {"KeyTwice", file({one, kv("b", VT::u8, "x"), one}), "'a.first'", "twice"},
        {"KeyTwiceOtherType", file({one, kv("a.first", VT::f32, u32(0))}), "'a.first'", "twice"},
        {"KeyWithControls", file({kv("a\x1b[2J\n", 77, "")}), "'a\\x1b[2J\\x0a'", "value type 77"},
        {"TypeUnknown", file({kv("a.type", 13, pad)}), "'a.type'", "value type 13"},
        {"TypeHuge", file({kv("a.type", 0xffffffff, pad)}), "'a.type'", "value type 4294967295"},
        {"TypeCut", header(0, 1) + string("a.type") + "\x04\0", "'a.type'", "only 1 are left"},
        {"BoolTwo", file({kv("a.flag", VT::boolean, "\x02")}), "'a.flag'", "a bool is 2"},
        {"StringHuge", file({kv("a.text", VT::string, u64(huge) + pad)}), "'a.text'", "18446744073709551615 bytes"},
        {"StringPastEnd", header(0, 1) + kv("a.text", VT::string, u64(5) + "four"), "'a.text'", "5 bytes are needed"},
        {"StringLengthCut", header(0, 1) + kv("a.text", VT::string, "\x05\0\0"), "'a.text'", "8 bytes are needed"},
        {"ArrayWithoutType", header(0, 1) + kv("a.list", VT::array, "\0"), "'a.list'", "4 bytes are needed"},
        {"ArrayWithoutCount", header(0, 1) + kv("a.list", VT::array, u32(0) + "\1\2"), "'a.list'", "8 bytes are"},
        {"ArrayTypeUnknown", file({kv("a.list", VT::array, u32(13) + u64(1) + pad)}), "'a.list'", "value type 13"},
        {"ArrayCountHuge", file({kv("a.list", VT::array, array(VT::u8, huge, pad))}), "'a.list'", "cannot hold"},
        {"ArrayCountWraps", file({kv("a.list", VT::array, array(VT::u64, std::uint64_t(1) << 61, pad))}), "'a.list'",
         "cannot hold"},
        {"ArrayOneTooMany", header(0, 1) + kv("a.list", VT::array, array(VT::f32, 3, std::string(11, 'x'))), "'a.list'",
         "more than 2"},
        {"StringsCountHuge", file({kv("a.list", VT::array, array(VT::string, std::uint64_t(1) << 60, pad))}),
         "'a.list'", "cannot hold"},
        {"StringsInnerHuge", file({kv("a.list", VT::array, array(VT::string, 2, string("ok") + u64(huge) + pad))}),
         "'a.list'", "18446744073709551615 bytes"},
        {"ArraysCountHuge", file({kv("a.list", VT::array, array(VT::array, std::uint64_t(1) << 61, pad))}), "'a.list'",
         "cannot hold"},
        {"ArraysInnerHuge",
         file({kv("a.list", VT::array, array(VT::array, 1, array(VT::u16, std::uint64_t(1) << 63, pad)))}), "'a.list'",
         "cannot hold"},
        {"ArraysTooDeep", file({kv("a.list", VT::array, nested)}), "'a.list'", "deeper than 8"},
        {"BoolsTwo", file({kv("a.list", VT::array, array(VT::boolean, 3, "\x01\x02\x01"))}), "'a.list'", "a bool is 2"},
    };
    constexpr std::pair<VT, int> sizes[] = {{VT::u8, 1},  {VT::i8, 1},  {VT::u16, 2},    {VT::i16, 2},
                                            {VT::u32, 4}, {VT::i32, 4}, {VT::f32, 4},    {VT::u64, 8},
                                            {VT::i64, 8}, {VT::f64, 8}, {VT::boolean, 1}};
    for (const auto& [type, size] : sizes)
        bad.push_back({std::string("ValueCut_") + name(type),
                       header(0, 1) + kv("a.value", type, std::string(std::size_t(size - 1), '\0')), "'a.value'",
                       "only " + std::to_string(size - 1) + " are left"});
    return bad;
}

std::vector<Bad> bad_known_keys() {
    const auto tokens = kv("tokenizer.ggml.tokens", VT::array, array(VT::string, 2, string("a") + string("b")));
    const auto align = [](VT type, const std::string& v) { return file({kv("general.alignment", type, v)}); };
    return {
        {"Alignment0", align(VT::u32, u32(0)), "'general.alignment'", "is 0,"},
        {"Alignment3", align(VT::u32, u32(3)), "'general.alignment'", "is 3,"},
        {"Alignment4", align(VT::u32, u32(4)), "'general.alignment'", "is 4,"},
        {"Alignment48", align(VT::u32, u32(48)), "'general.alignment'", "power of two"},
        {"Alignment2To31", align(VT::u32, u32(1u << 31)), "'general.alignment'", "is 2147483648,"},
        {"AlignmentNegative", align(VT::i32, u32(0xffffffe0)), "'general.alignment'", "is -32,"},
        {"AlignmentDoesNotFit", align(VT::u64, u64(huge)), "'general.alignment'", "does not fit"},
        {"AlignmentIsText", align(VT::string, string("32")), "'general.alignment'", "is string, but an integer"},
        {"AlignmentIsFloat", align(VT::f32, le(32.f)), "'general.alignment'", "is f32, but an integer"},
        {"ArchitectureIsNumber", file({kv("general.architecture", VT::u32, u32(1))}), "'general.architecture'",
         "is u32, but string"},
        {"TokensAreNumbers", file({kv("tokenizer.ggml.tokens", VT::array, array(VT::u32, 1, u32(7)))}),
         "'tokenizer.ggml.tokens'", "an array of u32, but an array of string"},
        {"TokensAreOneString", file({kv("tokenizer.ggml.tokens", VT::string, string("a"))}), "'tokenizer.ggml.tokens'",
         "is string, but an array of string"},
        {"ScoresAreBytes",
         file({tokens, kv("tokenizer.ggml.scores", VT::array, array(VT::i8, 2, std::string("\1\2")))}),
         "'tokenizer.ggml.scores'", "an array of i8, but an array of f32"},
        {"ScoresTooFew", file({tokens, kv("tokenizer.ggml.scores", VT::array, array(VT::f32, 1, le(1.f)))}),
         "'tokenizer.ggml.scores'", "1 values for 2 tokens"},
        {"TypesTooMany",
         file({tokens, kv("tokenizer.ggml.token_type", VT::array, array(VT::i32, 3, std::string(12, '\1')))}),
         "'tokenizer.ggml.token_type'", "3 values for 2 tokens"},
        {"TypesWithoutTokens", file({kv("tokenizer.ggml.token_type", VT::array, array(VT::i32, 1, u32(1)))}),
         "'tokenizer.ggml.token_type'", "1 values for 0 tokens"},
        {"TypesAreFloats",
         file({tokens, kv("tokenizer.ggml.token_type", VT::array, array(VT::f32, 2, le(1.f) + le(1.f)))}),
         "'tokenizer.ggml.token_type'", "an array of f32, but an array of integers"},
        {"MergesAreNested",
         file({kv("tokenizer.ggml.merges", VT::array, array(VT::array, 1, array(VT::string, 0, "")))}),
         "'tokenizer.ggml.merges'", "an array of array"},
        {"TemplateIsNumber", file({kv("tokenizer.chat_template", VT::u32, u32(0))}), "'tokenizer.chat_template'",
         "is u32, but string"},
        {"BosIsFloat", file({kv("tokenizer.ggml.bos_token_id", VT::f32, le(1.f))}), "'tokenizer.ggml.bos_token_id'",
         "is f32, but an integer"},
        {"AddBosIsByte", file({kv("tokenizer.ggml.add_bos_token", VT::u8, "\1")}), "'tokenizer.ggml.add_bos_token'",
         "is u8, but bool"},
    };
}

std::vector<Bad> bad_tensors() {
    const std::uint64_t two63 = std::uint64_t(1) << 63, two32 = std::uint64_t(1) << 32;
    const std::string pad(64, '\0');
    const auto one = [](std::initializer_list<std::uint64_t> dims, std::uint32_t type, std::uint64_t offset,
                        std::size_t data) { return file({}, {info("blk.0.w", dims, type, offset)}, data); };
    const std::string w = "'blk.0.w'";
    std::vector<Bad> bad{
        {"NameLengthHuge", header(1, 0) + u64(huge) + pad, "first tensor info", "18446744073709551615 bytes"},
        {"SecondNamePastEnd", header(2, 0) + info("blk.0.w", {1}, f32, 0) + u64(999) + pad, w, "999 bytes"},
        {"NameEmpty", file({}, {info("", {1}, f32, 0)}, 4), "tensor 1 of 1", "has 0 bytes"},
        {"NameTooLong", file({}, {info(std::string(1025, 'n'), {1}, f32, 0)}, 4), "'nnnn", "1025 bytes"},
        {"NameTwice", file({}, {info("blk.0.w", {8}, f32, 0), info("blk.0.w", {8}, f32, 32)}, 64), w, "two of this"},
        {"NoDims", one({}, f32, 0, 4), w, "has 0 dims"},
        {"FiveDims", one({1, 1, 1, 1, 1}, f32, 0, 4), w, "has 5 dims"},
        {"DimsHuge", header(1, 0) + string("blk.0.w") + u32(0xffffffff) + pad, w, "has 4294967295 dims"},
        {"DimZero", one({0}, f32, 0, 32), w, "dim of 0"},
        {"OuterDimZero", one({32, 0}, f32, 0, 32), w, "dim of 0"},
        {"DimNegative", one({huge}, f32, 0, 32), w, "does not fit"},
        {"Dim2To63", one({4, two63}, f32, 0, 32), w, "does not fit"},
        {"ElementsWrap", one({two32, two32}, f32, 0, 32), w, "number of elements"},
        {"ElementsWrapToZero", one({two32, two32, 2, 2}, f32, 0, 32), w, "number of elements"},
        {"BytesWrap", one({std::uint64_t(1) << 62}, f32, 0, 32), w, "number of bytes"},
        {"BytesWrapInBlocks", one({std::uint64_t(1) << 62}, q4_0, 0, 32), w, "data is at bytes"},
        {"RowNotWholeBlocks", one({33}, q4_0, 0, 64), w, "a row has 33 elements, but q4_0 comes in blocks of 32"},
        {"RowShorterThanBlock", one({128, 2}, q4_k, 0, 144), w, "a row has 128 elements, but q4_k"},
        {"TypeUnknown", one({32}, 43, 0, 64), w, "the number 43", Code::unsupported},
        {"TypeHuge", one({32}, 0xffffffff, 0, 64), w, "4294967295", Code::unsupported},
        {"OffsetMisaligned", one({8}, f32, 4, 64), w, "not a multiple of the alignment 32"},
        {"OffsetMisalignedForFile",
         file({kv("general.alignment", VT::u32, u32(64))}, {info("blk.0.w", {8}, f32, 32)}, 128, 3, 64), w,
         "not a multiple of the alignment 64"},
        {"OffsetWraps", one({8}, f32, huge - 31, 64), w, "does not fit"},
        {"OffsetPastEnd", one({8}, f32, 4096, 64), w, "but the file has"},
        {"EndOnePast", one({8}, f32, 32, 63), w, "but the file has"},
        {"NoData", one({8}, f32, 0, 0), w, "but the file has"},
        {"SameOffset", file({}, {info("blk.0.w", {8}, f32, 0), info("blk.0.v", {8}, f32, 0)}, 64), "'blk.0.v'",
         "inside that of tensor 'blk.0.w'"},
        {"Overlap", file({}, {info("blk.0.v", {8}, f32, 32), info("blk.0.w", {9}, f32, 0)}, 64), "'blk.0.v'",
         "inside that of tensor 'blk.0.w'"},
        {"Swallowed", file({}, {info("blk.0.w", {32}, f32, 0), info("blk.0.v", {8}, f32, 64)}, 128), "'blk.0.v'",
         "inside that of tensor 'blk.0.w'"},
        {"TypeIsRemembered", one({32}, 4, 0, 64), w, "Q4_2", Code::unsupported},
    };
    constexpr std::pair<std::uint32_t, const char*> removed[] = {
        {5, "Q4_3"},        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},  {33, "Q4_0_8_8"},
        {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}};
    for (const auto& [number, name] : removed)
        bad.push_back({std::string("Removed_") + name, one({256}, number, 0, 256), w, name, Code::unsupported});
    const std::string before = header(1, 1) + kv("a.key", VT::string, string(pad));
    const std::string whole = before + info("blk.0.w", {8, 2}, f32, 0);
    const std::size_t after_name = before.size() + 8 + 7;
    for (const std::size_t n : {std::size_t(0), std::size_t(4), std::size_t(12), std::size_t(20), std::size_t(24)})
        bad.push_back({"InfoCut" + std::to_string(n), whole.substr(0, after_name + n), w, "are needed"});
    return bad;
}

class BadFile : public testing::TestWithParam<Bad> {};

TEST_P(BadFile, IsRefusedByName) {
    const Bad& bad = GetParam();
    try {
        File::parse(bytes(bad.bytes));
        FAIL() << "was read";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), testing::HasSubstr(bad.names));
        EXPECT_THAT(e.what(), testing::HasSubstr(bad.says));
        EXPECT_EQ(e.code, bad.code) << e.what();
    }
}

std::string title(const testing::TestParamInfo<Bad>& i) { return i.param.title; }
INSTANTIATE_TEST_SUITE_P(Header, BadFile, testing::ValuesIn(bad_headers()), title);
INSTANTIATE_TEST_SUITE_P(Keys, BadFile, testing::ValuesIn(bad_keys()), title);
INSTANTIATE_TEST_SUITE_P(KnownKeys, BadFile, testing::ValuesIn(bad_known_keys()), title);
INSTANTIATE_TEST_SUITE_P(Tensors, BadFile, testing::ValuesIn(bad_tensors()), title);

TEST(BadFiles, AreManyAndDiffer) {
    std::vector<std::string> all;
    for (const auto& table : {bad_headers(), bad_keys(), bad_known_keys(), bad_tensors()})
        for (const Bad& b : table) all.push_back(b.bytes);
    std::sort(all.begin(), all.end());
    EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
    EXPECT_GE(all.size(), 60u);
}

// A file with a bit of everything, whose last byte is the last of a tensor.
std::string good_file(std::uint32_t version = 3) {
    return file({kv("general.architecture", VT::string, string("llama")), kv("a.u8", VT::u8, "\x07"),
                 kv("a.flags", VT::array, array(VT::boolean, 2, std::string("\1\0", 2))),
                 kv("a.lists", VT::array,
                    array(VT::array, 2, array(VT::u16, 1, "\x34\x12") + array(VT::string, 1, string("x")))),
                 kv("a.f64", VT::f64, le(0.5)),
                 kv("tokenizer.ggml.tokens", VT::array, array(VT::string, 2, string("a") + string("")))},
                {info("blk.0.q", {64, 3}, q4_0, 0), info("blk.0.norm", {7}, f32, 128)}, 128 + 28, version);
}

// Would catch: dims in the wrong order, offsets from the wrong start, a version 2 file read otherwise than version 3.
TEST(Reader, ReadsAGoodFile) {
    for (const std::uint32_t version : {2u, 3u}) {
        const std::string text = good_file(version);
        const File f = File::parse(bytes(text));
        EXPECT_EQ(f.version(), version);
        EXPECT_EQ(f.metadata().string("general.architecture"), "llama");
        EXPECT_EQ(f.metadata().integer("a.u8"), 7);
        EXPECT_EQ(f.metadata().need_number("a.f64"), 0.5);
        const auto& lists = std::get<std::vector<Array>>(std::get<Array>(*f.metadata().find("a.lists")).values);
        EXPECT_EQ(std::get<std::vector<std::uint16_t>>(lists[0].values)[0], 0x1234);
        EXPECT_EQ(std::get<std::vector<std::string>>(lists[1].values)[0], "x");
        ASSERT_EQ(f.tensors().size(), 2u);
        const TensorInfo* q = f.find("blk.0.q");
        ASSERT_NE(q, nullptr);
        EXPECT_THAT(q->dims, testing::ElementsAre(3, 64));
        EXPECT_EQ(q->elements(), 192);
        EXPECT_EQ(q->dtype, DType::q4_0);
        EXPECT_EQ(q->bytes.size(), 108u);
        EXPECT_EQ(q->bytes[1], std::byte{7});
        EXPECT_EQ(reinterpret_cast<const char*>(q->bytes.data()) - text.data(), std::ptrdiff_t(q->offset));
        const TensorInfo* norm = f.find("blk.0.norm");
        ASSERT_NE(norm, nullptr);
        EXPECT_EQ(norm->bytes.size(), 28u);
        EXPECT_EQ(norm->bytes[0], std::byte(static_cast<unsigned char>(128 * 7)));
        EXPECT_EQ(f.find("blk.0"), nullptr);
        EXPECT_EQ(f.find("zzz"), nullptr);
    }
}

// Every type that the format has today must be known with its number; the list is GGUF's, not ours.
TEST(Reader, KnowsEveryTensorType) {
    for (std::uint32_t type = 0; type <= 42; ++type) {
        const bool removed = type == 4 || type == 5 || (type >= 31 && type <= 33) || (type >= 36 && type <= 38);
        const std::string text = file({}, {info("w", {256}, type, 0)}, 2048);
        if (removed)
            EXPECT_THROW(File::parse(bytes(text)), Error) << type;
        else
            EXPECT_EQ(quern::info(File::parse(bytes(text)).tensors()[0].dtype).gguf, int(type));
    }
}

// Would catch: any count or length that is believed before the bytes are there.
TEST(Reader, RefusesEveryTruncation) {
    const std::string whole = good_file();
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const std::string cut = whole.substr(0, n);  // its own allocation, so that a sanitizer sees a step past the end
        EXPECT_THROW(File::parse(bytes(cut)), Error) << n;
    }
}

// What was read must be writable, and read back as the same: nothing half-understood gets through.
void expect_sound(const File& f, std::string_view text) {
    std::vector<TensorSpec> specs;
    for (const TensorInfo& t : f.tensors()) {
        ASSERT_LE(t.offset + t.bytes.size(), text.size());
        ASSERT_EQ(reinterpret_cast<const char*>(t.bytes.data()), text.data() + t.offset);
        specs.push_back({t.name, t.dtype, t.dims});
    }
    const std::string once = encode_index(f.metadata(), {});
    ASSERT_EQ(encode_index(read_index(bytes(once)).metadata, {}), once);
    encode_index(f.metadata(), specs);
}

// Would catch: a parser that reads past the end, hangs or takes absurd memory for a file with a few bytes changed.
TEST(Reader, SurvivesMutations) {
    const std::string whole = good_file();
    const std::size_t index_bytes = whole.size() - 156;
    std::uint64_t state = 1;
    int read = 0, refused = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string text = whole;
        const std::uint64_t changes = 1 + splitmix64(state++) % 4;
        for (std::uint64_t i = 0; i < changes; ++i) {
            const std::uint64_t r = splitmix64(state++);
            text[r % index_bytes] = r >> 63 ? static_cast<char>(r >> 32) : "\0\1\xff\x7f\x80"[(r >> 32) % 5];
        }
        try {
            expect_sound(File::parse(bytes(text)), text);
            ++read;
        } catch (const Error& e) {
            ASSERT_NE(std::string_view(e.what()), "");
            ++refused;
        }
    }
    EXPECT_GT(read, 100);  // else the test looks at refusals only
    EXPECT_GT(refused, 100);
}

TEST(Reader, TakesTheLargestAlignment) {
    const std::size_t a = std::size_t(max_alignment);
    const std::string text = file({kv("general.alignment", VT::u32, u32(std::uint32_t(a)))},
                                  {info("w", {8}, f32, 0), info("v", {1}, f32, a)}, a + 4, 3, a);
    EXPECT_EQ(File::parse(bytes(text)).find("v")->offset, 2 * a);
}

}  // namespace
}  // namespace quern::gguf
