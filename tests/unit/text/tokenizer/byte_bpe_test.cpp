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

// Ids and places of Hugging Face tokenizers for a vocabulary whose tokens reach across every possible cut.
TEST(ByteBpe, EveryFamilyEncodesAsTheReferenceAndBack) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("byte_level.json");
    for (const auto& [family, expected] : file["families"].items()) {
        const auto tokenizer = Tokenizer::from_gguf(golden_metadata(file, family));
        EXPECT_GE(expect_golden(*tokenizer, strings, expected["ids"], family), 2000u);
        if (find_pre_tokenizer(family).normal_form == PreTokenizer::NormalForm::c) continue;
        for (const std::string& s : strings)
            EXPECT_EQ(tokenizer->decode(tokenizer->encode(s, Specials::as_text), Controls::hide), s) << family;
    }
}

// tiktoken knows ranks and no merges: whole words first, with merges made from the ranks.
TEST(ByteBpe, EncodesAsTiktoken) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("byte_level.json");
    gguf::Metadata m = golden_metadata(file, "granite-embed-multi-97m");  // o200k's pattern with whole words first
    m.set("tokenizer.ggml.merges", strings_value(file["tiktoken"]["merges"]));
    const auto tokenizer = Tokenizer::from_gguf(m);
    const std::string checks = file["tiktoken"]["ids"];
    for (std::size_t i = 0; i < strings.size(); ++i) {
        const Ids ids = tokenizer->encode(strings[i], Specials::as_text);
        EXPECT_EQ(golden_check({ids.begin(), ids.end()}, 4), checks.substr(4 * i, 4)) << "string " << i << strings[i];
    }
}

TEST(ByteBpe, NormalisesAsTheReference) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("byte_level.json"), cases = golden("normalizers.json")["cases"];
    for (const auto& [name, expected] : cases.items()) {
        gguf::Metadata m = golden_metadata(file, "gpt-2");
        m.set("quern.tokenizer.normalizer", strings_value(expected["steps"]));
        EXPECT_GE(expect_golden(*Tokenizer::from_gguf(m), strings, expected["ids"], name), 2000u);
    }
}

// The comparisons above would be worth little if the strings could not tell a normalised text from another.
TEST(ByteBpe, LeavingTheNormalFormOutShows) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("byte_level.json");
    gguf::Metadata m = golden_metadata(file, "qwen2");
    m.set("tokenizer.ggml.normalizer.nfc", false);
    const auto without = Tokenizer::from_gguf(m);
    m.set("tokenizer.ggml.normalizer.nfc", true);
    const auto with = Tokenizer::from_gguf(m);
    const std::string checks = file["families"]["qwen2"]["ids"];
    std::size_t wrong = 0, moved = 0;
    for (std::size_t i = 0; i < strings.size(); ++i) {
        const std::string expected = checks.substr(4 * i, 4);
        if (expected == "----") continue;
        Tokenizer::Encoding e = without->encode_with_spans(strings[i], Specials::as_text);
        wrong += golden_check(golden_values(strings[i], e), 4) != expected;
        e = with->encode_with_spans(strings[i], Specials::as_text);
        EXPECT_EQ(golden_check(golden_values(strings[i], e), 4), expected);
        if (!e.spans.empty()) ++e.spans.back().end;  // a place that is off by one
        moved += golden_check(golden_values(strings[i], e), 4) != expected;
    }
    EXPECT_GT(wrong, 50u);
    EXPECT_GT(moved, 2000u);
}

TEST(ByteBpe, AddedTokensAreFoundAsInTheReference) {
    const Json file = golden("byte_level.json"), added = golden("added.json");
    const std::vector<std::string> strings = added["strings"];
    for (const Json& wanted : added["cases"]) {
        std::vector<std::string> tokens = file["tokens"];
        std::vector<std::int32_t> types(tokens.size(), 1), flags;
        for (std::size_t i = 0; i < added["tokens"].size(); ++i) {
            const auto id = wanted["places"][i].get<std::size_t>();
            tokens.resize(std::max(tokens.size(), id + 1));
            types.resize(tokens.size(), 1);
            tokens[id] = added["tokens"][i][0];
            types[id] = added["tokens"][i][1].get<bool>() ? 3 : 4;
            const std::vector<bool> f = added["tokens"][i][2];
            flags.insert(flags.end(), {static_cast<std::int32_t>(id), AddedFlags{f[0], f[1], f[2], f[3]}.bits()});
        }
        gguf::Metadata m = golden_metadata(file, "gpt-4o");
        m.set("tokenizer.ggml.tokens", strings_value(tokens));
        m.set("tokenizer.ggml.token_type", types_value(types));
        m.set("quern.tokenizer.added_tokens", types_value(flags));
        m.set("quern.tokenizer.normalizer", strings_value(wanted["steps"]));
        expect_golden(*Tokenizer::from_gguf(m), strings, wanted["ids"], wanted["steps"].dump(), Specials::parse);
    }
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
    // A million letters in one word; with n squared steps this would not end.
    const auto tokenizer = Tokenizer::from_gguf(byte_level_metadata({"a a", "aa aa", "aaaa aaaa"}, {}));
    const Ids ids = tokenizer->encode(std::string(1'000'000, 'a'), Specials::as_text);
    EXPECT_EQ(ids, Ids(125'000, 258));
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
    for (const char* line : {"", " ", "a", "a ", " b", "ab", "a nosuch", "nosuch b", "b a", "a b c", "a b"}) {
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
