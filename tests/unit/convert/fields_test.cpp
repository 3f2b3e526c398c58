// Fields of JSON from outside. That each kind of wrong value is refused shows in config_test.cpp.
#include "convert/fields.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "models_for_tests.h"

namespace quern::convert {
namespace {

using testing::HasSubstr;

TEST(Fields, NullCountsAsAbsentButAsWritten) {
    const Json j = {{"a", nullptr}, {"b", 2}};
    Fields f(j, "x.json");
    EXPECT_FALSE(f.integer("a", 0, 9));
    EXPECT_TRUE(f.written("a"));
    EXPECT_FALSE(f.written("c"));
    EXPECT_EQ(f.integer("b", 0, 9), 2);
    EXPECT_EQ(f.number("b"), 2.0);
    EXPECT_THAT(refusal([&] { f.need_integer("a", 0, 9); }), HasSubstr("x.json: a is missing"));
}

TEST(Fields, BoundsAreInclusive) {
    const Json j = {{"a", 9}, {"b", INT64_MIN}, {"c", UINT64_MAX}};
    Fields f(j, "x.json");
    EXPECT_EQ(f.integer("a", 9, 9), 9);
    EXPECT_THAT(refusal([&] { f.integer("a", 0, 8); }), HasSubstr("a is '9'"));
    EXPECT_THAT(refusal([&] { f.integer("b", 0, INT64_MAX); }), HasSubstr("b is"));
    EXPECT_THAT(refusal([&] { f.integer("c", INT64_MIN, INT64_MAX); }), HasSubstr("c is"));
}

TEST(Fields, UnknownOnesAreNamedUnlessTheyAreOff) {
    const Json j = {{"a", 1},       {"off", false}, {"none", nullptr}, {"empty", Json::array()},
                    {"_hidden", 1}, {"on", true}};
    constexpr std::string_view harmless[] = {"on"};
    Fields f(j, "x.json");
    EXPECT_THAT(refusal([&] { f.refuse_unknown(harmless); }), HasSubstr("'a'"));
    f.find("a");
    EXPECT_NO_THROW(f.refuse_unknown(harmless));
    EXPECT_THAT(refusal([&] { f.refuse_unknown({}); }), HasSubstr("'on'"));
}

// Names from a file cannot break the line that reports them.
TEST(Fields, SentencesStayInOneLine) {
    const Json j = {{"a\nb", "\x1b[31m"}};
    const std::string text = refusal([&] { Fields(j, "x.json").refuse_unknown({}); });
    EXPECT_EQ(text.find('\n'), text.npos);
    EXPECT_EQ(text.find('\x1b'), text.npos);
}

// Time that grew with the square of the fields would make this test hang.
TEST(Fields, ManyFieldsAreReadInReasonableTime) {
    std::string text = "{";
    for (int i = 0; i < 300000; ++i) text += (i ? ",\"f" : "\"f") + std::to_string(i) + "\":" + std::to_string(i);
    const Json j = parse_fields(text + "}", "x.json");
    EXPECT_EQ(j.size(), 300000u);
    EXPECT_THAT(refusal([&] { Fields(j, "x.json").refuse_unknown({}); }), HasSubstr("'f0'"));
}

TEST(Fields, DeepAndBrokenTextsAreRefused) {
    EXPECT_THAT(refusal([] { parse_fields(std::string(100000, '['), "x.json"); }), HasSubstr("x.json"));
    EXPECT_THAT(refusal([] { parse_fields("{\"a\": }", "x.json"); }), HasSubstr("x.json"));
    std::string deep(70, '[');
    deep.append(70, ']');
    EXPECT_THAT(refusal([&] { parse_fields(deep, "x.json"); }), HasSubstr("deeper than 64"));
}

}  // namespace
}  // namespace quern::convert
