#include "text/tokenizer/normalizer.h"

#include <gtest/gtest.h>

#include <random>

#include "../golden_files.h"
#include "base/error.h"
#include "text/tokenizer/unicode.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

std::string normalised(const Normalizer& normalizer, std::string_view text, std::vector<Span>* spans = nullptr) {
    AlignedText space, other;
    space.tracked = other.tracked = spans != nullptr;
    const Sourced out = normalizer.apply({text}, space, other);
    if (spans)
        for (std::size_t i = 0; i < out.text.size(); ++i) spans->push_back(out.origin(i, i + 1));
    return std::string(out.text);
}

std::string normalised(const std::vector<std::string>& steps, std::string_view text,
                       std::vector<Span>* spans = nullptr) {
    return normalised(Normalizer(Normalizer::parse(steps)), text, spans);
}

void append_codes(std::vector<std::uint32_t>& out, std::string_view text) {
    while (!text.empty()) {
        const Utf8Step step = next_character(text);
        out.push_back(code_point(text.substr(0, step.bytes)));
        text.remove_prefix(step.bytes);
    }
}

// What Hugging Face tokenizers makes of every character there is, by runs of them.
TEST(Normalizer, MapsEveryCharacterAsTheReference) {
    const Json file = golden("normalizers.json");
    std::size_t characters = 0;
    for (const auto& [name, expected] : file["cases"].items()) {
        const std::vector<std::string> steps = expected["steps"];
        const Normalizer normalizer(Normalizer::parse(steps));
        const std::string checks = expected["characters"];
        ASSERT_EQ(checks.size(), 4 * file["ranges"].size());
        for (std::size_t i = 0; i < file["ranges"].size(); ++i) {
            std::vector<std::uint32_t> values;
            const auto first = file["ranges"][i][0].get<char32_t>(), last = file["ranges"][i][1].get<char32_t>();
            for (char32_t c = first; c <= last; ++c) {
                std::string text = "a";
                append_utf8(text, c);
                text += 'b';
                append_codes(values, normalised(normalizer, text));
                ++characters;
            }
            EXPECT_EQ(golden_check(values, 4), checks.substr(4 * i, 4))
                << name << ", U+" << std::hex << +first << " to " << +last;
        }
    }
    EXPECT_GT(characters, 11u * 140'000);
}

TEST(Normalizer, ComposesAcrossManyMarksAndKeepsOrigins) {
    std::vector<Span> spans;
    EXPECT_EQ(normalised({"nfc"}, "xe\u0323\u0302y", &spans), "x\u1EC7y");
    EXPECT_EQ(spans, (std::vector<Span>{{0, 1}, {1, 2}, {1, 2}, {1, 2}, {6, 7}}));
    EXPECT_EQ(normalised({"nfc"}, "\u1112\u1161\u11AB"), "\uD55C");
    EXPECT_EQ(normalised({"nfd"}, "\uD55C"), "\u1112\u1161\u11AB");
    EXPECT_EQ(normalised({"nfkc"}, "\uFB01\u2126"), "fi\u03A9");
    spans.clear();
    EXPECT_EQ(normalised({"replace\tab\tX", "prepend\t>"}, "cabab", &spans), ">cXX");
    EXPECT_EQ(spans, (std::vector<Span>{{0, 1}, {0, 1}, {2, 3}, {4, 5}}));
}

// Where nothing changes the text itself comes back, and cutting a text before a stable character changes nothing.
TEST(Normalizer, StableCharactersSeparateTexts) {
    const std::vector<std::string> strings = golden_strings();
    for (const auto& [step, form] : {std::pair("nfc", NormalForm::c), std::pair("nfd", NormalForm::d),
                                     std::pair("nfkc", NormalForm::kc), std::pair("nfkd", NormalForm::kd)}) {
        for (const std::string& s : strings) {
            const std::string whole = normalised({step}, s);
            EXPECT_EQ(normalised({step}, whole), whole);
            std::string parts;
            for (std::size_t at = 0; at < s.size();) {
                std::size_t end = at + next_character(std::string_view(s).substr(at)).bytes;
                while (end < s.size()) {
                    const Utf8Step next = next_character(std::string_view(s).substr(end));
                    if (is_stable(code_point(std::string_view(s).substr(end, next.bytes)), form)) break;
                    end += next.bytes;
                }
                parts += normalised({step}, std::string_view(s).substr(at, end - at));
                at = end;
            }
            EXPECT_EQ(parts, whole) << step << ": " << s;
        }
    }
}

TEST(Normalizer, MalformedBytesPassThroughAndSeparate) {
    EXPECT_EQ(normalised({"nfc", "lowercase"}, "E\xFF\u0301\xC3"), "e\xFF\u0301\xC3");
    EXPECT_EQ(normalised({"nfc"}, "e\u0301\xE2\x82"), "\u00E9\xE2\x82");
    EXPECT_EQ(normalised({"clean_controls"}, "a\xFF\x01\tb"), "a b");
    std::mt19937 random(4);
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (auto i = random() % 40; i > 0; --i) text += static_cast<char>(random() % 256);
        for (const char* step :
             {"nfc", "nfkd", "lowercase", "strip_accents", "space_han", "strip_left", "strip_right"}) {
            std::vector<Span> spans;
            normalised({step}, text, &spans);
            for (const Span& s : spans) EXPECT_TRUE(s.begin <= s.end && s.end <= text.size());
        }
    }
}

TEST(Normalizer, StepsAreWrittenAndReadTheSame) {
    const std::vector<std::string> steps = {"nfc", "replace\t \t_", "prepend\tx", "strip_left", "lowercase"};
    EXPECT_EQ(Normalizer::write(Normalizer::parse(steps)), steps);
    for (const char* bad : {"", "nfx", "nfc\t", "replace", "replace\ta", "replace\t\tb", "prepend", "prepend\ta\tb"})
        EXPECT_THROW(Normalizer::parse(std::vector<std::string>{bad}), Error) << bad;
}

TEST(Normalizer, LongRunsOfMarksTakeLinearTime) {
    std::string marks;
    while (marks.size() < 1'000'000) marks += "\u0301\u0323";
    EXPECT_EQ(normalised({"nfd"}, marks).size(), marks.size());
    EXPECT_EQ(normalised({"nfc"}, "e" + marks).size(), marks.size() + 1);
}

}  // namespace
}  // namespace quern::text
