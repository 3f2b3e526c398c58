// What holds for all notations: thinking, content, how calls are given and bounded, going on with a turn.
#include "text/toolcall/parser.h"

#include <gmock/gmock.h>

#include "parse_for_tests.h"
#include "text/toolcall/value.h"

namespace quern::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using enum ToolFormat;

TEST(Thinking, IsDividedFromContent) {
    const ParserOptions options{.format = hermes, .thinking = {"<think>", "</think>"}};
    const Turn turn = turn_of(options, "<think>\nHm.\n\nSo.\n</think>\n\nHello <b>\n");
    EXPECT_EQ(turn.thinking, "Hm.\n\nSo.");
    EXPECT_EQ(turn.content, "Hello <b>\n");
    EXPECT_EQ(turn_of(options, "Tags like <think> are text here.").content, "Tags like <think> are text here.");
    const Turn unclosed = turn_of(options, "<think>Hm. <tool_call>{\"name\": \"f\"}</tool_call>");
    EXPECT_THAT(unclosed.calls, IsEmpty());
    EXPECT_EQ(unclosed.content, "");
    const Turn stray = turn_of(options, "It was thought.</think>\n\nHello.");
    EXPECT_EQ(stray.content, "It was thought.\n\n\nHello.");
    EXPECT_THAT(stray.notes, SizeIs(1));
    // Thinking again after a call.
    const Turn twice = turn_of(options, "<think>a</think><tool_call>{\"name\": \"f\"}</tool_call><think>b</think>c");
    EXPECT_EQ(twice.thinking, "a\nb");
    EXPECT_EQ(twice.content, "c");
    EXPECT_EQ(turn_of({.format = gemma4, .thinking = {"<|channel>thought\n", "<channel|>"}},
                      "<|channel>thought\nHm.\n<channel|>Yes.")
                  .thinking,
              "Hm.");
}

TEST(Content, IsExactWhereThereIsNeitherThinkingNorCall) {
    for (const ToolFormatName& f : tool_formats())
        for (const char* text :
             {"", " ", "\n\n x \n", " Hello <tool> [x] </x> {y}\n", "a < b && c > d ｜ <｜ <| |> ``` \t\n"}) {
            const ParserOptions options{.format = f.format,
                                        .start = f.format == harmony ? Start::content : Start::content};
            const Turn turn = turn_of(options, text);
            EXPECT_EQ(turn.content, text) << f.name;
            EXPECT_THAT(turn.notes, IsEmpty()) << f.name;
        }
}

TEST(Content, ComesAtOnceButForWhatMayBeAMarker) {
    Parser parser({.format = hermes, .thinking = {"<think>", "</think>"}});
    std::vector<Event> events;
    const auto feed = [&](std::string_view bytes) {
        events.clear();
        parser.feed(bytes, events);
        return collect(events).content;
    };
    EXPECT_EQ(feed("Hello"), "Hello");
    EXPECT_EQ(feed(" wor"), " wor");
    EXPECT_EQ(feed("ld <tool"), "ld");
    EXPECT_EQ(feed("box>"), " <toolbox>");
    EXPECT_EQ(feed("\xE6\x9D"), "");
    EXPECT_EQ(feed("\xB1"), "東");
    EXPECT_EQ(feed("<tool_call"), "");
    EXPECT_EQ(feed(">{\"name\": \"f\", \"arguments\": {\"a\": \"b"), "");
    EXPECT_THAT(events, ElementsAre(Event{Event::Kind::call_start, 0, ""}, Event{Event::Kind::call_name, 0, "f"},
                                    Event{Event::Kind::arguments_delta, 0, "{\"a\": \"b"}));
}

TEST(Calls, MayBeGivenOnlyWhenComplete) {
    ParserOptions options{.format = hermes, .deliver = Deliver::when_complete};
    Parser parser(options);
    std::vector<Event> events;
    parser.feed("<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"b", events);
    EXPECT_THAT(events, IsEmpty());
    parser.feed("\"}}", events);
    EXPECT_THAT(events, SizeIs(4));
    const std::string broken = "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": oops}}</tool_call>";
    for (const Event& e : parse(options, broken)) EXPECT_EQ(e.call, -1);
    options.deliver = Deliver::as_written;
    EXPECT_THAT(parse(options, broken), testing::Contains(Event{Event::Kind::call_dropped, 0, ""}));
}

TEST(Calls, OfUnknownToolsAreSaidToBe) {
    ToolTypes tools;
    tools.add("f", Json());
    const Turn turn = turn_of({.format = hermes, .tools = &tools}, "<tool_call>{\"name\": \"g\"}</tool_call>");
    EXPECT_THAT(turn.calls, SizeIs(1));
    EXPECT_THAT(turn.notes, ElementsAre("the tool g was called, which was not offered"));
}

TEST(Calls, InACodeBlockAreCalls) {  // as a grammar takes effect there too
    const Turn turn = turn_of(hermes, "```xml\n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>\n```");
    EXPECT_THAT(turn.calls, SizeIs(1));
    EXPECT_EQ(turn.content, "```xml\n```");
}

TEST(Calls, NestedTooDeepAreText) {
    const auto nested = [](std::size_t depth) {
        return "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": " + std::string(depth, '[') +
               std::string(depth, ']') + "}}</tool_call>";
    };
    const Turn deep = turn_of(hermes, nested(max_value_depth - 1));
    ASSERT_THAT(deep.calls, SizeIs(1));
    EXPECT_NO_THROW(parse_json(deep.calls[0].arguments, "arguments"));
    const Turn deeper = turn_of(hermes, nested(max_value_depth));
    EXPECT_THAT(deeper.calls, IsEmpty());
    EXPECT_THAT(deeper.notes, testing::Not(IsEmpty()));
}

TEST(Calls, TooLongAreText) {
    const ParserOptions options{.format = hermes, .max_call_bytes = 1000};
    const Turn turn = turn_of(options, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"" +
                                           std::string(2000, 'x') + "\"}}</tool_call>");
    EXPECT_THAT(turn.calls, IsEmpty());
    EXPECT_THAT(turn.notes, testing::Contains(HasSubstr("too long")));
    EXPECT_THAT(turn.content, HasSubstr(std::string(900, 'x')));
}

TEST(Resuming, GoesOnWhereTheTurnStopped) {
    const std::string said = "<think>Hm.</think>Let me see. <tool_call>{\"name\": \"f\", \"argum",
                      rest = "ents\": {\"city\": \"Paris\"}}</tool_call>";
    Parser parser({.format = hermes, .thinking = {"<think>", "</think>"}});
    parser.resume(said);
    std::vector<Event> events;
    parser.feed(rest, events);
    parser.finish(events);
    const Turn turn = collect(events);
    EXPECT_EQ(turn.content, "");
    EXPECT_EQ(turn.thinking, "");
    expect_calls(turn, {{"f", R"({"city": "Paris"})"}});
}

// Texts made to be slow or to fill memory: every notation reads each in one pass. (A time limit on the whole test
// program catches what is not linear: at a quadratic cost each of these would take hours.)
TEST(HugeTexts, AreReadInOnePass) {
    constexpr std::size_t size = 1 << 16;
    for (const ToolFormatName& f : tool_formats()) {
        const Syntax& s = syntax(f.format);
        const std::string opener(s.openers[0].empty() ? s.call_openers[0] : s.openers[0]);
        for (const std::string& unit :
             {std::string("<"), std::string(" "), std::string("\n"), std::string("{"), std::string("[\""), opener,
              opener + "{\"name\": \"f\", \"arguments\": {\"a\": \"", std::string("</parameter> "),
              std::string("<function=f><parameter=a>"), std::string("`}"), std::string("\\u\"")}) {
            if (unit.empty()) continue;
            std::string text = opener;
            while (text.size() < size) text += unit;
            Parser parser({.format = f.format, .max_call_bytes = size / 4});
            std::vector<Event> events;
            for (std::size_t at = 0; at < text.size(); at += 4096)
                parser.feed(std::string_view(text).substr(at, 4096), events);
            parser.finish(events);
            std::size_t given = 0;
            for (const Event& e : events) given += e.text.size() + 1;
            EXPECT_LE(given, 8 * text.size()) << f.name << ' ' << unit;
        }
    }
}

}  // namespace
}  // namespace quern::text
