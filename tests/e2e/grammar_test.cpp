// quern grammar check: what it says, and its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "process.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string file(const std::string& name, const std::string& text) {
    std::ofstream(in_folder(name), std::ios::binary) << text;
    return in_folder(name);
}

TEST(GrammarCheck, SaysWhetherATextFits) {
    const std::string schema =
        file("schema.json", R"({"type":"object","properties":{"n":{"type":"integer","minimum":0}},
                                                       "required":["n"],"additionalProperties":false})");
    EXPECT_EQ(quern({"grammar", "check", schema, R"({"n": 12})"}).out, "accepted\n");
    EXPECT_EQ(quern({"grammar", "check", schema, "-"}, R"({"n":0})").exit, 0);
    const Result refused = quern({"grammar", "check", schema, R"({"n": -1})"});
    EXPECT_EQ(refused.exit, 1);
    EXPECT_EQ(refused.out, "refused at byte 7: '1' stands where '0' was expected\n");
    EXPECT_EQ(refused.err, "");
    const Result incomplete = quern({"grammar", "check", schema, R"({"n")"});
    EXPECT_EQ(incomplete.exit, 1);
    EXPECT_THAT(incomplete.out, StartsWith("incomplete after 4 bytes: expected "));
    EXPECT_EQ(quern({"grammar", "check", schema}).exit, 0);
    EXPECT_EQ(quern({"grammar", "check", file("none.json", "false")}).out,
              "the grammar is fine, but no text fits it\n");
}

TEST(GrammarCheck, ReadsGbnfAndExpressions) {
    const std::string gbnf = file("sums.gbnf", "root ::= num (\"+\" num)*\nnum ::= [0-9]+\n");
    EXPECT_EQ(quern({"grammar", "check", "--gbnf", gbnf, "1+22"}).out, "accepted\n");
    EXPECT_EQ(quern({"grammar", "check", "--gbnf", gbnf, "1+x"}).out,
              "refused at byte 2: 'x' stands where '0' to '9' was expected\n");
    EXPECT_EQ(quern({"grammar", "check", "--regex", "[a-z]+@[a-z]+", "a@b"}).exit, 0);
}

TEST(GrammarCheck, WhatCannotBeHeldIsASentence) {
    const Result r = quern({"grammar", "check", file("unique.json", R"({"items":{"uniqueItems":true}})"), "[]"});
    EXPECT_EQ(r.exit, 1);
    EXPECT_THAT(r.err, HasSubstr("/items/uniqueItems: unique items are not supported"));
    EXPECT_EQ(quern({"grammar", "check", "--regex", "("}).exit, 1);
    EXPECT_EQ(quern({"grammar", "check"}).exit, 1);
    EXPECT_EQ(quern({"grammar"}).exit, 2);
}

}  // namespace
}  // namespace quern::e2e
