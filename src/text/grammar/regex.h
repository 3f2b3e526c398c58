// Regular expressions in the syntax of ECMA-262 with the flag u, which is what JSON Schema's `pattern` is written in.
// Only what makes regular languages: no look-around, no back references, no \b. Lazy quantifiers mean the same as
// greedy ones, since only "does it match" is asked. \d \w \s are as ECMA-262 says: \d and \w are ASCII.
//
// Reading takes time linear in the text; groups may be nested 200 deep. All functions throw Error(bad_request) with the
// position of a mistake and Error(unsupported) naming what is not known here or is too large.
#pragma once

#include <cstddef>
#include <string_view>

#include "text/grammar/dfa.h"
#include "text/grammar/expr.h"

namespace quern::grammar {

enum class Match {
    whole,     // the whole text
    anywhere,  // some part of it, as `pattern` asks
};

Dfa regex_dfa(std::string_view pattern, Match match, Budget& budget);

// The code points with a Unicode general category or script ("L", "Lu", "Letter", "Greek"); from PCRE2's tables, found
// once per name. Throws Error(unsupported) for a name PCRE2 does not know.
const CharSet& unicode_property(std::string_view name);

}  // namespace quern::grammar
