#include "text/grammar/grammar.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/error.h"
#include "text/grammar/gbnf.h"
#include "text/grammar/regex.h"
#include "text/utf8.h"

namespace quern::grammar {
namespace {

std::u32string decoded(std::string_view text, std::string_view what) {
    if (text::valid_prefix(text) != text.size()) throw Error(Code::bad_request, "{} must be valid UTF-8", what);
    std::u32string out;
    while (!text.empty()) {
        const std::size_t bytes = text::next_character(text).bytes;
        out += text::code_point(text.substr(0, bytes));
        text.remove_prefix(bytes);
    }
    return out;
}

// Knuth, Morris and Pratt: bytes up to the first place where `text` is complete (whole) or never is (not whole).
Dfa search(std::string_view text, bool whole, Budget& budget) {
    const std::size_t n = text.size();
    budget.spend(n * 256);
    Dfa d;
    for (std::uint32_t b = 0; b <= 256; ++b) {
        d.starts.push_back(b);
        d.classes.push_back(static_cast<std::int32_t>(b));
    }
    d.class_count = 257;
    std::size_t fallback = 0;
    for (std::size_t s = 0; s < n; ++s) {
        const auto next_byte = static_cast<unsigned char>(text[s]);
        for (std::size_t b = 0; b < 256; ++b) {
            const std::int32_t other = s == 0 ? 0 : d.next[fallback * 257 + b];
            const bool hit = b == next_byte;
            d.next.push_back(!hit ? other : s + 1 < n || whole ? static_cast<std::int32_t>(s + 1) : Dfa::dead);
        }
        d.next.push_back(Dfa::dead);
        if (s > 0) {
            const std::int32_t f = d.next[fallback * 257 + next_byte];
            fallback = f < 0 ? 0 : static_cast<std::size_t>(f);
        }
        d.labels.push_back(whole ? Dfa::refuses : 0);
    }
    if (whole) {
        d.labels.push_back(0);
        d.next.resize(d.next.size() + 257, Dfa::dead);
    }
    return canonical(std::move(d), budget);
}

}  // namespace

GrammarBuilder::GrammarBuilder() : program_(std::make_shared<Program>()) {}

GrammarBuilder::Part GrammarBuilder::literal(std::string_view text) { return pool_.text(decoded(text, "a text")); }

GrammarBuilder::Part GrammarBuilder::regex(std::string_view pattern) {
    return pool_.leaf(program_->add_leaf(Spelling::utf8, regex_dfa(pattern, Match::whole, budget_)));
}

GrammarBuilder::Part GrammarBuilder::gbnf(std::string_view text) {
    CHECK(rules_.empty());
    GbnfRules rules = read_gbnf(text, pool_);
    rules_ = std::move(rules.bodies);
    names_ = std::move(rules.names);
    return pool_.rule(rules.root);
}

GrammarBuilder::Part GrammarBuilder::json_schema(const Json& schema, Formats formats) {
    return pool_.call(compile_schema(schema, *program_, budget_, formats));
}

GrammarBuilder::Part GrammarBuilder::until(std::string_view text) {
    if (text.empty()) return pool_.empty();
    return pool_.leaf(program_->add_leaf(Spelling::bytes, search(text, true, budget_)));
}

GrammarBuilder::Part GrammarBuilder::without(std::string_view text) {
    if (text.empty()) return pool_.empty();
    return pool_.leaf(program_->add_leaf(Spelling::bytes, search(text, false, budget_)));
}

std::shared_ptr<const Grammar> GrammarBuilder::build(Part root) {
    const std::int32_t top = compile(pool_, root, rules_, *program_, rule_names_, names_, budget_);
    program_->finish(top, rule_names_);
    auto grammar = std::make_shared<Grammar>();
    grammar->program_ = std::move(program_);
    return grammar;
}

std::shared_ptr<const Grammar> Grammar::from_gbnf(std::string_view text) {
    GrammarBuilder builder;
    return builder.build(builder.gbnf(text));
}

std::shared_ptr<const Grammar> Grammar::from_json_schema(const Json& schema, Formats formats) {
    GrammarBuilder builder;
    return builder.build(builder.json_schema(schema, formats));
}

std::shared_ptr<const Grammar> Grammar::from_schema_text(std::string_view schema, Formats formats) {
    return from_json_schema(parse_json(schema, "the schema"), formats);
}

std::shared_ptr<const Grammar> Grammar::from_regex(std::string_view pattern) {
    GrammarBuilder builder;
    return builder.build(builder.regex(pattern));
}

}  // namespace quern::grammar
