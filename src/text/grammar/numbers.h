// What schemas say about numbers, as languages of JSON number texts: bounds, multiples, equality, integers. Exact
// decimal arithmetic on digits, no floating point. Numbers under a condition are written plainly: no exponent, at most
// 18 digits and, where there is a dot, at most 15, so that reading them as 64-bit integers and doubles cannot move them
// over a bound. All numbers fit a double.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/grammar/dfa.h"

namespace quern::grammar {

struct Decimal {
    bool negative = false;
    std::string whole, fraction;  // digits without leading (trailing) zeros; both empty for zero
    bool operator==(const Decimal&) const = default;
};

Decimal decimal(const Json& number);  // of doubles, the shortest text that reads as the same

Dfa all_numbers(Budget& budget);    // exponents too
Dfa plain_numbers(Budget& budget);  // all that are written plainly; the others below are parts of it
Dfa integers(Budget& budget);       // 2, -2, 2.0: the value counts
enum class Bound { at_least, above, at_most, below };
Dfa bounded(const Decimal& bound, Bound kind, Budget& budget);
Dfa equal_to_any(const std::vector<Decimal>& values, Budget& budget);
// Throws Error(unsupported) where too many remainders would have to be told apart.
Dfa multiples(const Decimal& of, Budget& budget);

}  // namespace quern::grammar
