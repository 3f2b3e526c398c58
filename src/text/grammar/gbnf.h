// Reads GBNF, llama.cpp's notation for grammars: `name ::= "text" [a-z] other-rule ( ... | ... ) x* x+ x? x{2,5}`, one
// rule after the other, comments after #. The reader uses an explicit stack; groups may be nested 200 deep.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/expr.h"

namespace quern::grammar {

struct GbnfRules {
    std::vector<std::string> names;
    std::vector<ExprPool::Id> bodies;  // by rule, as names
    std::int32_t root = -1;            // the rule named root
};

// Throws Error(bad_request) with the line of the mistake, Error(unsupported) for terminals that are token ids.
GbnfRules read_gbnf(std::string_view text, ExprPool& pool);

}  // namespace quern::grammar
