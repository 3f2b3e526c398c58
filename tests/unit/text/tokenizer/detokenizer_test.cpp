#include "text/tokenizer/detokenizer.h"

#include <gtest/gtest.h>

#include <random>

#include "../golden_files.h"
#include "../metadata_for_tests.h"
#include "base/error.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(Detokenizer, GivesWholeCharactersOnly) {
    const auto t = Tokenizer::from_gguf(byte_level_metadata({}, {}));
    Detokenizer d(*t, Detokenizer::Place::start);
    std::vector<std::string> got;
    for (const std::int32_t byte : Ids{'a', 0xF0, 0x9F, 0x98, 0x80, 0xC3, 0xA9}) got.push_back(d.push(byte));
    EXPECT_EQ(got, (std::vector<std::string>{"a", "", "", "", "😀", "", "é"}));
    EXPECT_EQ(d.finish(), "");
}

TEST(Detokenizer, WhatCannotBecomeACharacterIsReplaced) {
    const auto t = Tokenizer::from_gguf(byte_level_metadata({}, {}));
    Detokenizer d(*t, Detokenizer::Place::start);
    EXPECT_EQ(d.push(0xE2), "");
    EXPECT_EQ(d.push(0x82), "");
    EXPECT_EQ(d.push('x'), "\uFFFDx");
    EXPECT_EQ(d.push(0xFF), "\uFFFD");
    EXPECT_EQ(d.push(0xF0), "");
    EXPECT_EQ(d.finish(), "\uFFFD");
    EXPECT_EQ(d.finish(), "");
}

TEST(Detokenizer, RandomBytesGiveValidTextAndValidTextComesBack) {
    const auto t = Tokenizer::from_gguf(byte_level_metadata({}, {}));
    std::mt19937 random(5);
    for (int round = 0; round < 200; ++round) {
        Detokenizer d(*t, Detokenizer::Place::start);
        for (int i = 0; i < 50; ++i) {
            const std::string piece = d.push(static_cast<std::int32_t>(random() % 256));
            ASSERT_EQ(valid_prefix(piece), piece.size());
        }
    }
    for (const std::string& text : golden_strings()) {
        Detokenizer d(*t, Detokenizer::Place::start);
        std::string got;
        for (const std::int32_t id : t->encode(text, Specials::as_text)) got += d.push(id);
        EXPECT_EQ(got + d.finish(), text);
    }
}

TEST(Detokenizer, TheSpacePrefixGoesOnlyWhereATextStarts) {
    const std::string mark = "\xE2\x96\x81";
    const auto t = Tokenizer::from_gguf(sentencepiece_metadata({"a", mark, mark + "a"}));
    const std::int32_t space_a = 261;
    const auto all = [&](Detokenizer::Place place, const Ids& ids) {
        Detokenizer d(*t, place);
        std::string out;
        for (const std::int32_t id : ids) out += d.push(id);
        return out + d.finish();
    };
    EXPECT_EQ(all(Detokenizer::Place::start, {space_a, space_a}), "a a");
    EXPECT_EQ(all(Detokenizer::Place::inside, {space_a, space_a}), " a a");
    EXPECT_EQ(all(Detokenizer::Place::start, {1, space_a, 2, space_a}), "aa");
    Detokenizer d(*t, Detokenizer::Place::start);
    EXPECT_EQ(d.push(space_a), "a");
    d.finish();
    EXPECT_EQ(d.push(space_a), "a");  // another text
}

TEST(Detokenizer, ControlTokensShowOnlyWhenAsked) {
    const auto t = Tokenizer::from_gguf(byte_level_metadata({}, {{"<|x|>", 3}}));
    Detokenizer hidden(*t, Detokenizer::Place::start), shown(*t, Detokenizer::Place::start, Controls::show);
    EXPECT_EQ(hidden.push(256), "");
    EXPECT_EQ(shown.push(256), "<|x|>");
    EXPECT_THROW(hidden.push(257), Error);
    EXPECT_THROW(hidden.push(-1), Error);
}

}  // namespace
}  // namespace quern::text
