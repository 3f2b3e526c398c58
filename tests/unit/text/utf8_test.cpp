#include "text/utf8.h"

#include <gtest/gtest.h>

namespace quern::text {
namespace {

TEST(Utf8, AcceptsExactlyWhatUnicodeDoes) {
    // Every code point survives; catches a wrong bound in the table of lead bytes.
    for (char32_t code = 0; code <= 0x10FFFF; ++code) {
        if (code >= 0xD800 && code <= 0xDFFF) continue;
        std::string s;
        append_utf8(s, code);
        ASSERT_EQ(valid_prefix(s), s.size()) << static_cast<unsigned>(code);
        ASSERT_EQ(code_point(s), code);
        ASSERT_EQ(next_character(s).bytes, s.size());
        if (s.size() > 1) {
            ASSERT_EQ(next_character(std::string_view(s).substr(0, s.size() - 1)).kind, Utf8::incomplete);
        }
    }
}

TEST(Utf8, RefusesWhatIsNoCharacter) {
    for (const char* bad :
         {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
          "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5", "\xFF"}) {
        EXPECT_EQ(next_character(bad).kind, Utf8::malformed) << bad;
        EXPECT_EQ(next_character(bad).bytes, 1u) << bad;
        EXPECT_EQ(valid_prefix(std::string("0123456789") + bad), 10u);
    }
}

TEST(Utf8, MalformedIsTheMaximalSubpart) {
    // The example of Unicode 15, table 3-11.
    const std::string text = "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41";
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < text.size();) {
        sizes.push_back(next_character(std::string_view(text).substr(i)).bytes);
        i += sizes.back();
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 1, 3, 2, 1}));
}

TEST(Utf8, PrefixStopsWhereItMust) {
    EXPECT_EQ(valid_prefix(""), 0u);
    EXPECT_EQ(valid_prefix("plain ASCII of some length"), 26u);
    EXPECT_EQ(valid_prefix("abcdefg\xC3\xA9 and more\xE2\x82"), 18u);
}

}  // namespace
}  // namespace quern::text
