#include "text/tokenizer/byte_bpe.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "../golden_files.h"
#include "../metadata_for_tests.h"
#include "base/error.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::text {
namespace {

using Ids = std::vector<std::int32_t>;

gguf::Metadata golden_metadata(const Json& file, const std::string& pre) {
    gguf::Metadata m;
    m.set("tokenizer.ggml.model", std::string("gpt2"));
    m.set("tokenizer.ggml.pre", pre);
    m.set("tokenizer.ggml.tokens", strings_value(file["tokens"]));
    m.set("tokenizer.ggml.merges", strings_value(file["merges"]));
    return m;
}

// Ids of Hugging Face tokenizers for a vocabulary whose tokens reach across every possible cut.
TEST(ByteBpe, EveryFamilyEncodesAsTheReferenceAndBack) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("byte_level.json");
    for (const auto& [family, expected] : file["families"].items()) {
        const auto tokenizer = Tokenizer::from_gguf(golden_metadata(file, family));
        ASSERT_EQ(expected["ids"].size(), strings.size());
        for (std::size_t i = 0; i < strings.size(); ++i) {
            const Ids ids = tokenizer->encode(strings[i], Specials::as_text);
            EXPECT_EQ(ids, expected["ids"][i].get<Ids>()) << family << ", string " << i << ": " << strings[i];
            EXPECT_EQ(tokenizer->decode(ids, Controls::hide), strings[i]) << family;
        }
    }
}

TEST(ByteBpe, AddedTokensComeFirstAsInTheReference) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("byte_level.json");
    const Json& added = file["added"];
    std::vector<std::string> tokens = file["tokens"];
    std::vector<std::int32_t> types(tokens.size(), 1);
    for (std::size_t i = 0; i < added["tokens"].size(); ++i) {
        const std::size_t id = added["places"][i];
        tokens.resize(std::max(tokens.size(), id + 1));
        types.resize(tokens.size(), 1);
        tokens[id] = added["tokens"][i];
        types[id] = i < added["controls"].get<std::size_t>() ? 3 : 4;
    }
    gguf::Metadata m = golden_metadata(file, "qwen2");
    m.set("tokenizer.ggml.tokens", strings_value(tokens));
    m.set("tokenizer.ggml.token_type", types_value(types));
    const auto tokenizer = Tokenizer::from_gguf(m);
    std::size_t differ = 0;
    for (std::size_t i = 0; i < strings.size(); ++i) {
        const Ids ids = tokenizer->encode(strings[i], Specials::parse);
        EXPECT_EQ(ids, added["ids"][i].get<Ids>()) << "string " << i << ": " << strings[i];
        EXPECT_EQ(tokenizer->decode(ids, Controls::show), strings[i]);
        differ += ids != file["families"]["qwen2"]["ids"][i].get<Ids>();
    }
    EXPECT_GT(differ, 3u);  // the strings do hold added tokens
}

TEST(ByteBpe, AnyBytesComeBack) {
    const Json file = golden("byte_level.json");
    const auto tokenizer = Tokenizer::from_gguf(golden_metadata(file, "gpt-4o"));
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (auto i = random() % 60; i > 0; --i)
            text += static_cast<char>(random() % 3 == 0 ? 0x20 + random() % 0x5F : random() % 256);
        EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, Specials::as_text), Controls::hide), text);
    }
    // Bytes that are no UTF-8 do not change how their neighbours are cut.
    EXPECT_EQ(tokenizer->encode("The \xFF", Specials::as_text).back(), tokenizer->encode("\xFF", Specials::as_text)[0]);
}

TEST(ByteBpe, MergesGoByRankNotByPlace) {
    // "abc": "b c" has the better rank, though "a b" comes first in the text.
    const auto tokenizer = Tokenizer::from_gguf(byte_level_metadata({"b c", "a b", "a bc"}, {}));
    EXPECT_EQ(tokenizer->encode("abc", Specials::as_text), Ids{258});
    const auto other = Tokenizer::from_gguf(byte_level_metadata({"a b", "b c"}, {}));
    EXPECT_EQ(other->encode("abc", Specials::as_text), (Ids{256, 'c'}));
}

TEST(ByteBpe, WholeWordsFirstWhereTheFamilySaysSo) {
    // "xyz" is a token that no merge leads to.
    for (const auto& [pre, expected] : {std::pair<const char*, Ids>{"llama-bpe", {257}}, {"qwen2", {256, 'z'}}}) {
        const auto tokenizer = Tokenizer::from_gguf(byte_level_metadata({"x y"}, {{"xyz", 1}}, pre));
        EXPECT_EQ(tokenizer->encode("xyz", Specials::as_text), expected) << pre;
    }
    // Never a control token, though: that would be a way for text to become one.
    const auto tokenizer = Tokenizer::from_gguf(byte_level_metadata({"x y"}, {{"xyz", 3}}, "llama-bpe"));
    EXPECT_EQ(tokenizer->encode("xyz", Specials::as_text), (Ids{256, 'z'}));
}

TEST(ByteBpe, MergesNeverMakeAControlToken) {
    gguf::Metadata m = byte_level_metadata({"x y", "xy z"}, {});
    std::vector<std::int32_t> types(258, 1);
    types[257] = 3;
    m.set("tokenizer.ggml.token_type", types_value(types));
    const auto tokenizer = Tokenizer::from_gguf(m);
    EXPECT_EQ(tokenizer->encode("xyz", Specials::as_text), (Ids{256, 'z'}));
    EXPECT_EQ(tokenizer->encode("xyz", Specials::parse), Ids{257});
}

TEST(ByteBpe, BytesWithoutATokenBecomeTheUnknownToken) {
    gguf::Metadata m = byte_level_metadata({}, {{"<unk>", 2}});
    std::vector<std::string> tokens = byte_tokens();
    tokens['q'] = "nothing";
    tokens.push_back("<unk>");
    m.set("tokenizer.ggml.tokens", strings_value(tokens));
    EXPECT_EQ(Tokenizer::from_gguf(m)->encode("aqa", Specials::as_text), (Ids{'a', 'a'}));
    m.set("tokenizer.ggml.unknown_token_id", std::uint32_t{256});
    EXPECT_EQ(Tokenizer::from_gguf(m)->encode("aqa", Specials::as_text), (Ids{'a', 256, 'a'}));
}

TEST(ByteBpe, AHugeWordIsNotQuadratic) {
    // Four million letters in one word; with n squared steps this would not end.
    const auto tokenizer = Tokenizer::from_gguf(byte_level_metadata({"a a", "aa aa", "aaaa aaaa"}, {}));
    const Ids ids = tokenizer->encode(std::string(4'000'000, 'a'), Specials::as_text);
    EXPECT_EQ(ids, Ids(500'000, 258));
}

void expect_refused(const gguf::Metadata& m, std::string_view named) {
    try {
        Tokenizer::from_gguf(m);
        ADD_FAILURE() << "accepted a file whose " << named << " is wrong";
    } catch (const Error& e) {
        EXPECT_NE(std::string_view(e.what()).find(named), std::string_view::npos) << e.what();
    }
}

TEST(ByteBpe, RefusesMergesThatMakeNoSense) {
    const gguf::Metadata good = byte_level_metadata({"a b"}, {});
    Tokenizer::from_gguf(good);
    for (const char* line : {"", " ", "a", "a ", " b", "ab", "a nosuch", "nosuch b", "b a", "a b c"}) {
        gguf::Metadata m = good;
        m.set("tokenizer.ggml.merges", strings_value({"a b", line}));
        expect_refused(m, "tokenizer.ggml.merges[1]");
    }
    gguf::Metadata wrong_type = good;
    wrong_type.set("tokenizer.ggml.merges", types_value({1, 2}));
    expect_refused(wrong_type, "tokenizer.ggml.merges");
    gguf::Metadata absent;
    for (const auto& entry : good.entries())
        if (entry.key != "tokenizer.ggml.merges") absent.set(entry.key, entry.value);
    expect_refused(absent, "tokenizer.ggml.merges");
    gguf::Metadata unknown = good;
    unknown.set("tokenizer.ggml.pre", std::string("made-up"));
    expect_refused(unknown, "'made-up'");
}

}  // namespace
}  // namespace quern::text
