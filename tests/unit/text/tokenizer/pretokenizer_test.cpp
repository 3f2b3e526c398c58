// The pieces that Hugging Face tokenizers cut from a few hundred nasty strings, for every family. Catches any pattern
// that differs, and PCRE2's own ideas of \s, \p{Han} and classes.
#include "text/tokenizer/pretokenizer.h"

#include <gtest/gtest.h>

#include "../golden_files.h"
#include "../metadata_for_tests.h"
#include "base/error.h"

namespace quern::text {
namespace {

std::vector<std::uint32_t> piece_sizes(const Splitter& splitter, std::string_view text) {
    std::vector<std::uint32_t> sizes;
    splitter.split(text, [&](std::string_view piece) { sizes.push_back(static_cast<std::uint32_t>(piece.size())); });
    return sizes;
}

TEST(PreTokenizers, CutAsTheReferenceDoes) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("byte_level.json");
    const Json& families = file["families"];
    for (const PreTokenizer& pre : pre_tokenizers()) {
        const std::string name(pre.names.substr(0, pre.names.find(' ')));
        ASSERT_TRUE(families.contains(name)) << name << " has no golden pieces; run tools/golden/text_tokenizers.py";
        const std::string pieces = families[name]["pieces"];
        ASSERT_EQ(pieces.size(), 2 * strings.size());
        const Splitter splitter(pre);
        for (std::size_t i = 0; i < strings.size(); ++i) {
            const auto sizes = piece_sizes(splitter, strings[i]);
            std::vector<std::uint32_t> values{static_cast<std::uint32_t>(sizes.size())};
            values.insert(values.end(), sizes.begin(), sizes.end());
            EXPECT_EQ(golden_check(values, 2), pieces.substr(2 * i, 2))
                << name << ", string " << i << ": " << strings[i].substr(0, 100) << testing::PrintToString(sizes);
        }
    }
}

TEST(PreTokenizers, FamiliesDiffer) {
    // The comparison above would be worth little if the strings could not tell the families apart.
    const std::vector<std::string> strings = golden_strings();
    const auto cuts = [&](const char* name) {
        const Splitter splitter(find_pre_tokenizer(name));
        std::vector<std::vector<std::uint32_t>> out;
        for (const std::string& s : strings) out.push_back(piece_sizes(splitter, s));
        return out;
    };
    EXPECT_NE(cuts("qwen2"), cuts("qwen35"));
    EXPECT_NE(cuts("qwen2"), cuts("llama-bpe"));
    EXPECT_NE(cuts("qwen2"), cuts("seed-coder"));
    EXPECT_NE(cuts("gpt-4o"), cuts("kimi-k2"));
    EXPECT_NE(cuts("gpt-4o"), cuts("tekken"));
    EXPECT_NE(cuts("gpt-2"), cuts("falcon"));
    EXPECT_NE(cuts("bloom"), cuts("viking"));
    EXPECT_EQ(cuts("gpt-2"), cuts("default"));
}

TEST(PreTokenizers, UnknownNameIsAnErrorThatListsTheKnown) {
    try {
        find_pre_tokenizer("gpt-9");
        FAIL() << "accepted";
    } catch (const Error& e) {
        const std::string text = e.what();
        EXPECT_EQ(e.code, Code::unsupported);
        EXPECT_NE(text.find("'gpt-9'"), std::string::npos) << text;
        EXPECT_NE(text.find("deepseek-r1-qwen"), std::string::npos) << text;
    }
    for (const char* not_a_name : {"", "qwen", "wen2", "qwen2 ", "gpt-2 default"})
        EXPECT_THROW(find_pre_tokenizer(not_a_name), Error) << not_a_name;
}

TEST(PreTokenizers, LongMonotonousTextsNeitherFailNorLoseBytes) {
    // Catches patterns that need memory or time out of proportion: a quadratic one would not end.
    for (const PreTokenizer& pre : pre_tokenizers()) {
        const Splitter splitter(pre);
        for (const char* unit : {"a", "A", "1", " ", "\n", "\r\n", "!", "漢", "é", "\u0301", "aA", " a", "'s"}) {
            std::string text;
            while (text.size() < 100'000) text += unit;
            std::size_t total = 0;
            for (const std::size_t size : piece_sizes(splitter, text)) total += size;
            EXPECT_EQ(total, text.size()) << pre.names << " on " << unit;
        }
    }
}

// More steps than PCRE2 takes by default, and more places to go back to than its stack holds.
TEST(PreTokenizers, TwelveMegabytesOfOneCharacterAreCut) {
    const std::pair<const char*, char> cases[] = {{"llama-bpe", ' '}, {"gpt-4o", 'A'},     {"kimi-k2", ' '},
                                                  {"jais-2", ' '},    {"exaone-moe", 'a'}, {"tiny_aya", '1'}};
    for (const auto& [name, c] : cases) {
        std::size_t total = 0;
        Splitter(find_pre_tokenizer(name)).split(std::string(12'000'000, c), [&](std::string_view piece) {
            total += piece.size();
        });
        EXPECT_EQ(total, 12'000'000u) << name << " on " << c;
    }
}

}  // namespace
}  // namespace quern::text
