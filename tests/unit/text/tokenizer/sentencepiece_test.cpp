#include "text/tokenizer/sentencepiece.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "../golden_files.h"
#include "../metadata_for_tests.h"
#include "base/error.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::text {
namespace {

using Ids = std::vector<std::int32_t>;
const std::string mark = "\xE2\x96\x81";

// Ids and places of the sentencepiece library, for both its models, with and without dummy prefix, byte fallback,
// replaced characters, squeezed white space and user-defined symbols.
TEST(SentencePiece, EncodesAsTheReferenceAndBack) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("sentencepiece.json");
    for (const auto& [name, model] : file.items()) {
        gguf::Metadata m;
        m.set("tokenizer.ggml.model", model["model"].get<std::string>());
        m.set("tokenizer.ggml.tokens", strings_value(model["tokens"]));
        m.set("tokenizer.ggml.token_type", types_value(model["types"]));
        m.set("tokenizer.ggml.scores", scores_value(model["scores"]));
        m.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
        m.set("tokenizer.ggml.add_space_prefix", model["add_space_prefix"].get<bool>());
        m.set("tokenizer.ggml.remove_extra_whitespaces", model["remove_extra_whitespaces"].get<bool>());
        const std::vector<std::uint8_t> charsmap = model["charsmap"];
        if (!charsmap.empty()) m.set_array("tokenizer.ggml.precompiled_charsmap", charsmap);
        const auto tokenizer = Tokenizer::from_gguf(m);
        EXPECT_GE(expect_golden(*tokenizer, strings, model["ids"], name), 2000u);
        if (model.contains("double")) {  // Hugging Face tokenizers' ids
            const std::string checks = model["double"];
            for (std::size_t i = 0; i < strings.size(); ++i) {
                if (checks.substr(4 * i, 4) == "----") continue;
                const Ids ids = tokenizer->encode(strings[i], Specials::as_text);
                EXPECT_EQ(golden_check({ids.begin(), ids.end()}, 4), checks.substr(4 * i, 4))
                    << name << ": " << strings[i];
            }
        }
        const std::string same = model["same"];
        for (std::size_t i = 0; i < strings.size(); ++i) {
            if (same[i] != '1') continue;
            EXPECT_EQ(tokenizer->decode(tokenizer->encode(strings[i], Specials::as_text), Controls::hide), strings[i])
                << name << ", string " << i;
        }
    }
}

// The same text model with a list of merges instead of scores, as Hugging Face tokenizers has it.
TEST(SentencePiece, MergesAsTheReference) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("merged.json");
    gguf::Metadata m;
    m.set("tokenizer.ggml.model", std::string("gemma4"));
    m.set("tokenizer.ggml.tokens", strings_value(file["tokens"]));
    m.set("tokenizer.ggml.token_type", types_value(file["types"]));
    m.set("tokenizer.ggml.merges", strings_value(file["merges"]));
    m.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
    EXPECT_GE(expect_golden(*Tokenizer::from_gguf(m), strings, file["gemma4"], "gemma4"), 2000u);
    m.set("tokenizer.ggml.add_space_prefix", true);
    const auto prefixed = Tokenizer::from_gguf(m);
    const std::string checks = file["prefix"];
    for (std::size_t i = 0; i < strings.size(); ++i) {
        const Ids ids = prefixed->encode(strings[i], Specials::as_text);
        EXPECT_EQ(golden_check({ids.begin(), ids.end()}, 4), checks.substr(4 * i, 4)) << "string " << i << strings[i];
    }
}

TEST(SentencePiece, AnyBytesComeBack) {
    const auto tokenizer =
        Tokenizer::from_gguf(sentencepiece_metadata({"e", "t", "th", mark, mark + "t", mark + "th"}));
    std::mt19937 random(2);
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (auto i = random() % 60; i > 0; --i) text += static_cast<char>(random() % 4 == 0 ? ' ' : random() % 256);
        EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, Specials::as_text), Controls::hide), text);
    }
}

TEST(SentencePiece, MergesAcrossWordsWhenTheVocabularyDoes) {
    // Words are encoded one by one only if no token reaches over a space.
    const Ids apart = Tokenizer::from_gguf(sentencepiece_metadata({"a", mark, mark + "a", "a" + mark + "a"}))
                          ->encode("a a", Specials::as_text);
    EXPECT_EQ(apart, (Ids{261, 261}));
    const Ids across = Tokenizer::from_gguf(sentencepiece_metadata({"a" + mark + "a", "a" + mark, "a", mark}))
                           ->encode("a a", Specials::as_text);
    EXPECT_EQ(across, (Ids{262, 259}));
}

TEST(SentencePiece, ControlAndByteTokensAreNeverMerged) {
    // "<" + "s>" would spell "<s>", which has the best score of all.
    const auto tokenizer = Tokenizer::from_gguf(sentencepiece_metadata({"s>", "<", "s", ">", mark, "<0x0A>x"}));
    const Ids ids = tokenizer->encode("<s>", Specials::as_text);
    EXPECT_EQ(ids, (Ids{263, 260, 259}));
    EXPECT_EQ(tokenizer->encode("<s>", Specials::parse), Ids{1});
}

TEST(SentencePiece, PrefixGoesBeforeATextAndAfterControlTokens) {
    const auto tokenizer =
        Tokenizer::from_gguf(sentencepiece_metadata({"a", mark, mark + "a"}, {{"<x>", 3}, {"<u>", 4}}));
    const std::int32_t a = 259, space_a = 261, x = 262, u = 263, space = 260;
    EXPECT_EQ(tokenizer->encode("a<x>a<u>a", Specials::parse), (Ids{space_a, x, space_a, u, a}));
    EXPECT_EQ(tokenizer->encode("<u>a", Specials::parse), (Ids{space, u, a}));
    EXPECT_EQ(tokenizer->decode(Ids{space_a, x, space_a, u, a}, Controls::show), "a<x>a<u>a");
    EXPECT_EQ(tokenizer->decode(Ids{space_a, space_a}, Controls::hide), "a a");
    EXPECT_TRUE(tokenizer->encode("", Specials::parse).empty());
}

TEST(SentencePiece, UserDefinedRunsOfSpacesAreFoundInText) {
    gguf::Metadata m = sentencepiece_metadata({"a", mark}, {{mark + mark, 4}});
    m.set("tokenizer.ggml.add_space_prefix", false);
    const auto tokenizer = Tokenizer::from_gguf(m);
    EXPECT_EQ(tokenizer->encode("a  a", Specials::as_text), (Ids{259, 261, 259}));
    EXPECT_EQ(tokenizer->decode(Ids{259, 261, 259}, Controls::hide), "a  a");
}

TEST(SentencePiece, AHugeWordIsNotQuadratic) {
    const auto tokenizer = Tokenizer::from_gguf(sentencepiece_metadata({"aaaa", "aa", "a", mark}));
    EXPECT_EQ(tokenizer->encode(std::string(2'000'000, 'a'), Specials::as_text).size(), 500'001u);
}

TEST(SentencePiece, RefusesScoresThatMakeNoSense) {
    const gguf::Metadata good = sentencepiece_metadata({"a"});
    Tokenizer::from_gguf(good);
    std::vector<float> not_numbers(260, 0.0f);
    not_numbers[77] = std::numeric_limits<float>::quiet_NaN();
    for (const gguf::Value& scores :
         {scores_value({}), scores_value(std::vector<float>(259)), scores_value(std::vector<float>(261)),
          scores_value(not_numbers), types_value(std::vector<std::int32_t>(260)), gguf::Value(1.0f)}) {
        gguf::Metadata m = good;
        m.set("tokenizer.ggml.scores", scores);
        try {
            Tokenizer::from_gguf(m);
            ADD_FAILURE() << "accepted";
        } catch (const Error& e) {
            EXPECT_NE(std::string(e.what()).find("tokenizer.ggml.scores"), std::string::npos) << e.what();
        }
    }
    gguf::Metadata absent;
    for (const auto& entry : good.entries())
        if (entry.key != "tokenizer.ggml.scores") absent.set(entry.key, entry.value);
    EXPECT_THROW(Tokenizer::from_gguf(absent), Error);
    for (const char* text : {"<0x1>", "<0xZZ>", "0x41", "<0x-1>", "<0x+1>"})
        EXPECT_THROW(Tokenizer::from_gguf(sentencepiece_metadata({}, {{text, 6}})), Error) << text;
}

}  // namespace
}  // namespace quern::text
