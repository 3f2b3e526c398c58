// Turns as the models' own templates write them, rendered by Jinja2 (tools/golden/text_toolcalls.py): the parser finds
// the calls, the words and the thinking that were put in, and the place where each template lets the answer begin.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "parse_for_tests.h"

namespace quern::text {
namespace {

const Json& golden() {
    static const Json j =
        parse_json(read_text(Path(QUERN_SOURCE_DIR) / "tests/golden/toolcalls/rendered.json"), "rendered.json");
    return j;
}

const ToolTypes& tools() {
    static const ToolTypes types = [] {
        ToolTypes t;
        for (const Json& tool : golden()["tools"]) t.add(tool["function"]["name"], tool["function"]["parameters"]);
        return t;
    }();
    return types;
}

ParserOptions options_of(const Json& entry) {
    const auto format = find_tool_format(entry["format"].get<std::string>());
    EXPECT_TRUE(format) << entry["format"];
    return {.format = format.value_or(ToolFormat::none),
            .thinking = {entry["thinking_markers"][0], entry["thinking_markers"][1]},
            .tools = &tools()};
}

void expect_turn(const Json& entry, const Turn& turn) {
    EXPECT_EQ(turn.content, entry["content"].get<std::string>());
    EXPECT_EQ(turn.thinking, entry["thinking"].get<std::string>());
    EXPECT_THAT(turn.notes, testing::IsEmpty());
    ASSERT_EQ(turn.calls.size(), entry["calls"].size());
    for (std::size_t i = 0; i < turn.calls.size(); ++i) {
        const Json& call = golden()["calls"][entry["calls"][i].get<std::string>()];
        EXPECT_EQ(turn.calls[i].name, call["name"].get<std::string>());
        EXPECT_EQ(json_of(turn.calls[i].arguments), json_of(call["arguments"].dump()));
    }
}

TEST(RenderedTurns, ComeBackAsTheyWerePutIn) {
    std::set<std::string> formats;
    for (const Json& entry : golden()["turns"]) {
        SCOPED_TRACE(entry["template"].get<std::string>() + " " + entry["calls"].dump() + "\n" +
                     entry["text"].get<std::string>());
        const ParserOptions options = [&] {
            ParserOptions o = options_of(entry);
            if (o.format == ToolFormat::harmony) o.start = Start::header;
            return o;
        }();
        expect_turn(entry, turn_of(options, entry["text"].get<std::string>()));
        formats.insert(entry["format"]);
    }
    EXPECT_EQ(formats.size(), 15U);
}

TEST(RenderedTurns, AreTheSameByteByByteAndWhenCallsAreGivenComplete) {
    for (const Json& entry : golden()["turns"]) {
        const std::string text = entry["text"];
        ParserOptions options = options_of(entry);
        if (options.format == ToolFormat::harmony) options.start = Start::header;
        const std::vector<Event> whole = joined(parse(options, text));
        EXPECT_EQ(parse_split(options, text, Splits(text.size(), 1)), whole) << text;
        options.deliver = Deliver::when_complete;
        EXPECT_EQ(collect(parse(options, text)), collect(whole)) << text;
    }
}

TEST(StartOfAnswer, IsWhereTheTemplateLeavesIt) {
    const std::map<std::string, Start> starts{{"content", Start::content},
                                              {"thinking", Start::thinking},
                                              {"after_thinking", Start::after_thinking},
                                              {"header", Start::header}};
    for (const Json& entry : golden()["prompts"]) {
        const ParserOptions o = options_of(entry);
        EXPECT_EQ(start_of_answer(o.format, o.thinking, entry["tail"].get<std::string>()),
                  starts.at(entry["start"].get<std::string>()))
            << entry["tail"];
    }
}

}  // namespace
}  // namespace quern::text
