// tokenizer.model: what is read of it, and that no bytes at all crash the reader.
#include <gmock/gmock.h>

#include <random>

#include "convert/tokenizer.h"
#include "models_for_tests.h"

namespace quern::convert {
namespace {

using testing::HasSubstr;

std::string model_bytes() { return read_text(hf_model("llama_spm") / "tokenizer.model"); }

TokenTable read(std::string_view bytes, std::int64_t limit = 1000) { return read_sentencepiece(bytes, limit); }

// A field of bytes, as protocol buffers write it (for fewer than 128 bytes).
std::string field(int number, const std::string& bytes) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}
std::string number(int field, int value) { return {static_cast<char>(field << 3), static_cast<char>(value)}; }
const std::string bpe = field(2, number(3, 2));  // trainer_spec with model_type bpe

TEST(SentencePieceModel, GivesPiecesScoresAndTypes) {
    const TokenTable t = read(model_bytes());
    ASSERT_EQ(t.texts.size(), 400u);
    EXPECT_EQ(t.scores.size(), 400u);
    EXPECT_EQ(t.types[0], text::TokenType::unknown);
    EXPECT_EQ(t.types[1], text::TokenType::control);
    EXPECT_EQ(t.texts[3], "<0x00>");
    EXPECT_EQ(t.types[3], text::TokenType::byte);
    EXPECT_EQ(t.add_space_prefix, true);
}

TEST(SentencePieceModel, FollowsTheFormatsDefaults) {
    const TokenTable t = read(field(1, field(1, "a")) + bpe + field(3, ""));
    EXPECT_EQ(t.types[0], text::TokenType::normal);
    EXPECT_EQ(t.scores[0], 0.0f);
    EXPECT_EQ(t.add_space_prefix, true);
    EXPECT_EQ(t.remove_extra_whitespaces, true);
    EXPECT_EQ(read(field(1, field(1, "a")) + bpe + field(3, number(3, 0))).add_space_prefix, false);
}

TEST(SentencePieceModel, OtherKindsAreRefusedByName) {
    const std::string piece = field(1, field(1, "a"));
    EXPECT_EQ(read(piece + field(2, number(3, 1))).model, "t5");
    EXPECT_EQ(read(piece + field(2, "")).model, "t5");  // unigram is the format's default
    EXPECT_EQ(read(piece + bpe).model, "llama");
    EXPECT_THAT(refusal([&] { read(piece + field(2, number(3, 3))); }), HasSubstr("word"));
    EXPECT_THAT(refusal([&] { read(piece + field(2, number(3, 4))); }), HasSubstr("char"));
    EXPECT_THAT(refusal([&] { read(piece + field(2, number(3, 2) + "\xC0\x01\x01")); }),
                HasSubstr("treat_whitespace_as_suffix"));
    EXPECT_THAT(refusal([&] { read(piece + bpe + field(3, number(5, 0))); }), HasSubstr("U+2581"));
}

TEST(SentencePieceModel, DamageIsNamed) {
    EXPECT_THAT(refusal([&] { read(""); }), HasSubstr("no piece"));
    EXPECT_THAT(refusal([&] { read(field(1, field(1, "a"))); }), HasSubstr("no trainer_spec"));
    EXPECT_THAT(refusal([&] { read(std::string(20, '\xff')); }), HasSubstr("more than 64 bits"));
    EXPECT_THAT(refusal([&] { read("\x0a\x7f"); }), HasSubstr("beyond the end"));
    EXPECT_THAT(refusal([&] { read("\x0b"); }), HasSubstr("wire type 3"));
    EXPECT_THAT(refusal([&] { read(bpe + field(1, number(3, 9))); }), HasSubstr("the type 9 in piece 0"));
    EXPECT_THAT(refusal([&] { read(bpe + field(1, std::string("\x15\x00\x00\xc0\x7f", 5))); }), HasSubstr("score"));
    EXPECT_THAT(refusal([&] { read(model_bytes(), 399); }), HasSubstr("vocab_size 399"));
    EXPECT_THAT(refusal([&] { read("\n\n!! a text, not a model"); }), HasSubstr("tokenizer.model"));
}

// Cut anywhere and with bytes changed: a table or an Error, nothing else (run with sanitizers).
TEST(SentencePieceModel, SurvivesAnyDamage) {
    const std::string good = model_bytes();
    std::size_t refused = 0;
    const auto attempt = [&](const std::string& bytes) {
        try {
            read(bytes);
        } catch (const Error&) {
            ++refused;
        }
    };
    for (std::size_t n = 0; n < good.size(); n += 7) attempt(good.substr(0, n));
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        std::string bad = good;
        for (int i = 0; i < 4; ++i) bad[random() % bad.size()] = static_cast<char>(random());
        attempt(bad);
    }
    EXPECT_GT(refused, 100u);
}

}  // namespace
}  // namespace quern::convert
