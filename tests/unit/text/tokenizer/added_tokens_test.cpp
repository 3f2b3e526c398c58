#include "text/tokenizer/added_tokens.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace quern::text {
namespace {

using Kind = AddedTokens::Kind;

TEST(AddedTokens, LeftmostThenLongest) {
    AddedTokens t;
    t.add("<a>", 1, Kind::always);
    t.add("<a><b>", 2, Kind::always);
    t.add("a", 3, Kind::always);
    t.add("", 4, Kind::always);
    const auto m = t.find("x<a><b>", 0, Specials::as_text);
    EXPECT_EQ(m.begin, 1u);
    EXPECT_EQ(m.id, 2);
    EXPECT_EQ(t.find("<a><c>", 0, Specials::as_text).id, 1);
    EXPECT_EQ(t.find("<a", 0, Specials::as_text).begin, 1u);
    EXPECT_EQ(t.find("<a>", 1, Specials::as_text).id, 3);
}

TEST(AddedTokens, ControlOnlyWhenParsed) {
    AddedTokens t;
    t.add("<s>", 1, Kind::control);
    t.add("<s><x>", 2, Kind::always);
    t.add("<s><x></s>", 3, Kind::control);
    EXPECT_EQ(t.find("<s>", 0, Specials::as_text).size, 0u);
    EXPECT_EQ(t.find("<s>", 0, Specials::as_text).begin, 3u);
    EXPECT_EQ(t.find("<s>", 0, Specials::parse).id, 1);
    EXPECT_EQ(t.find("<s><x></s>", 0, Specials::as_text).id, 2);
    EXPECT_EQ(t.find("<s><x></s>", 0, Specials::parse).id, 3);
}

TEST(AddedTokens, AgreesWithASimpleSearch) {
    std::mt19937 random(3);
    const auto word = [&](std::size_t most) {
        std::string s;
        for (std::size_t i = 1 + random() % most; i > 0; --i) s += static_cast<char>('a' + random() % 3);
        return s;
    };
    for (int round = 0; round < 200; ++round) {
        AddedTokens t;
        std::vector<std::string> tokens;
        for (std::int32_t id = 0; id < 6; ++id) {
            tokens.push_back(word(4));
            t.add(tokens.back(), id, Kind::always);
        }
        const std::string text = word(20);
        std::size_t begin = text.size(), size = 0;
        for (std::size_t i = 0; i < text.size() && size == 0; ++i)
            for (const std::string& token : tokens)
                if (text.compare(i, token.size(), token) == 0 && token.size() > size) begin = i, size = token.size();
        const auto m = t.find(text, 0, Specials::as_text);
        EXPECT_EQ(m.begin, begin);
        EXPECT_EQ(m.size, size);
    }
}

}  // namespace
}  // namespace quern::text
