// Answers that are held to a schema, a grammar or tools, and what a user sees of thinking and tool calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "models.h"

namespace quern::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string file(const std::string& name, const std::string& text) {
    write_file(in_folder(name), text);
    return name;
}

std::string tools() {
    return file("tools.json",
                R"([{"type": "function", "function": {"name": "get_weather", "description": "the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}},
        {"type": "function", "function": {"name": "add", "parameters": {"type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"],
        "additionalProperties": false}}}])");
}

Json last_event(const Result& r) {
    const std::size_t end = r.out.find_last_not_of('\n'), begin = r.out.rfind('\n', end);
    return parse_json(std::string_view(r.out).substr(begin + 1, end - begin), "the last event");
}

// Whatever it is asked, hot, with every seed: the answer is always what the schema says.
TEST(Constrained, ASchemaHoldsAtAnyTemperature) {
    const std::string schema =
        file("person.json", R"({"type": "object", "properties": {"name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 150}, "pets": {"type": "array", "items": {"enum": ["cat", "dog"]},
        "maxItems": 3}}, "required": ["name", "age"], "additionalProperties": false})");
    int whole = 0;
    for (int seed = 1; seed <= 12; ++seed) {
        const Result r = quern({"run", "Tell me a story about a boat.", "--schema", schema, "--temp", "1.5", "--top-k",
                                "0", "--top-p", "1", "--min-p", "0", "--think", seed % 2 ? "on" : "off", "-n", "400",
                                "--seed", std::to_string(seed), "--json"});
        ASSERT_EQ(r.exit, 0) << r.err;
        const Json end = last_event(r);
        if (end.at("reason") != "stop") continue;  // 400 tokens were not enough
        ++whole;
        const Json value = parse_json(end.at("content").get<std::string>(), "the answer");
        ASSERT_TRUE(value.at("name").is_string() && value.at("age").is_number()) << value.dump();
        ASSERT_TRUE(value.at("age") >= 0 && value.at("age") <= 150) << value.dump();
        for (const auto& [key, v] : value.items()) ASSERT_TRUE(key == "name" || key == "age" || key == "pets") << key;
    }
    EXPECT_GE(whole, 3) << "too few answers came to their end to show anything";
}

TEST(Constrained, AnUnfinishedAnswerIsTold) {
    const std::string schema = file("long.json", R"({"type": "string", "minLength": 500})");
    const Result r = quern({"run", "--raw", "x", "--schema", schema, "-n", "5"});
    EXPECT_EQ(r.exit, 0) << r.err;
    EXPECT_THAT(r.err, HasSubstr("ends before it is whole"));
}

TEST(Constrained, AGrammarHoldsForRawAndChat) {
    const std::string grammar = file("answer.gbnf", "root ::= (\"yes\" | \"no\") \".\"\n");
    for (const Arguments& mode : {Arguments{"--raw"}, Arguments{"--think", "off"}, Arguments{"--think", "on"}}) {
        const Result r = quern(joined({{"run", "Do birds fly?", "--grammar", grammar, "-n", "200"}, mode}));
        EXPECT_EQ(r.exit, 0) << r.err;
        EXPECT_THAT(r.out, testing::AnyOf("yes.\n", "no.\n"));
    }
}

TEST(Constrained, RequiredAndNamedToolsAreCalled) {
    const auto calls = [&](const std::string& choice) {
        const Result r = quern({"run", "What is the weather in Oslo?", "--tools", tools(), "--tool-choice", choice,
                                "--temp", "1.2", "--seed", "5", "-n", "300", "--json"});
        EXPECT_EQ(r.exit, 0) << r.err;
        return last_event(r);
    };
    const Json named = calls("add");
    ASSERT_EQ(named.at("reason"), "stop");
    ASSERT_EQ(named.at("tool_calls").size(), 1u);
    EXPECT_EQ(named.at("tool_calls")[0].at("name"), "add");
    EXPECT_TRUE(named.at("tool_calls")[0].at("arguments").at("a").is_number());
    EXPECT_EQ(named.at("content"), "");
    EXPECT_TRUE(calls("required").contains("tool_calls"));
    const Json none = calls("none");
    EXPECT_FALSE(none.contains("tool_calls"));
    EXPECT_THAT(none.at("text").get<std::string>(), Not(HasSubstr("<tool_call>")));
}

// What is thought goes to stderr, a call is a line of JSON on stdout.
TEST(Constrained, ThinkingAndCallsAreSeparated) {
    const Result r = quern({"run", "--temp", "0", "What is 12 + 30?"});
    ASSERT_EQ(r.exit, 0) << r.err;
    EXPECT_THAT(r.out, Not(HasSubstr("think>")));
    const Result call =
        quern({"run", "--temp", "0", "--tools", tools(), "--tool-choice", "get_weather", "Weather in Oslo?"});
    ASSERT_EQ(call.exit, 0) << call.err;
    const Json line = parse_json(std::string_view(call.out).substr(0, call.out.find('\n')), "a call");
    EXPECT_EQ(line.at("name"), "get_weather");
    EXPECT_TRUE(line.at("arguments").at("city").is_string());
    EXPECT_THAT(call.out, Not(HasSubstr("tool_call>")));
}

TEST(Constrained, MistakesAreSentences) {
    const auto error = [](const Arguments& a) {
        const Result r = quern(joined({{"run", "x"}, a}));
        EXPECT_EQ(r.exit, 1) << r.err;
        EXPECT_EQ(r.out, "");
        return r.err;
    };
    EXPECT_THAT(error({"--schema", file("bad.json", "{")}), HasSubstr("bad.json"));
    EXPECT_THAT(
        error({"--schema", file("unique.json", R"({"properties": {"a": {"type": "array", "uniqueItems": true}}})")}),
        HasSubstr("/properties/a/uniqueItems"));
    EXPECT_THAT(error({"--schema", file("false.json", "false")}), HasSubstr("no answer"));
    EXPECT_THAT(error({"--grammar", file("bad.gbnf", "root ::= (")}), HasSubstr("bad.gbnf"));
    EXPECT_THAT(error({"--schema", "missing.json"}), HasSubstr("missing.json"));
    EXPECT_THAT(error({"--tools", file("notools.json", "{}")}), HasSubstr("notools.json"));
    EXPECT_THAT(error({"--tools", tools(), "--tool-choice", "nosuch"}), HasSubstr("nosuch"));
    EXPECT_EQ(quern({"run", "x", "--schema", "a", "--grammar", "b"}).exit, 2);
}

}  // namespace
}  // namespace quern::e2e
