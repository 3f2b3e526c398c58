#include "reading.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace quern::app {
namespace {

constexpr std::size_t tail_tokens = 32;  // longer than any family's beginning of an answer

text::ToolChoice choice_of(const std::string& choice) {
    if (choice == "none") return text::ToolChoice::none;
    if (choice == "auto") return text::ToolChoice::automatic;
    return choice == "required" ? text::ToolChoice::required : text::ToolChoice::named;
}

std::shared_ptr<const grammar::Grammar> grammar_for(const ConstraintOptions& o, const AnswerForm* form,
                                                    const text::RenderOptions& render) {
    const text::AnswerRules rules = form ? form->rules : text::AnswerRules{};
    if (!o.schema_file.empty()) {
        try {
            return text::schema_grammar(parse_json(read_text(o.schema_file), o.schema_file), rules);
        } catch (Error& e) {
            e.during("--schema {}", o.schema_file);
            throw;
        }
    }
    if (!o.grammar_file.empty()) {
        try {
            return text::gbnf_grammar(read_text(o.grammar_file), rules);
        } catch (Error& e) {
            e.during("--grammar {}", o.grammar_file);
            throw;
        }
    }
    if (!render.tools || !form) return nullptr;
    const text::ToolChoice choice = choice_of(o.tool_choice);
    return text::tool_grammar(*render.tools, {.format = form->tools,
                                              .answer = rules,
                                              .choice = choice,
                                              .tool = choice == text::ToolChoice::named ? o.tool_choice : ""});
}

}  // namespace

void add_constraint_options(CLI::App& command, ConstraintOptions& o) {
    const std::string group = "Constrained output";
    CLI::Option* schema = command
                              .add_option("--schema", o.schema_file,
                                          "JSON Schema file: the answer is JSON that it allows, after any thinking")
                              ->group(group)
                              ->type_name("FILE");
    command.add_option("--grammar", o.grammar_file, "GBNF file: the answer is a text of this grammar")
        ->group(group)
        ->type_name("FILE")
        ->excludes(schema);
    command
        .add_option("--tool-choice", o.tool_choice,
                    "auto (default), none, required, or the name of the tool to call; with --tools")
        ->group(group)
        ->type_name("CHOICE");
}

AnswerForm answer_form(const engine::Model& model, std::span<const std::int32_t> prompt, const text::RenderOptions& o) {
    const text::ChatFacts& facts = model.chat_template().used_with(o).facts();
    AnswerForm form;
    form.rules.thinking = {std::string(facts.think_open), std::string(facts.think_close)};
    // Harmony is read as such with and without tools: all it says stands in channels.
    if (o.tools || facts.tools == text::ToolFormat::harmony) form.tools = facts.tools;
    const std::string tail =
        model.tokenizer()->decode(prompt.last(std::min(prompt.size(), tail_tokens)), text::Controls::show);
    form.rules.start = text::start_of_answer(form.tools, form.rules.thinking, tail);
    if (o.tools)
        for (const Json& t : *o.tools) {
            const Json& inner = t.is_object() && t.contains("function") ? t.at("function") : t;
            if (inner.is_object() && inner.contains("name") && inner.at("name").is_string())
                form.types.add(inner.at("name").get<std::string>(), inner.value("parameters", Json()));
        }
    return form;
}

std::unique_ptr<TokenConstraint> make_constraint(const engine::Model& model, const ConstraintOptions& o,
                                                 const AnswerForm* form, const text::RenderOptions& render,
                                                 std::span<const std::int32_t> stops) {
    const auto wanted = grammar_for(o, form, render);
    if (!wanted) return nullptr;
    const std::string markup = form ? text::markup(form->tools, form->rules.thinking) : "";
    return std::make_unique<TokenConstraint>(wanted, *model.tokenizer(), stops, markup, model.vocab());
}

text::Parser answer_parser(const AnswerForm& form) {
    text::ParserOptions p;
    p.format = form.tools;
    p.thinking = form.rules.thinking;
    p.start = form.rules.start;
    p.deliver = text::Deliver::when_complete;
    p.tools = form.types.empty() ? nullptr : &form.types;
    return text::Parser(p);
}

}  // namespace quern::app
