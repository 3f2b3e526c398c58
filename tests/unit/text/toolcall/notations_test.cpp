// Each notation on texts like those that models write, and on what goes wrong with them.
#include <gmock/gmock.h>

#include <limits>

#include "parse_for_tests.h"

namespace quern::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using enum ToolFormat;

// Only calls, nothing to complain about.
void expect_only(ToolFormat format, std::string_view text, const std::vector<Expected>& calls) {
    SCOPED_TRACE(text);
    const Turn turn = turn_of(format, text);
    expect_calls(turn, calls);
    EXPECT_EQ(turn.content, "");
    EXPECT_THAT(turn.notes, IsEmpty());
}

// No call; the text without its markers, and a sentence that says so.
void expect_text(ToolFormat format, std::string_view text, std::string_view content) {
    SCOPED_TRACE(text);
    const Turn turn = turn_of(format, text);
    EXPECT_THAT(turn.calls, IsEmpty());
    EXPECT_EQ(turn.content, content);
    EXPECT_THAT(turn.notes, SizeIs(1));
}

const std::string paris = R"({"city": "Paris"})", rome = R"({"city": "Rome", "days": 2})";

TEST(Hermes, ReadsObjectsInTags) {
    expect_only(hermes, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>",
                {{"f", paris}});
    expect_only(hermes, "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>", {{"f", "{}"}});
    expect_only(hermes, R"(<tool_call>{"arguments": {"city": "Paris"}, "name": "f"}</tool_call>)", {{"f", paris}});
    expect_only(hermes, R"(<tool_call>{"name": "f"}</tool_call>)", {{"f", "{}"}});
    expect_only(hermes, R"(<tool_call>{"name": "f", "arguments": null}</tool_call>)", {{"f", "{}"}});
    expect_only(hermes, R"(<tool_call>{"name": "f", "arguments": "{\"city\": \"Paris\"}"}</tool_call>)",
                {{"f", paris}});
    expect_only(
        hermes,
        R"(<tool_call>{"type": "function", "function": {"name": "f", "parameters": {"city": "Paris"}}}</tool_call>)",
        {{"f", paris}});
    expect_only(hermes,
                "<tool_call>\n{\"name\": \"f\", \"arguments\": " + paris +
                    "}\n</tool_call>\n<tool_call>\n{\"name\": \"g\", \"arguments\": " + rome + "}\n</tool_call>\n",
                {{"f", paris}, {"g", rome}});
}

TEST(Hermes, RepairsWhatIsPlain) {
    expect_only(hermes, R"(<tool_call>{"name": "f", "arguments": {"city": "Paris"})", {{"f", paris}});  // no brace
    expect_only(hermes, R"(<tool_call>{"name": "f", "arguments": {"city": "Paris"}</tool_call>)",
                {{"f", paris}});  // nor tag
    expect_only(hermes, R"(<tool_call>{"name": "f", "arguments": {"city": "Paris"</tool_call>)", {{"f", paris}});
    expect_only(hermes, R"(<tool_call>{"name": "f", "arguments": {"city": "Paris"}}}</tool_call>)", {{"f", paris}});
    expect_only(hermes, R"(<tool_call>{'name': 'f', 'arguments': {'city': 'Paris'}}</tool_call>)", {{"f", paris}});
    expect_only(hermes, R"(<tool_call>{"name": "f", "arguments": {"city": "Paris",},}</tool_call>)", {{"f", paris}});
    expect_only(hermes, R"(<tool_call>{"name": "f", "arguments": {"a": True, "b": None}}</tool_call>)",
                {{"f", R"({"a": true, "b": null})"}});
    expect_only(hermes, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"one\ntwo\t\\d\"}}</tool_call>",
                {{"f", R"({"a": "one\ntwo\t\\d"})"}});
    expect_only(hermes,
                R"(<tool_call>{"name": "f", "arguments": {"city": "Paris"}}<tool_call>{"name": "g"}</tool_call>)",
                {{"f", paris}, {"g", "{}"}});
}

TEST(Hermes, NumbersStayReadable) {
    const std::string call = R"(<tool_call>{"name": "f", "arguments": {"a": [NUMBER]}}</tool_call>)";
    const auto number = [&](std::string_view text) {
        std::string written = call;
        return turn_of(hermes, written.replace(call.find("NUMBER"), 6, text));
    };
    for (const char* text :
         {"0", "-0", "12", "-0.5", "1e5", "1E+2", "0.25e-3", "123456789012345678901234567890", "1e-999"}) {
        const Turn turn = number(text);
        ASSERT_THAT(turn.calls, SizeIs(1)) << text;
        EXPECT_EQ(json_of(turn.calls[0].arguments)["a"][0], json_of(text)) << text;
    }
    EXPECT_EQ(json_of(number("-1e999").calls[0].arguments)["a"][0], -std::numeric_limits<double>::max());
    for (const char* text : {"01", "1.2.3", "0x10", "--1", "1e", "NaN", "Infinity", "1_000", "."})
        EXPECT_THAT(number(text).calls, IsEmpty()) << text;
}

TEST(Hermes, WhatIsNoCallIsTextWithoutMarkers) {
    expect_text(hermes, R"(<tool_call>{"name": "f", "arguments": {"city": "Par)",
                R"({"name": "f", "arguments": {"city": "Par)");
    expect_text(hermes, R"(<tool_call>{"name": "f", "arguments": {"days": 1)",
                R"({"name": "f", "arguments": {"days": 1)");  // of 1 or of 12?
    expect_text(hermes, R"(<tool_call>{"name": "f", "arguments": {"a": )", R"({"name": "f", "arguments": {"a": )");
    expect_text(hermes, R"(<tool_call>{"name": "f", "argum)", R"({"name": "f", "argum)");
    expect_text(hermes, R"(<tool_call>{"name": 5})", R"({"name": 5})");
    expect_text(hermes, "<tool_call>hello", "hello");
    expect_text(hermes, "<tool_call>", "");
}

TEST(Hermes, BracesQuotesAndMarkersInStringsAreOnlyText) {
    const std::string arguments =
        R"({"a": "}]{\"[ </tool_call><tool_call>{\"name\": \"g\"}", "b": "\\\"", "c": "\ud83d\uddfc \ud83d"})";
    expect_only(hermes, "<tool_call>{\"name\": \"f\", \"arguments\": " + arguments + "}</tool_call>",
                {{"f", R"({"a": "}]{\"[ </tool_call><tool_call>{\"name\": \"g\"}", "b": "\\\"", "c": "🗼 �"})"}});
}

TEST(Qwen3Coder, ReadsParameterTags) {
    expect_only(qwen3_coder,
                "<tool_call>\n<function=f>\n<parameter=city>\nParis\n</parameter>\n</function>\n</tool_call>",
                {{"f", paris}});
    expect_only(qwen3_coder, "<tool_call>\n<function=f>\n</function>\n</tool_call>", {{"f", "{}"}});
    expect_only(qwen3_coder, "<function=f>\n<parameter=city>Paris</parameter>\n</function>",
                {{"f", paris}});  // no outer tag
    expect_only(qwen3_coder, "<tool_call>\n<function=\"f\">\n<parameter=\"city\">\nParis\n</parameter>\n</tool_call>",
                {{"f", paris}});
    expect_only(qwen3_coder,
                "<tool_call>\n<function=f>\n<parameter=a>\n[1, {\"b\": "
                "null}]\n</parameter>\n<parameter=c>\nTrue\n</parameter>\n"
                "<parameter=d>\n\n two\n lines\n\n</parameter>\n</function>\n</tool_call>",
                {{"f", R"({"a": [1, {"b": null}], "c": true, "d": "\n two\n lines\n"})"}});
}

TEST(Qwen3Coder, TagsInsideAValueAreText) {
    expect_only(qwen3_coder,
                "<tool_call>\n<function=f>\n<parameter=a>\nx </parameter> "
                "y\n<function=g></function>\n<tool_call>\n</parameter>\n"
                "</function>\n</tool_call>",
                {{"f", R"({"a": "x </parameter> y\n<function=g></function>\n<tool_call>"})"}});
}

TEST(Qwen3Coder, TagsInsideStringsOfJsonAreText) {
    const std::string tags = "</parameter>\n</function>\n</tool_call>", list = "[\"x " + tags + " y\", 1]";
    expect_only(qwen3_coder, "<tool_call>\n<function=f>\n<parameter=a>\n" + list + "\n" + tags,
                {{"f", "{\"a\": [\"x </parameter>\\n</function>\\n</tool_call> y\", 1]}"}});
    // A quote that is never closed ends with the tag where it is no JSON anyway.
    expect_only(qwen3_coder, "<tool_call>\n<function=f>\n<parameter=a>\n[a \"b]\n" + tags,
                {{"f", R"({"a": "[a \"b]"})"}});
}

TEST(Qwen3Coder, TypesComeFromTheSchema) {
    ToolTypes tools;
    tools.add(
        "f", Json::parse(R"({"properties": {"s": {"type": "string"}, "i": {"type": "integer"}, "b": {"type": "boolean"},
        "n": {"type": ["string", "null"]}, "o": {"anyOf": [{"type": "object"}, {"type": "string"}]}, "e": {"enum": ["1", "2"]}}})"));
    const auto call = [&](std::string_view key, std::string_view value) {
        const std::string text = "<tool_call>\n<function=f>\n<parameter=" + std::string(key) + ">\n" +
                                 std::string(value) + "\n</parameter>\n</function>\n</tool_call>";
        const Turn turn = turn_of({.format = qwen3_coder, .tools = &tools}, text);
        return turn.calls.size() == 1 ? json_of(turn.calls[0].arguments)[std::string(key)] : nlohmann::json("no call");
    };
    EXPECT_EQ(call("s", "12"), "12");
    EXPECT_EQ(call("s", "null"), "null");
    EXPECT_EQ(call("s", "\"quoted\""), "\"quoted\"");
    EXPECT_EQ(call("i", "12"), 12);
    EXPECT_EQ(call("i", "twelve"), "twelve");
    EXPECT_EQ(call("b", "False"), false);
    EXPECT_EQ(call("n", "null"), nullptr);
    EXPECT_EQ(call("n", "nullable"), "nullable");
    EXPECT_EQ(call("o", "{\"a\": [1]}"), nlohmann::json::parse("{\"a\": [1]}"));
    EXPECT_EQ(call("o", "[1]"), "[1]");  // an array is not allowed, so it is text
    EXPECT_EQ(call("e", "1"), "1");
    EXPECT_EQ(call("unknown", "12"), 12);
}

TEST(Qwen3Coder, UnclosedCallsEndWhereAParameterIsWhole) {
    expect_only(qwen3_coder, "<tool_call>\n<function=f>\n<parameter=city>\nParis\n</parameter>\n", {{"f", paris}});
    expect_only(qwen3_coder, "<tool_call>\n<function=f>\n<parameter=city>\nParis\n</parameter>", {{"f", paris}});
    expect_text(qwen3_coder, "<tool_call>\n<function=f>\n<parameter=city>\nPar", "f>\n<parameter=city>\nPar");
    expect_text(qwen3_coder, "<tool_call>\n<function=f>\n", "f>\n");
}

TEST(SeedOss, ReadsParameterTags) {
    expect_only(seed_oss,
                "<seed:tool_call>\n<function=f>\n<parameter=city>Paris</parameter>\n</function>\n</seed:tool_call>",
                {{"f", paris}});
}

TEST(Llama3, TheWholeAnswerMayBeACall) {
    expect_only(llama3_json, R"({"name": "f", "parameters": {"city": "Paris"}})", {{"f", paris}});
    expect_only(llama3_json, R"(<|python_tag|>{"name": "f", "parameters": {"city": "Paris"}})", {{"f", paris}});
    expect_only(llama3_json, R"(<|python_tag|>f.call(city="Paris"))", {{"f", paris}});
    expect_only(llama3_json,
                "\n{\"name\": \"f\", \"arguments\": {\"city\": \"Paris\"}} ; {\"name\": \"g\", \"parameters\": "
                "{}};\n{\"name\": \"f\", \"parameters\": {}}",
                {{"f", paris}, {"g", "{}"}, {"f", "{}"}});
}

TEST(Llama3, AnAnswerInJsonIsAnAnswer) {
    for (const char* text : {R"({"a": 1})", R"({"name": "Bob", "age": 3})", R"({"name": "toolWithout"})",
                             R"({"parameters": {}})", R"({"name": "f", "parameters": {invalid})", " {", "{}",
                             "{\"name\"", "[1]", "so: {\"name\": \"f\", \"parameters\": {}}"}) {
        const Turn turn = turn_of(llama3_json, text);
        EXPECT_THAT(turn.calls, IsEmpty());
        EXPECT_EQ(turn.content, std::string(text).substr(0, std::string(text).find("  "))) << text;
    }
    ToolTypes tools;
    tools.add("f", Json());
    const ParserOptions options{.format = llama3_json, .tools = &tools};
    EXPECT_THAT(turn_of(options, R"({"name": "f", "parameters": {}})").calls, SizeIs(1));
    EXPECT_THAT(turn_of(options, R"({"name": "g", "parameters": {}})").calls, IsEmpty());
    // An answer is not held back until its end.
    Parser parser(options);
    std::vector<Event> events;
    parser.feed(R"({"answer": "long)", events);
    EXPECT_EQ(collect(events).content, R"({"answer": "long)");
}

TEST(Pythonic, ReadsCallsInAList) {
    expect_only(pythonic, "[f(city='Paris')]", {{"f", paris}});
    expect_only(pythonic, "[f(city=\"Rome\", days=2), g()]", {{"f", rome}, {"g", "{}"}});
    expect_only(pythonic, "<|python_start|>[f(city='Paris')]<|python_end|>", {{"f", paris}});
    expect_only(pythonic, "[ f ( city = 'Paris' , ) , ]", {{"f", paris}});
    expect_only(
        pythonic,
        R"([f(a={'b': [1, -2.5, (True, None)], "c": {}}, d='it\'s "x"\n', e="""two
lines "quoted" """, f='', g="\x41\u00e9\U0001F5FC\101")])",
        {{"f", R"({"a": {"b": [1, -2.5, [true, null]], "c": {}}, "d": "it's \"x\"\n", "e": "two\nlines \"quoted\" ",
                           "f": "", "g": "Aé🗼A"})"}});
    expect_only(pythonic, R"([{"name": "f", "parameters": {"city": "Paris"}}])",
                {{"f", paris}});  // what some write instead
}

TEST(Pythonic, BracketsInAnAnswerAreAnAnswer) {
    for (const char* text :
         {"[see](https://example.org)", "[1, 2, 3]", "[x] done", "[", "[f(", "[note (draft)]", "text [f(a=1)]"}) {
        const Turn turn = turn_of(pythonic, text);
        EXPECT_THAT(turn.calls, IsEmpty());
        EXPECT_EQ(turn.content, text);
        EXPECT_THAT(turn.notes, IsEmpty());
    }
}

TEST(Lfm2, ReadsPythonInTags) {
    expect_only(lfm2, "<|tool_call_start|>[f(city=\"Paris\")]<|tool_call_end|>", {{"f", paris}});
    expect_only(lfm2, "<|tool_call_start|>[{\"name\": \"f\", \"arguments\": {\"city\": \"Paris\"}}]<|tool_call_end|>",
                {{"f", paris}});
    const Turn turn = turn_of(lfm2, "<|tool_call_start|>[f(city=\"Paris\")]<|tool_call_end|>I am looking.");
    expect_calls(turn, {{"f", paris}});
    EXPECT_EQ(turn.content, "I am looking.");
}

TEST(Mistral, ReadsListsAndNames) {
    for (const ToolFormat format : {mistral_list, mistral_args}) {
        expect_only(format, R"([TOOL_CALLS] [{"name": "f", "arguments": {"city": "Paris"}, "id": "abcdefghi"}])",
                    {{"f", paris}});
        expect_only(format, R"([TOOL_CALLS]f[ARGS]{"city": "Paris"}[TOOL_CALLS]g[ARGS]{})",
                    {{"f", paris}, {"g", "{}"}});
        expect_only(format, R"([TOOL_CALLS]f{"city": "Paris"})", {{"f", paris}});
        expect_only(format, R"([TOOL_CALLS] [{"arguments": {"name": "John"}, "name": "f"}])",
                    {{"f", R"({"name": "John"})"}});
    }
    EXPECT_EQ(turn_of(mistral_list, R"([TOOL_CALLS][{"name": "f", "arguments": {}, "id": "abcdefghi"}])").calls[0].id,
              "");
    EXPECT_EQ(turn_of(mistral_list, R"([TOOL_CALLS][{"id": "abcdefghi", "name": "f", "arguments": {}}])").calls[0].id,
              "abcdefghi");
    EXPECT_EQ(turn_of(mistral_args, R"([TOOL_CALLS]f[CALL_ID]abc123xyz[ARGS]{})").calls[0].id, "abc123xyz");
    const Turn turn = turn_of(mistral_args, R"(Hello[TOOL_CALLS]f[ARGS]{"a": 1})");
    EXPECT_EQ(turn.content, "Hello");
    expect_text(mistral_list, "[TOOL_CALLS] not json at all", " not json at all");
}

TEST(DeepSeek, ReadsBlocksOfV3AndV31) {
    for (const ToolFormat format : {deepseek_v3, deepseek_v31}) {
        expect_only(
            format,
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"city\": "
            "\"Paris\"}\n```<｜tool▁call▁end｜>\n"
            "<｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            {{"f", paris}, {"g", "{}"}});
        expect_only(format,
                    "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"city\": \"Paris\"}<｜tool▁call▁end｜>"
                    "<｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
                    {{"f", paris}, {"g", "{}"}});
        // Without the block around it, and cut after the arguments.
        expect_only(format, "<｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"city\": \"Paris\"}", {{"f", paris}});
        expect_text(format, "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"city", "f\n{\"city");
    }
}

const std::string dsml =
    "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"city\" "
    "string=\"true\">Rome</｜DSML｜parameter>\n"
    "<｜DSML｜parameter name=\"days\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke "
    "name=\"g\">\n"
    "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";

TEST(DeepSeek, ReadsDsml) {
    expect_only(deepseek_v4, dsml, {{"f", rome}, {"g", "{}"}});
    const Turn turn = turn_of(deepseek_v4, "Let me check.\n\n" + dsml);
    EXPECT_EQ(turn.content, "Let me check.");
    EXPECT_THAT(turn.calls, SizeIs(2));
    // The attribute decides, not the look of the value.
    expect_only(deepseek_v32,
                "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" "
                "string=\"true\">12</｜DSML｜parameter>\n"
                "<｜DSML｜parameter name=\"b\" string=\"false\">[\"x\"]</｜DSML｜parameter>\n<｜DSML｜parameter "
                "name=\"c\" string=\"true\">\nx &lt; y\n"
                "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
                {{"f", R"({"a": "12", "b": ["x"], "c": "\nx &lt; y\n"})"}});
    expect_only(deepseek_v4,
                "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"false\">\"x"
                "</｜DSML｜parameter></｜DSML｜invoke>\"</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜tool_calls>",
                {{"f", R"({"a": "x</｜DSML｜parameter></｜DSML｜invoke>"})"}});
}

TEST(DeepSeek, AnOpenerInsideOpenThinkingIsNoCall) {
    const ParserOptions options{.format = deepseek_v4, .thinking = {"<think>", "</think>"}, .start = Start::thinking};
    const Turn unclosed = turn_of(options, "I should call.\n\n" + dsml);
    EXPECT_THAT(unclosed.calls, IsEmpty());
    EXPECT_EQ(unclosed.thinking, "I should call.\n\n" + dsml);
    EXPECT_THAT(unclosed.notes, ElementsAre(HasSubstr("inside thinking")));
    const Turn closed = turn_of(options, "I should write " + dsml + ".</think>" + dsml);
    EXPECT_THAT(closed.calls, SizeIs(2));
    EXPECT_THAT(closed.notes, IsEmpty());
}

ParserOptions harmony_options(Start start = Start::header) { return {.format = harmony, .start = start}; }

TEST(Harmony, ReadsChannels) {
    const Turn turn = turn_of(harmony_options(),
                              "<|channel|>analysis<|message|>The user "
                              "asks.<|end|><|start|>assistant<|channel|>commentary<|message|>Let me look."
                              "<|end|><|start|>assistant<|channel|>commentary to=functions.f "
                              "<|constrain|>json<|message|>{\"city\": \"Paris\"}<|call|>");
    EXPECT_EQ(turn.thinking, "The user asks.");
    EXPECT_EQ(turn.content, "Let me look.");
    expect_calls(turn, {{"f", paris}});
    EXPECT_THAT(turn.notes, IsEmpty());
    const Turn answer = turn_of(harmony_options(), "<|channel|>final<|message|>Paris is <warm>.");
    EXPECT_EQ(answer.content, "Paris is <warm>.");
    expect_calls(
        turn_of(harmony_options(), " to=functions.f<|channel|>commentary json<|message|>{\"city\": \"Paris\"}"),
        {{"f", paris}});
    EXPECT_EQ(turn_of(harmony_options(Start::thinking), "more<|end|><|start|>assistant<|channel|>final<|message|>Yes.")
                  .thinking,
              "more");
    EXPECT_EQ(turn_of(harmony_options(Start::content), " and so on.").content, " and so on.");
    expect_calls(turn_of(harmony_options(), "<|channel|>analysis to=browser.search code<|message|>{\"query\": \"x\"}"),
                 {{"browser.search", R"({"query": "x"})"}});
}

TEST(Harmony, SurvivesWhatModelsForget) {
    EXPECT_EQ(turn_of(harmony_options(), "Hello there.").content, "Hello there.");
    EXPECT_EQ(turn_of(harmony_options(), "").content, "");
    EXPECT_EQ(turn_of(harmony_options(), "<|channel|>final").content, "");
    EXPECT_EQ(turn_of(harmony_options(), "<|channel|>final<|message|>a<|end|>b").content, "a\nb");
    EXPECT_EQ(turn_of(harmony_options(), "<|channel|>analysis to=python code<|message|>print(1)").thinking, "print(1)");
    const Turn cut = turn_of(harmony_options(), "<|channel|>commentary to=functions.f<|message|>{\"city\": \"Par");
    EXPECT_THAT(cut.calls, IsEmpty());
    EXPECT_EQ(cut.content, "{\"city\": \"Par");
    EXPECT_THAT(cut.notes, SizeIs(1));
    const Turn two = turn_of(harmony_options(),
                             "<|channel|>commentary to=functions.f<|message|>{\"a\": "
                             "1<|end|><|start|>assistant<|channel|>final<|message|>x");
    expect_calls(two, {});
    EXPECT_THAT(two.content, HasSubstr("x"));
}

TEST(Glm4, ReadsKeysAndValues) {
    expect_only(glm4,
                "<tool_call>f\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n<arg_key>days</"
                "arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
                {{"f", rome}});
    expect_only(glm4,
                "<tool_call>f<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call><tool_call>g</"
                "tool_call>\n<tool_call>h\n</tool_call>",
                {{"f", paris}, {"g", "{}"}, {"h", "{}"}});
    expect_only(glm4, "<tool_call>f\n<arg_key>city</arg_key>\n<arg_value>a </arg_value> b</arg_value>\n</tool_call>",
                {{"f", R"({"city": "a </arg_value> b"})"}});
}

TEST(KimiK2, ReadsSectionsAndIds) {
    const std::string text =
        "I look. <|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{\"city\": "
        "\"Paris\"}<|tool_call_end|>"
        "<|tool_call_begin|>g:1 <|tool_call_argument_begin|> {}<|tool_call_end|><|tool_calls_section_end|>";
    const Turn turn = turn_of(kimi_k2, text);
    expect_calls(turn, {{"f", paris}, {"g", "{}"}});
    EXPECT_EQ(turn.calls[0].id, "functions.f:0");
    EXPECT_EQ(turn.calls[1].id, "g:1");
    EXPECT_EQ(turn.content, "I look.");
    expect_only(kimi_k2,
                "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{\"city\": "
                "\"Paris\"<|tool_call_end|>"
                "<|tool_call_begin|>functions.g:1<|tool_call_argument_begin|><|tool_call_end|>",
                {{"f", paris}, {"g", "{}"}});
}

TEST(MiniMax, ReadsM1AndM2) {
    expect_only(minimax_m1,
                "<tool_calls>\n{\"name\": \"f\", \"arguments\": {\"city\": \"Paris\"}}\n{\"name\": \"g\", "
                "\"arguments\": {}}\n</tool_calls>",
                {{"f", paris}, {"g", "{}"}});
    expect_only(minimax_m2,
                "<minimax:tool_call>\n<invoke name=\"search_web\">\n<parameter name=\"query_tag\">[\"technology\", "
                "\"events\"]</parameter>\n"
                "<parameter name=\"query_list\">[\"\\\"OpenAI\\\" \\\"latest\\\"\"]</parameter>\n</invoke>\n<invoke "
                "name=\"g\">\n</invoke>\n</minimax:tool_call>",
                {{"search_web", R"({"query_tag": ["technology", "events"], "query_list": ["\"OpenAI\" \"latest\""]})"},
                 {"g", "{}"}});
}

TEST(Gemma, ReadsItsOwnNotation) {
    expect_only(gemma4, "<|tool_call>call:f{city:<|\"|>Rome<|\"|>,days:2}<tool_call|><|tool_call>call:g{}<tool_call|>",
                {{"f", rome}, {"g", "{}"}});
    expect_only(gemma4,
                "<|tool_call>call:f{a:{<|\"|>3<|\"|>:<|\"|>x, \"y\"}<|\"|>},b:[1.5,true,null,<|\"|><|\"|>],c:bare "
                "words,d:}<tool_call|>",
                {{"f", R"({"a": {"3": "x, \"y\"}"}, "b": [1.5, true, null, ""], "c": "bare words", "d": ""})"}});
    expect_only(function_gemma, "<start_function_call>call:f{city:<escape>Paris<escape>}<end_function_call>",
                {{"f", paris}});
    expect_text(gemma4, "<|tool_call>call:f{city:<|\"|>London", "call:f{city:<|\"|>London");
}

TEST(Granite, ReadsLists) {
    expect_only(granite,
                R"(<|tool_call|> [{"name": "f", "arguments": {"city": "Paris"}}, {"arguments": {}, "name": "g"}])",
                {{"f", paris}, {"g", "{}"}});
    expect_only(granite, R"(<tool_call>[{"name": "f", "arguments": {"city": "Paris"}}])", {{"f", paris}});
    expect_only(granite, R"(<tool_call>{"name": "f", "arguments": {"city": "Paris"}}</tool_call>)", {{"f", paris}});
    const Turn turn = turn_of(granite, "<think>Hm.</think><response>It is a <response>.</response>");
    EXPECT_EQ(turn.thinking, "Hm.");
    EXPECT_EQ(turn.content, "It is a <response>.");
}

TEST(CommandR, ReadsActions) {
    const ParserOptions options{.format = command_r7b, .thinking = {"<|START_THINKING|>", "<|END_THINKING|>"}};
    const Turn turn = turn_of(options,
                              "<|START_THINKING|>I look it up.<|END_THINKING|><|START_ACTION|>[\n    "
                              "{\"tool_call_id\": \"0\", \"tool_name\": \"f\", "
                              "\"parameters\": {\"city\": \"Paris\"}}\n]<|END_ACTION|>");
    EXPECT_EQ(turn.thinking, "I look it up.");
    expect_calls(turn, {{"f", paris}});
    EXPECT_EQ(turn.calls[0].id, "0");
    EXPECT_EQ(turn_of(options, "<|START_RESPONSE|>Paris is warm.<|END_RESPONSE|>").content, "Paris is warm.");
}

TEST(CommandR, ReadsFencedActions) {
    expect_only(command_r,
                "Action: ```json\n[\n    {\n        \"tool_name\": \"f\",\n        \"parameters\": {\n            "
                "\"city\": \"Paris\"\n"
                "        }\n    }\n]```",
                {{"f", paris}});
    const Turn turn = turn_of(
        command_r, "Plan: look.\nAction:```json\n[{\"tool_name\": \"f\", \"parameters\": {}}]\n```\nDone. ```x```");
    EXPECT_THAT(turn.calls, SizeIs(1));
    EXPECT_EQ(turn.content, "Plan: look.\nDone. ```x```");
}

TEST(ListsOfCalls, OfApertusAndNemotron) {
    expect_only(apertus, R"(<|tools_prefix|>[{"f": {"city": "Paris"}}, {"g": {}}]<|tools_suffix|>)",
                {{"f", paris}, {"g", "{}"}});
    expect_only(nemotron_v2, R"(<TOOLCALL>[{"name": "f", "arguments": {"city": "Paris"}}]</TOOLCALL>)", {{"f", paris}});
}

}  // namespace
}  // namespace quern::text
