// Tool calls under a grammar: whatever the grammar lets through, the parser of the same notation reads as calls of the
// offered tools with arguments that their schemas allow; and what the notation's pattern writes, the grammar lets
// through.
#include "text/toolcall/tool_grammar.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "text/toolcall/parser.h"
#include "text/toolcall/syntax.h"

namespace quern::text {
namespace {

const Json& tools() {
    static const Json list = parse_json(R"([
      {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string", "maxLength": 6}, "days": {"type": "integer", "minimum": 1, "maximum": 14},
                       "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city"], "additionalProperties": false}}},
      {"name": "list_files", "parameters": {"type": "object",
        "properties": {"deep": {"type": "boolean"}, "limit": {"type": "integer", "minimum": 0, "maximum": 99}},
        "additionalProperties": false}}])",
                                        "tools");
    return list;
}

// Draws an answer from the grammar, byte by byte; half of the time the answer ends as soon as it may.
std::string draw(std::shared_ptr<const grammar::Grammar> shared, std::mt19937& random) {
    grammar::Matcher m(std::move(shared));
    std::string text;
    while (!m.must_end() && text.size() < 4000) {
        if (m.can_end() && random() % 2 == 0) return text;
        const std::array<bool, 256> next = m.next_bytes();
        std::string likely, all;  // letters and markup first, so that texts stay short and readable
        for (int c = 0; c < 256; ++c)
            if (next[std::size_t(c)]) {
                all += char(c);
                if (c >= 0x20 && c < 0x7f) likely += char(c);
            }
        EXPECT_FALSE(all.empty());
        if (all.empty()) return text;
        const std::string& from = likely.empty() || random() % 50 == 0 ? all : likely;
        const char c = from[random() % from.size()];
        EXPECT_TRUE(m.accept(std::string_view(&c, 1)));
        text += c;
    }
    return m.can_end() ? text : std::string();
}

// 7.0 is an integer to JSON Schema.
bool integer_within(const Json& value, double min, double max) {
    if (!value.is_number()) return false;
    const double v = value.get<double>();
    return v == std::floor(v) && v >= min && v <= max;
}

void expect_allowed(const Turn::Call& call, const std::string& text) {
    const Json arguments = parse_json(call.arguments, "arguments");
    ASSERT_TRUE(arguments.is_object()) << text;
    if (call.name == "list_files") {
        for (const auto& [key, value] : arguments.items()) {
            ASSERT_TRUE(key == "deep" || key == "limit") << text;
            ASSERT_TRUE(key == "deep" ? value.is_boolean() : integer_within(value, 0, 99)) << text;
        }
        return;
    }
    ASSERT_EQ(call.name, "get_weather") << text;
    ASSERT_TRUE(arguments.contains("city") && arguments.at("city").is_string()) << text;
    for (const auto& [key, value] : arguments.items()) {
        ASSERT_TRUE(key == "city" || key == "days" || key == "unit") << text;
        const bool days = key != "days" || integer_within(value, 1, 14);
        const bool unit = key != "unit" || value == "celsius" || value == "fahrenheit";
        ASSERT_TRUE(days && unit) << text;
    }
}

class ToolGrammar : public testing::TestWithParam<ToolFormat> {
protected:
    std::shared_ptr<const grammar::Grammar> make(ToolChoice choice, const std::string& tool = "") const {
        return tool_grammar(tools(), {.format = GetParam(), .answer = {}, .choice = choice, .tool = tool});
    }
    Turn parsed(const std::string& text) const {
        ParserOptions o;
        o.format = GetParam();
        ToolTypes types;
        for (const Json& t : tools()) {
            const Json& f = t.contains("function") ? t.at("function") : t;
            types.add(f.at("name").get<std::string>(), f.at("parameters"));
        }
        o.tools = &types;
        if (GetParam() == ToolFormat::harmony) o.start = Start::header;
        return collect(parse(o, text));
    }
};

TEST_P(ToolGrammar, WhatItLetsThroughAreCallsThatTheSchemasAllow) {
    std::mt19937 random(7);
    const auto g = make(ToolChoice::required);
    int read = 0;
    for (int i = 0; i < 40; ++i) {
        const std::string text = draw(g, random);
        if (text.empty()) continue;  // grew too long
        const Turn turn = parsed(text);
        ASSERT_FALSE(turn.calls.empty()) << text;
        EXPECT_EQ(turn.content, "") << text;
        for (const Turn::Call& call : turn.calls) expect_allowed(call, text);
        ++read;
    }
    EXPECT_GE(read, 10);
}

TEST_P(ToolGrammar, ANamedToolIsTheOnlyOneAndCalledOnce) {
    std::mt19937 random(8);
    const auto g = make(ToolChoice::named, "list_files");
    for (int i = 0; i < 10; ++i) {
        const std::string text = draw(g, random);
        if (text.empty()) continue;
        const Turn turn = parsed(text);
        ASSERT_EQ(turn.calls.size(), 1u) << text;
        EXPECT_EQ(turn.calls[0].name, "list_files") << text;
    }
    EXPECT_THROW(make(ToolChoice::named, "nosuch"), Error);
}

// Free text may be anything until a call is opened; from there on only a call goes on.
TEST_P(ToolGrammar, IsLazyWhereToolsMayBeCalled) {
    grammar::Matcher m(make(ToolChoice::automatic));
    ASSERT_TRUE(m.accept("Just words, and 1 < 2."));
    EXPECT_TRUE(m.can_end());
    const Triggers t = triggers(GetParam());
    if (t.anywhere.empty()) {
        grammar::Matcher at_start(make(ToolChoice::automatic));
        ASSERT_TRUE(at_start.accept(t.at_start.at(0)));
        EXPECT_FALSE(at_start.accept("#"));
        return;
    }
    ASSERT_TRUE(m.accept(t.anywhere.back()));
    EXPECT_FALSE(m.can_end());
    EXPECT_FALSE(m.accept("#"));
    grammar::Matcher none(make(ToolChoice::none));
    ASSERT_TRUE(none.accept("Just words."));
    EXPECT_TRUE(none.can_end());
    EXPECT_FALSE(none.accept(t.anywhere.back())) << "a call although none may come";
}

std::vector<ToolFormat> formats() {
    std::vector<ToolFormat> list;
    for (const ToolFormatName& f : tool_formats())
        if (f.format != ToolFormat::none) list.push_back(f.format);
    return list;
}
INSTANTIATE_TEST_SUITE_P(EveryNotation, ToolGrammar, testing::ValuesIn(formats()),
                         [](const auto& p) { return std::string(tool_format_name(p.param)); });

TEST(ToolGrammar, ThinkingComesFirstAndIsFree) {
    ToolRules rules{.format = ToolFormat::hermes, .answer = {{"<think>", "</think>"}, Start::content}};
    const std::string call = "<tool_call>\n{\"name\": \"list_files\", \"arguments\": {}}\n</tool_call>";
    grammar::Matcher m(tool_grammar(tools(), rules));
    EXPECT_TRUE(m.accept("<think>\nShall I write <tool_call>#? No.\n</think>\n\n" + call));
    EXPECT_TRUE(m.can_end());
    rules.answer.start = Start::thinking;
    rules.choice = ToolChoice::required;
    grammar::Matcher inside(tool_grammar(tools(), rules));
    EXPECT_TRUE(inside.accept("thoughts, {\"</think>\n" + call));
    EXPECT_TRUE(inside.can_end());
    grammar::Matcher unfinished(tool_grammar(tools(), rules));
    EXPECT_TRUE(unfinished.accept(call)) << "still thinking";
    EXPECT_FALSE(unfinished.can_end());
}

TEST(ToolGrammar, ASchemaBehindThinking) {
    const Json schema = parse_json(R"({"type": "boolean"})", "schema");
    grammar::Matcher m(schema_grammar(schema, {{"<think>", "</think>"}, Start::content}));
    EXPECT_TRUE(m.accept("<think>hm</think>\n\ntrue"));
    EXPECT_TRUE(m.can_end());
    grammar::Matcher other(schema_grammar(schema, {{"<think>", "</think>"}, Start::after_thinking}));
    EXPECT_FALSE(other.accept("<think>"));
    EXPECT_TRUE(other.accept("false"));
}

TEST(ToolGrammar, RefusesWhatItCannotHoldTo) {
    const auto refused = [](const char* text, ToolFormat format) -> std::string {
        try {
            tool_grammar(parse_json(text, "tools"), {.format = format});
        } catch (const Error& e) {
            return e.what();
        }
        return "";
    };
    using enum ToolFormat;
    EXPECT_NE(refused("{}", hermes), "");
    EXPECT_NE(refused("[]", hermes), "");
    EXPECT_NE(refused("[{}]", hermes), "");
    EXPECT_NE(refused(R"([{"name": "a"}, {"name": "a"}])", hermes).find("two tools"), std::string::npos);
    EXPECT_NE(refused(R"([{"name": "a b"}])", hermes), "");
    EXPECT_NE(refused(R"([{"name": "a"}])", none), "");
    EXPECT_NE(refused(R"([{"name": "a", "parameters": {"type": "object", "properties":
                          {"x": {"type": "array", "uniqueItems": true}}}}])",
                      hermes)
                  .find("/properties/x/uniqueItems"),
              std::string::npos);
    EXPECT_NE(refused(R"([{"name": "a", "parameters": {"anyOf": []}}])", qwen3_coder).find("/anyOf"),
              std::string::npos);
    EXPECT_NE(refused(R"([{"name": "a", "parameters": {"required": ["x"]}}])", glm4).find("/required"),
              std::string::npos);
    EXPECT_EQ(refused(R"([{"name": "a"}])", hermes), "");
}

}  // namespace
}  // namespace quern::text
