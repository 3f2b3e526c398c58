// JSON Schema (draft 2020-12) to rules of a program. What each keyword means and which are refused: docs/grammar.md,
// and docs/grammar-keywords.md, which is made from a run over the official test suite.
//
// The way: every schema becomes a Type, which says for each kind of JSON value what is allowed: automata for numbers
// and strings, shapes for arrays and objects (schema_type.h). Types are closed under "and", "or" and "not", so allOf,
// anyOf, oneOf, not, if and dependent* need no special cases. Shapes name what is inside by sets of schemas that must
// all hold; each set becomes one rule, so recursion is recursion.
#pragma once

#include <cstdint>

#include "base/json.h"
#include "text/grammar/program.h"

namespace quern::grammar {

enum class Formats {
    check,  // `format` must hold; unknown formats are refused
    note,   // `format` says nothing, as the draft's default vocabulary has it
};

// Gives the number of the rule. The schema is not needed afterwards. Throws Error(unsupported) or Error(bad_request),
// in both cases with the JSON pointer of the keyword in front.
std::int32_t compile_schema(const Json& schema, Program& program, Budget& budget, Formats formats = Formats::check);

}  // namespace quern::grammar
