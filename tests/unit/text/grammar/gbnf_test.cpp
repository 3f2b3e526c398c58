#include "text/grammar/gbnf.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/grammar/grammar.h"

namespace quern::grammar {
namespace {

bool accepts(std::string_view grammar, std::string_view text) {
    Matcher m(Grammar::from_gbnf(grammar));
    return m.accept(text) && m.can_end();
}

std::string error(std::string_view grammar) {
    try {
        Grammar::from_gbnf(grammar);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

const char* const arithmetic = R"gbnf(
# sums and products
root  ::= (expr "=" ws term "\n")+
expr  ::= term ([-+*/] term)*
term  ::= ident | num | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]+ ws
ws    ::= [ \t\n]*
)gbnf";

TEST(Gbnf, ReadsRulesThatCallEachOther) {
    EXPECT_TRUE(accepts(arithmetic, "(1+x_2)*3= y\n"));
    EXPECT_TRUE(accepts(arithmetic, "((((((1))))))=2\nx=1\n"));
    EXPECT_FALSE(accepts(arithmetic, "((1)=2\n"));
    EXPECT_FALSE(accepts(arithmetic, "1+=2\n"));
}

TEST(Gbnf, RepeatsCount) {
    EXPECT_TRUE(accepts("root ::= \"ab\"{2,3}", "ababab"));
    EXPECT_FALSE(accepts("root ::= \"ab\"{2,3}", "ab"));
    EXPECT_FALSE(accepts("root ::= \"ab\"{2,3}", "abababab"));
    // Large ones become counters, also around rules and inside each other.
    const char* const nested = "root ::= row{2,3000}\nrow ::= \"<\" (item | row){0,2000} \">\"\nitem ::= [a-z]";
    EXPECT_TRUE(accepts(nested, "<" + std::string(2000, 'x') + "><>"));
    EXPECT_FALSE(accepts(nested, "<" + std::string(2001, 'x') + "><>"));
    EXPECT_FALSE(accepts(nested, "<>"));
    EXPECT_TRUE(accepts("root ::= [a-c]{3,} \"!\"", std::string(50'000, 'b') + "!"));
    EXPECT_FALSE(accepts("root ::= [a-c]{3,} \"!\"", "bb!"));
}

TEST(Gbnf, CharactersAreCodePoints) {
    EXPECT_TRUE(accepts("root ::= [\xC3\xA0-\xC3\xBF]+ \"\\u20AC\" \"\\U0001F600\" \"\\x41\" .",
                        "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
                        "Az"));
    EXPECT_FALSE(accepts("root ::= .", "\xC3"));
    EXPECT_FALSE(accepts("root ::= .", "\xC3\xA9\xA9"));
    EXPECT_TRUE(accepts("root ::= [^\"\\\\]*", "anything \xE4\xB8\xAD"));
}

TEST(Gbnf, MayBeEmptyInLoops) {
    EXPECT_TRUE(accepts("root ::= (\"a\"* b?)*\nb ::= \"b\" | \"(\" root \")\"", "aab(a)b"));
    EXPECT_TRUE(accepts("root ::= (\"a\"* b?){3}\nb ::= \"b\" | \"(\" root \")\"", ""));
    EXPECT_NE(error("root ::= (\"a\"* b?){3000}\nb ::= \"b\" | \"(\" root \")\"").find("may be empty"),
              std::string::npos);
}

TEST(Gbnf, SaysWhatIsWrong) {
    EXPECT_NE(error("root ::= other").find("uses a rule 'other' that it does not define"), std::string::npos);
    EXPECT_NE(error("a ::= \"x\"").find("no rule named root"), std::string::npos);
    EXPECT_NE(error("root ::= \"x\"\nroot ::= \"y\"").find("line 2: this rule is defined twice"), std::string::npos);
    EXPECT_NE(error("root ::= (\"x\"").find("a group is not closed"), std::string::npos);
    EXPECT_NE(error("root ::= \"x").find("ends inside a text"), std::string::npos);
    EXPECT_NE(error("root ::= <think>").find("names a token"), std::string::npos);
    EXPECT_NE(error("root ::= root \"x\" | \"y\"").find("'root' calls itself before it has read anything"),
              std::string::npos);
    EXPECT_NE(error("root ::= a\na ::= \"x\"? b \"y\"\nb ::= a \"z\" | \"w\"").find("left recursion"),
              std::string::npos);
    EXPECT_NE(error(std::string("root ::= ") + std::string(60'000, '(') + "\"x\"" + std::string(60'000, ')'))
                  .find("nests groups"),
              std::string::npos);
    // A loop that reads nothing beside a cycle by a call: the call is found whichever way is looked at first.
    EXPECT_NE(error("root ::= (a? b?)* \"x\"\na ::= \"a\" root\nb ::= a? root?").find("left recursion"),
              std::string::npos);
}

TEST(Gbnf, RulesWithoutAnEndAreDropped) {
    const auto g = Grammar::from_gbnf("root ::= \"a\" loop | \"b\"\nloop ::= \"x\" loop");
    Matcher m(g);
    EXPECT_FALSE(m.accept("a"));
    EXPECT_TRUE(m.accept("b"));
    EXPECT_TRUE(Grammar::from_gbnf("root ::= \"x\" root")->empty());
}

TEST(Gbnf, LongChainsOfRulesEndInTimeEitherWay) {
    std::string chain = "root ::= r0\n", open = "root ::= r0\n";
    for (int i = 0; i < 20'000; ++i) {
        chain += "r" + std::to_string(i) + " ::= \"a\" r" + std::to_string(i + 1) + "\n";
        open += "r" + std::to_string(i) + " ::= \"a\"? r" + std::to_string(i + 1) + "\n";
    }
    chain += "r20000 ::= \"b\" | \"(\" root \")\"";
    open += "r20000 ::= \"b\" | \"(\" root \")\"";
    EXPECT_TRUE(accepts(chain, std::string(20'000, 'a') + "b"));
    EXPECT_THROW(accepts(open, "aab"), Error);  // 20,000 places at once: too ambiguous
}

}  // namespace
}  // namespace quern::grammar
