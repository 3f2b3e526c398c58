// From an answer's tokens to what was said: thinking, content, tool calls (text/toolcall/), and before that, what an
// answer is held to (--schema, --grammar, --tools). What run and chat share; they only show it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/constraint.h"
#include "engine/model.h"
#include "options.h"
#include "text/toolcall/parser.h"
#include "text/toolcall/tool_grammar.h"

namespace quern::app {

struct ConstraintOptions {
    std::string schema_file, grammar_file;
    std::string tool_choice = "auto";  // none, auto, required, or a tool's name
};
void add_constraint_options(CLI::App& command, ConstraintOptions& o);

// How this model's answer to this prompt begins and is written.
struct AnswerForm {
    text::ToolFormat tools = text::ToolFormat::none;  // none where no tools are offered
    text::AnswerRules rules;
    text::ToolTypes types;
};
AnswerForm answer_form(const engine::Model& model, std::span<const std::int32_t> prompt, const text::RenderOptions& o);

// Null where nothing was asked for. `form` null: a raw prompt, whose answer is the constrained text and nothing else.
// Throws Error for a file that is no schema, grammar or list of tools.
std::unique_ptr<TokenConstraint> make_constraint(const engine::Model& model, const ConstraintOptions& o,
                                                 const AnswerForm* form, const text::RenderOptions& render,
                                                 std::span<const std::int32_t> stops);

// The parser of an answer of this form, which must outlive it.
text::Parser answer_parser(const AnswerForm& form);

}  // namespace quern::app
