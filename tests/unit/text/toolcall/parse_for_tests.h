// Ways to parse that the tests compare with one another, and names for what they print.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "text/toolcall/parser.h"
#include "text/utf8.h"

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

// Deltas joined across pieces, so that event streams can be compared.
inline std::vector<Event> joined(const std::vector<Event>& events) {
    std::vector<Event> out;
    for (const Event& e : events) append_event(out, e);
    return out;
}

using Splits = std::vector<std::size_t>;  // lengths of the pieces; the last piece is what remains

inline std::vector<Event> parse_split(const ParserOptions& options, std::string_view text, const Splits& splits) {
    Parser parser(options);
    std::vector<Event> all;
    for (const std::size_t length : splits) {
        std::vector<Event> events;
        parser.feed(text.substr(0, length), events);
        text.remove_prefix(std::min(length, text.size()));
        for (const Event& e : events)
            EXPECT_EQ(valid_prefix(e.text), e.text.size())
                << "half a character: "
                << nlohmann::json(e.text).dump(-1, 32, true, nlohmann::json::error_handler_t::replace) << text;
        all.insert(all.end(), events.begin(), events.end());
    }
    parser.feed(text, all);
    parser.finish(all);
    return joined(all);
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

}  // namespace quern::text
