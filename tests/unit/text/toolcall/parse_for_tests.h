// Ways to parse that the tests compare with one another, and names for what they print.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "streams_for_tests.h"

namespace quern::text {

inline void PrintTo(const Turn& turn, std::ostream* out) {
    nlohmann::ordered_json j{{"thinking", turn.thinking}, {"content", turn.content}, {"notes", turn.notes}};
    for (const Turn::Call& c : turn.calls)
        j["calls"].push_back({{"id", c.id}, {"name", c.name}, {"arguments", c.arguments}});
    *out << j.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

inline void PrintTo(const Event& event, std::ostream* out) {
    *out << static_cast<int>(event.kind) << '/' << event.call << ' '
         << nlohmann::json(event.text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

inline std::vector<Event> parse_split(const ParserOptions& options, std::string_view text, const Splits& splits) {
    return joined(stream(options, text, splits));
}

inline Splits random_splits(std::mt19937& random, std::size_t size) {
    const std::size_t longest = std::size_t{1} << (random() % 6);
    Splits out;
    for (std::size_t at = 0; at < size;) {
        out.push_back(1 + random() % longest);
        at += out.back();
    }
    return out;
}

inline Turn turn_of(const ParserOptions& options, std::string_view text) { return collect(parse(options, text)); }

inline Turn turn_of(ToolFormat format, std::string_view text) {
    return turn_of(ParserOptions{.format = format, .thinking = {"<think>", "</think>"}}, text);
}

inline nlohmann::json json_of(const std::string& text) { return nlohmann::json::parse(text); }

struct Expected {
    std::string name, arguments;
};

inline void expect_calls(const Turn& turn, const std::vector<Expected>& calls) {
    ASSERT_EQ(turn.calls.size(), calls.size()) << testing::PrintToString(turn);
    for (std::size_t i = 0; i < calls.size(); ++i) {
        EXPECT_EQ(turn.calls[i].name, calls[i].name);
        EXPECT_EQ(json_of(turn.calls[i].arguments), json_of(calls[i].arguments));
    }
}

}  // namespace quern::text
