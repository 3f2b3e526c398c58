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

namespace {

// Json keeps the order of members and looks for each from the start, so objects with very many are slow to read: their
// cost is counted before it is paid.
class MemberCount : public nlohmann::json_sax<Json> {
public:
    static constexpr std::size_t max_steps = 20'000'000;
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return open({}); }
    bool key(string_t&) override { return (steps += members_.back()++) <= max_steps; }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open({}); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

    std::size_t steps = 0;

private:
    bool open(std::size_t members) {
        members_.push_back(members);
        return members_.size() <= 1000;
    }
    bool close() {
        members_.pop_back();
        return true;
    }
    std::vector<std::size_t> members_;
};

}  // namespace

std::shared_ptr<const Grammar> Grammar::from_schema_text(std::string_view schema, Formats formats) {
    MemberCount count;
    Json::sax_parse(schema, &count);  // what is wrong with it, parse_json says
    if (count.steps > MemberCount::max_steps)
        throw Error(Code::unsupported, "the schema has objects with too many members");
    return from_json_schema(parse_json(schema, "the schema"), formats);
}

std::shared_ptr<const Grammar> Grammar::from_regex(std::string_view pattern) {
    GrammarBuilder builder;
    return builder.build(builder.regex(pattern));
}

}  // namespace quern::grammar
