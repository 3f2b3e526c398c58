// The golden files of tests/golden/tokenizers (tools/golden/text_tokenizers.py makes them, and explains the checks).
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::text {

inline Json golden(const std::string& name) {
    return parse_json(read_text(Path(QUERN_SOURCE_DIR) / "tests/golden/tokenizers" / name), name);
}
inline std::vector<std::string> golden_strings() { return golden("strings.json")["strings"]; }

inline std::string golden_check(const std::vector<std::uint32_t>& values, int digits) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::uint32_t h = 0x811C9DC5;
    for (const std::uint32_t v : values) h = (h ^ v) * 0x01000193;
    h = (h ^ h >> 16) * 0x45D9F3B;
    h ^= h >> 16;
    std::string out;
    for (int i = 0; i < digits; ++i) out += alphabet[h >> (6 * i) & 63];
    return out;
}

inline bool inside_character(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

// Ids, and places in the text; the originals know whole characters only.
inline std::vector<std::uint32_t> golden_values(std::string_view text, const Tokenizer::Encoding& e) {
    std::vector<std::uint32_t> values{static_cast<std::uint32_t>(e.ids.size())};
    for (const std::int32_t id : e.ids) values.push_back(static_cast<std::uint32_t>(id));
    for (Span span : e.spans) {
        while (inside_character(text, span.begin)) --span.begin;
        while (inside_character(text, span.end)) ++span.end;
        values.insert(values.end(), {span.begin, span.end});
    }
    return values;
}

// Compares ids and places of every string, and that ids are the same without places. Counts what was compared.
inline std::size_t expect_golden(const Tokenizer& tokenizer, const std::vector<std::string>& strings,
                                 const std::string& checks, const std::string& what,
                                 Specials specials = Specials::as_text) {
    EXPECT_EQ(checks.size(), 4 * strings.size()) << what;
    std::size_t compared = 0;
    for (std::size_t i = 0; i < strings.size() && 4 * i < checks.size(); ++i) {
        const std::string expected = checks.substr(4 * i, 4);
        if (expected == "----") continue;  // the original's tables are older
        const Tokenizer::Encoding e = tokenizer.encode_with_spans(strings[i], specials);
        EXPECT_EQ(golden_check(golden_values(strings[i], e), 4), expected)
            << what << ", string " << i << ": " << strings[i].substr(0, 100) << "\nids "
            << testing::PrintToString(
                   std::vector(e.ids.begin(), e.ids.begin() + std::min<std::ptrdiff_t>(30, std::ssize(e.ids))))
            << [&] {
                   std::string spans;
                   for (std::size_t k = 0; k < e.spans.size() && k < 30; ++k)
                       spans += fmt::format(" {}-{}", e.spans[k].begin, e.spans[k].end);
                   return spans;
               }();
        EXPECT_EQ(tokenizer.encode(strings[i], specials), e.ids) << what << ", string " << i;
        ++compared;
    }
    return compared;
}

}  // namespace quern::text
