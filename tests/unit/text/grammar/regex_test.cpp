#include "text/grammar/regex.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/grammar/schema_resolve.h"

namespace quern::grammar {
namespace {

bool matches(std::string_view pattern, std::string_view text, Match match) {
    Budget budget;
    const std::u32string symbols = code_points(text);
    return regex_dfa(pattern, match, budget).run(std::vector<std::uint32_t>(symbols.begin(), symbols.end())) >= 0;
}
bool whole(std::string_view pattern, std::string_view text) { return matches(pattern, text, Match::whole); }
bool found(std::string_view pattern, std::string_view text) { return matches(pattern, text, Match::anywhere); }

std::string error(std::string_view pattern) {
    try {
        Budget budget;
        regex_dfa(pattern, Match::whole, budget);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST(Regex, ReadsWhatEcma262Writes) {
    EXPECT_TRUE(whole("a(b|cd)*e?", "abcdb"));
    EXPECT_FALSE(whole("a(b|cd)*e?", "abc"));
    EXPECT_TRUE(whole("[^a-c\\d]{2,3}", "xyz"));
    EXPECT_FALSE(whole("[^a-c\\d]{2,3}", "xy1"));
    EXPECT_TRUE(whole("\\u00e9\\u{1F600}\\uD83D\\uDE00\\x41\\cA\\/",
                      "\xC3\xA9\xF0\x9F\x98\x80\xF0\x9F\x98\x80"
                      "A\x01/"));
    EXPECT_TRUE(whole("(?<year>\\d{4})-(?:0|1)?x+?", "2024-1xx"));
    EXPECT_TRUE(whole("a{,2}", "a{,2}"));  // a brace that is no quantifier means itself
    EXPECT_TRUE(whole(".", "\xE2\x82\xAC"));
    EXPECT_FALSE(whole(".", "\n"));
    EXPECT_TRUE(whole("[\\]\\-x]+", "]-x"));
    EXPECT_TRUE(whole("", ""));
}

TEST(Regex, AnchorsHoldAtTheEndsOfTheTextOnly) {
    EXPECT_TRUE(found("b", "abc"));
    EXPECT_FALSE(found("^b", "abc"));
    EXPECT_TRUE(found("^a|c$", "ac"));
    EXPECT_TRUE(found("^(a|b$)", "b"));
    EXPECT_FALSE(found("^(a|b$)", "bc"));
    EXPECT_TRUE(found("(^a)?b", "xb"));
    EXPECT_FALSE(found("a^b", "ab"));
    EXPECT_TRUE(found("^$", ""));
    EXPECT_FALSE(found("^$", "x"));
}

TEST(Regex, KnowsUnicodeProperties) {
    EXPECT_TRUE(whole("\\p{Letter}+", "H\xCF\x80"));
    EXPECT_FALSE(whole("\\p{L}", "1"));
    EXPECT_TRUE(whole("\\P{L}\\p{Script=Greek}", "1\xCF\x80"));
    EXPECT_NE(error("\\p{Nothing}").find("no Unicode property 'Nothing'"), std::string::npos);
}

TEST(Regex, SaysWhatIsWrongAndWhere) {
    EXPECT_NE(error("a(b").find("byte 3: a group is not closed"), std::string::npos);
    EXPECT_NE(error("a)").find("closes nothing"), std::string::npos);
    EXPECT_NE(error("*a").find("nothing to repeat"), std::string::npos);
    EXPECT_NE(error("[z-a]").find("wrong order"), std::string::npos);
    EXPECT_NE(error("(?=a)").find("look-around"), std::string::npos);
    EXPECT_NE(error("(a)\\1").find("back reference"), std::string::npos);
    EXPECT_NE(error("\\bword").find("word boundary"), std::string::npos);
    EXPECT_NE(error(std::string(60'000, '(') + std::string(60'000, ')')).find("nests groups"), std::string::npos);
    EXPECT_NE(error("(a|b)*a(a|b){24}").find("too large an automaton"), std::string::npos);
    EXPECT_NE(error("((((a{100}){100}){100}){100})").find("too large an automaton"), std::string::npos);
}

TEST(Dfa, EqualLanguagesAreEqual) {
    Budget b;
    const Dfa x = regex_dfa("(a|b)*abb", Match::whole, b), y = regex_dfa("(b*a+b)*?(a|b)*abb|abb", Match::whole, b);
    EXPECT_EQ(x, y);
    EXPECT_EQ(complement(complement(x, b), b), x);
    EXPECT_TRUE(intersection(x, complement(x, b), b).empty());
    EXPECT_TRUE(union_of(x, complement(x, b), b).everything());
    EXPECT_NE(x, regex_dfa("(a|b)*abbb", Match::whole, b));
    EXPECT_EQ(of_lengths(2, 4, b), regex_dfa("[^]{2,4}", Match::whole, b));
}

}  // namespace
}  // namespace quern::grammar
