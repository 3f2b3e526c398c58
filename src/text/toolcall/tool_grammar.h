// What an answer may look like when it is constrained: the offered tools in a model's own notation, or a schema, each
// behind the thinking that may come first. Joins syntax.h, which says how a notation is written, with text/grammar/,
// which says which tokens may come; it knows neither tokens nor models.
//
// A tool's arguments are held to its JSON Schema. Where a notation writes parameters as bare text, a string is any text
// up to its closing tag, or one of `enum`, or what `pattern` and the lengths allow; `format` is not checked there.
// Parameters come with the required ones first.
#pragma once

#include <memory>
#include <string>

#include "base/json.h"
#include "text/grammar/grammar.h"
#include "text/toolcall/flow.h"
#include "text/toolcall/format.h"

namespace quern::text {

enum class ToolChoice {
    none,       // no call may come
    automatic,  // free text, until a call is opened: then that call and what may follow it, nothing else
    required,   // calls, nothing else
    named       // one call of one tool
};

// Where an answer begins and how it may think first.
struct AnswerRules {
    ThinkingMarkers thinking;
    Start start = Start::content;
};

struct ToolRules {
    ToolFormat format = ToolFormat::none;
    AnswerRules answer{};
    ToolChoice choice = ToolChoice::automatic;
    std::string tool{};    // for `named`
    bool parallel = true;  // more than one call, where the notation can
};

// `tools`: a list as OpenAI's API has it, {"type": "function", "function": {"name", "parameters"}}, or of the inner
// objects. Throws Error(bad_request) for a list that is none, a tool without a name or two of one name, a named tool
// that is not offered; Error(unsupported) with a JSON pointer for a schema that cannot be held to, or when the notation
// is `none`.
std::shared_ptr<const grammar::Grammar> tool_grammar(const Json& tools, const ToolRules& rules);

// An answer that is a JSON text of the schema, after thinking. Throws as Grammar::from_json_schema().
std::shared_ptr<const grammar::Grammar> schema_grammar(const Json& schema, const AnswerRules& rules);

// An answer that a grammar in GBNF describes, after thinking. Throws as Grammar::from_gbnf().
std::shared_ptr<const grammar::Grammar> gbnf_grammar(std::string_view text, const AnswerRules& rules);

// All markers that these grammars spell out, one after the other: control tokens that stand in it may be sampled.
std::string markup(ToolFormat format, const ThinkingMarkers& thinking);

}  // namespace quern::text
