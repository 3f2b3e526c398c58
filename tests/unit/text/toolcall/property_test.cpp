// What must hold for any text: events are well formed, streaming makes no difference, arguments are JSON, no opener
// stays in content, and calls written as a grammar allows come back whole. The properties are tested on broken parsers
// too: a property that cannot fail says nothing.
#include <gmock/gmock.h>

#include <functional>

#include "calls_for_tests.h"
#include "parse_for_tests.h"

namespace quern::text {
namespace {

using testing::IsEmpty;
using Kind = Event::Kind;

std::vector<ToolFormat> formats() {
    std::vector<ToolFormat> out;
    for (const ToolFormatName& f : tool_formats()) out.push_back(f.format);
    return out;
}

ParserOptions options_for(ToolFormat format, std::mt19937& random) {
    ParserOptions o{.format = format, .thinking = {"<think>", "</think>"}};
    if (format == ToolFormat::gemma4) o.thinking = {"<|channel>thought\n", "<channel|>"};
    if (random() % 4 == 0) o.start = Start::thinking;
    if (random() % 4 == 0) o.start = Start::after_thinking;
    if (format == ToolFormat::harmony) o.start = random() % 4 == 0 ? Start::thinking : Start::header;
    if (random() % 2 == 0) o.deliver = Deliver::when_complete;
    if (random() % 2 == 0) o.tools = &test_tools();
    return o;
}

std::string mutated(std::mt19937& random, std::string text) {
    for (unsigned times = 1 + random() % 4; times > 0 && !text.empty(); --times) {
        const std::size_t at = random() % text.size(), length = 1 + random() % 12;
        switch (random() % 6) {
            case 0:
                text.erase(at, length);
                break;
            case 1:
                text.insert(at, random_text(random, 3));
                break;
            case 2:
                text.replace(at, 1, 1, static_cast<char>(random()));
                break;
            case 3:
                text.insert(at, text.substr(random() % text.size(), length));
                break;
            case 4:
                text.resize(at);
                break;
            default:
                text.replace(at, length, random_text(random, 2));
                break;
        }
    }
    return text;
}

std::string written_turn(std::mt19937& random, ToolFormat format) {
    std::vector<TestCall> calls(1 + random() % 3);
    for (TestCall& c : calls) c = random_call(random);
    std::string text = random() % 2 ? random_text(random, 6) : "";
    if (random() % 3 == 0) text = "<think>" + random_text(random, 6) + "</think>\n\n" + text;
    return text + write_calls(format, calls) + (random() % 2 ? random_text(random, 6) : "");
}

using ParseSplit = std::function<std::vector<Event>(const ParserOptions&, std::string_view, const Splits&)>;

struct Differences {
    int count = 0;
    std::string first;
};

// Texts at random, valid, damaged and senseless: how many gave other events in pieces than whole.
Differences differences(const ParseSplit& in_pieces, int rounds) {
    std::mt19937 random(20);
    Differences found;
    for (int round = 0; round < rounds; ++round) {
        for (const ToolFormat format : formats()) {
            const ParserOptions options = options_for(format, random);
            std::string text = random() % 4 == 0 ? random_text(random, 30) : written_turn(random, format);
            if (random() % 2) text = mutated(random, text);
            const std::vector<Event> whole = joined(parse(options, text));
            if (in_pieces(options, text, random_splits(random, text.size())) == whole) continue;
            if (found.count++ == 0) found.first = text;
        }
    }
    return found;
}

TEST(ToolCallProperties, PiecesMakeNoDifference) {
    const Differences found = differences(parse_split, 200);
    EXPECT_EQ(found.count, 0) << found.first;
}

TEST(ToolCallProperties, BrokenStreamingIsCaught) {
    const auto starts_anew = [](const ParserOptions& options, std::string_view text, const Splits& splits) {
        std::vector<Event> all;
        for (std::size_t i = 0; i <= splits.size(); ++i) {
            const std::string_view piece = text.substr(0, i < splits.size() ? splits[i] : text.size());
            for (const Event& e : parse(options, piece)) append_event(all, e);
            text.remove_prefix(piece.size());
        }
        return all;
    };
    const auto forgets_held_bytes = [](const ParserOptions& options, std::string_view text, const Splits& splits) {
        std::string kept;
        for (const std::size_t length : splits) {
            std::string_view piece = text.substr(0, length);
            text.remove_prefix(piece.size());
            if (!text.empty() && piece.ends_with('<')) piece.remove_suffix(1);
            kept += piece;
        }
        return joined(parse(options, kept));
    };
    EXPECT_GT(differences(starts_anew, 3).count, 10);
    EXPECT_GT(differences(forgets_held_bytes, 10).count, 10);
}

TEST(ToolCallProperties, EventsAreWellFormedWhateverTheText) {
    std::mt19937 random(21);
    for (int round = 0; round < 300; ++round) {
        for (const ToolFormat format : formats()) {
            const ParserOptions options = options_for(format, random);
            std::string text = random() % 4 == 0 ? random_text(random, 40) : written_turn(random, format);
            if (random() % 4) text = mutated(random, text);
            const std::string wrong = fault(stream(options, text, random_splits(random, text.size())), format);
            ASSERT_EQ(wrong, "") << tool_format_name(format) << '\n' << text;
        }
    }
}

TEST(ToolCallProperties, FaultsAreSeen) {
    const Event start{Kind::call_start, 0, {}}, name{Kind::call_name, 0, "f"}, end{Kind::call_end, 0, {}};
    const Event arguments{Kind::arguments_delta, 0, "{\"a\": 1}"}, cut{Kind::arguments_delta, 0, "{\"a\": "};
    const auto wrong = [](const std::vector<Event>& events) { return fault(events, ToolFormat::hermes); };
    EXPECT_EQ(wrong({start, name, arguments, end}), "");
    EXPECT_NE(wrong({start, name, cut, end}), "");
    EXPECT_NE(wrong({start, arguments, end}), "");
    EXPECT_NE(wrong({start, name, arguments}), "");
    EXPECT_NE(wrong({start, name, arguments, end, start}), "");
    EXPECT_NE(wrong({{Kind::content_delta, -1, "so: <tool_call>"}}), "");
    EXPECT_NE(wrong({{Kind::content_delta, -1, "\xE2\x82"}}), "");
    EXPECT_NE(fault(parse({}, "<tool_call>{}"), ToolFormat::hermes), "");  // read in another notation
}

// The whole point: what a grammar lets a model write is what the tool gets.
TEST(ToolCallProperties, WrittenCallsComeBack) {
    std::mt19937 random(22);
    for (int round = 0; round < 150; ++round) {
        for (const ToolFormat format : formats()) {
            if (format == ToolFormat::none) continue;
            const Syntax& s = syntax(format);
            std::vector<TestCall> calls(s.pattern.parallel ? 1 + random() % 4 : 1);
            for (TestCall& c : calls) c = random_call(random);
            ParserOptions options = options_for(format, random);
            options.tools = &test_tools();
            options.start = format == ToolFormat::harmony ? Start::header : Start::content;
            const bool prose = format != ToolFormat::harmony && s.bare_opener == 0 && random() % 2 == 0;
            const std::string before = prose ? "Let me see.\n\n" : "", after = prose ? "\nDone: }" : "";
            const std::string text = before + write_calls(format, calls) + after;
            const std::vector<Event> events = parse_split(options, text, random_splits(random, text.size()));
            const Turn turn = collect(events);
            SCOPED_TRACE(std::string(tool_format_name(format)) + '\n' + text);
            ASSERT_EQ(turn.calls.size(), calls.size());
            for (std::size_t i = 0; i < calls.size(); ++i) {
                ASSERT_EQ(turn.calls[i].name, calls[i].name);
                ASSERT_EQ(json_of(turn.calls[i].arguments), json_of(calls[i].arguments.dump()));
            }
            ASSERT_EQ(turn.content, prose ? "Let me see.\nDone: }" : "");
            ASSERT_THAT(turn.notes, IsEmpty());
        }
    }
}

TEST(ToolCallProperties, PatternsBeginWithATrigger) {
    for (const ToolFormat format : formats()) {
        if (format == ToolFormat::none) continue;
        std::vector<TestCall> calls{{"now", nlohmann::ordered_json::object()}};
        const std::string text = write_calls(format, calls);
        const Triggers t = triggers(format);
        EXPECT_EQ(t.anywhere.empty(), syntax(format).bare_opener != 0) << tool_format_name(format);
        bool begins = false;
        for (const auto& list : {t.anywhere, t.at_start})
            for (const std::string_view trigger : list) begins = begins || text.starts_with(trigger);
        EXPECT_TRUE(begins) << text;
    }
}

}  // namespace
}  // namespace quern::text
