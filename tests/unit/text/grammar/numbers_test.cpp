// Numbers against exact arithmetic: all texts from a list that covers the edges, compared as long double after scaling.
#include "text/grammar/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace quern::grammar {
namespace {

bool in(const Dfa& d, std::string_view text) {
    return d.run(std::vector<std::uint32_t>(text.begin(), text.end())) >= 0;
}

std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (int sign = 0; sign < 2; ++sign)
        for (const char* whole :
             {"0", "1", "2", "3", "9", "10", "11", "19", "99", "100", "101", "299", "300", "301", "1000"})
            for (const char* fraction :
                 {"", ".0", ".00", ".1", ".10", ".09", ".11", ".5", ".49", ".50", ".51", ".999", ".0001"})
                out.push_back(std::string(sign ? "-" : "") + whole + fraction);
    return out;
}

// In ten-thousandths, exactly.
long scaled(const std::string& text) { return std::lround(std::stold(text) * 10'000.0L); }

TEST(Numbers, BoundsCompareAsNumbersDo) {
    Budget b;
    for (const char* bound : {"0", "1", "-1", "1.1", "-1.1", "300", "0.0001", "-0.5", "9.999", "100.5", "-10", "99"}) {
        const Decimal d = decimal(Json::parse(bound));
        const Dfa at_least = bounded(d, Bound::at_least, b), above = bounded(d, Bound::above, b);
        const Dfa at_most = bounded(d, Bound::at_most, b), below = bounded(d, Bound::below, b);
        const Dfa equal = equal_to_any({d}, b);
        for (const std::string& t : texts()) {
            const long x = scaled(t), y = scaled(bound);
            EXPECT_EQ(in(at_least, t), x >= y) << t << " >= " << bound;
            EXPECT_EQ(in(above, t), x > y) << t << " > " << bound;
            EXPECT_EQ(in(at_most, t), x <= y) << t << " <= " << bound;
            EXPECT_EQ(in(below, t), x < y) << t << " < " << bound;
            EXPECT_EQ(in(equal, t), x == y) << t << " == " << bound;
        }
    }
}

TEST(Numbers, MultiplesAndIntegers) {
    Budget b;
    const Dfa whole = integers(b);
    for (const char* of : {"1", "2", "3", "7", "0.5", "1.5", "0.01", "0.0001", "25", "10"}) {
        const Dfa d = multiples(decimal(Json::parse(of)), b);
        for (const std::string& t : texts()) EXPECT_EQ(in(d, t), scaled(t) % scaled(of) == 0) << t << " by " << of;
    }
    for (const std::string& t : texts()) EXPECT_EQ(in(whole, t), scaled(t) % 10'000 == 0) << t;
    EXPECT_THROW(multiples(decimal(Json::parse("0.123456789")), b), Error);
    EXPECT_THROW(multiples(decimal(Json::parse("0")), b), Error);
}

TEST(Numbers, AreWrittenAsJsonWantsThem) {
    Budget b;
    for (const Dfa& d : {all_numbers(b), plain_numbers(b), integers(b), bounded(decimal(Json(0)), Bound::at_least, b)})
        for (const char* bad : {"", "-", "01", "1.", ".5", "+1", "--1", "1e", "0x1", "1 "})
            EXPECT_FALSE(in(d, bad)) << bad;
    EXPECT_TRUE(in(all_numbers(b), "-1.5E+10"));
    EXPECT_FALSE(in(plain_numbers(b), "1e5"));
    EXPECT_TRUE(in(plain_numbers(b), "0.12345678901234"));
    EXPECT_FALSE(in(plain_numbers(b), "0.1234567890123456"));  // more digits than a double keeps
    EXPECT_FALSE(in(integers(b), "1234567890123456.0"));
    EXPECT_TRUE(in(integers(b), "123456789012345678"));
    EXPECT_FALSE(in(integers(b), "1234567890123456789"));
    EXPECT_TRUE(in(equal_to_any({decimal(Json(1e300))}, b), "1e+300"));
    EXPECT_TRUE(in(equal_to_any({decimal(Json(-2.5e-7))}, b), "-2.5e-07"));
}

}  // namespace
}  // namespace quern::grammar
