// Answers held to a grammar, with the bundled model's vocabulary.
#include "engine/constraint.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "base/json.h"
#include "format/gguf/file.h"

namespace quern {
namespace {

const text::Tokenizer& tokenizer() {
    static const gguf::File file = gguf::File::open(QUERN_SOURCE_DIR "/models/grist/grist.gguf");
    static const auto t = text::Tokenizer::from_gguf(file.metadata());
    return *t;
}

bool has(std::span<const std::uint64_t> mask, std::int32_t id) {
    return (mask[std::size_t(id) / 64] >> (id % 64) & 1) != 0;
}

std::vector<std::int32_t> ids_of(std::span<const std::uint64_t> mask) {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < mask.size() * 64; ++i)
        if (has(mask, std::int32_t(i))) ids.push_back(std::int32_t(i));
    return ids;
}

constexpr std::int64_t wide = 2700;  // more logits than the tokenizer has tokens

TokenConstraint constraint(const std::string& gbnf, std::string_view markup = "") {
    return {grammar::Grammar::from_gbnf(gbnf), tokenizer(), tokenizer().end_of_generation(), markup, wide};
}

TEST(Constraint, AnyWalkThroughTheMasksIsATextOfTheGrammar) {
    const auto grammar = grammar::Grammar::from_json_schema(
        parse_json(R"({"type": "object", "properties": {"a": {"type": "integer", "maximum": 99, "minimum": -9},
                             "b": {"enum": ["yes", "no"]}}, "required": ["a"], "additionalProperties": false})",
                   "schema"));
    std::mt19937 random(3);
    for (int walk = 0; walk < 30; ++walk) {
        TokenConstraint c(grammar, tokenizer(), tokenizer().end_of_generation(), "", wide);
        std::vector<std::int32_t> ids;
        while (!c.finished() && ids.size() < 400) {
            const std::vector<std::int32_t> next = ids_of(c.allowed());
            ASSERT_FALSE(next.empty());
            ASSERT_LT(next.back(), tokenizer().vocab_size());
            ids.push_back(next[random() % next.size()]);
            c.accept(ids.back());
            if (tokenizer().is_end_of_generation(ids.back())) break;
        }
        if (!c.complete()) continue;  // still writing
        if (tokenizer().is_end_of_generation(ids.back())) ids.pop_back();
        const std::string text = tokenizer().decode(ids, text::Controls::show);
        const Json value = parse_json(text, "the answer");
        ASSERT_TRUE(value.at("a").is_number()) << text;
        for (const auto& [key, v] : value.items()) ASSERT_TRUE(key == "a" || (key == "b" && (v == "yes" || v == "no")));
    }
}

TEST(Constraint, TheEndMayComeWhereTheGrammarMayEndAndNowhereElse) {
    TokenConstraint c = constraint("root ::= \"yes\" | \"yes, please\"");
    const std::int32_t end = tokenizer().end_of_generation()[0];
    EXPECT_FALSE(has(c.allowed(), end));
    EXPECT_FALSE(c.complete());
    for (const std::int32_t id : tokenizer().encode("yes", text::Specials::as_text)) c.accept(id);
    EXPECT_TRUE(has(c.allowed(), end));
    EXPECT_TRUE(c.complete());
    EXPECT_FALSE(c.finished());
    for (const std::int32_t id : tokenizer().encode(", please", text::Specials::as_text)) {
        ASSERT_TRUE(has(c.allowed(), id));
        c.accept(id);
    }
    EXPECT_TRUE(c.finished());
}

TEST(Constraint, ControlTokensComeOnlyWhereTheGrammarSpellsThem) {
    const std::int32_t start = *tokenizer().find("<|im_start|>");
    const std::string grammar = "root ::= \"<|im_start|>\" [a-z]+";
    EXPECT_FALSE(has(constraint(grammar).allowed(), start));
    EXPECT_TRUE(has(constraint(grammar, "<|im_start|>").allowed(), start));
    TokenConstraint anything = constraint("root ::= [^x]*");
    EXPECT_FALSE(has(anything.allowed(), start));
}

TEST(Constraint, AGrammarOfNothingIsRefused) {
    EXPECT_THROW(TokenConstraint(grammar::Grammar::from_json_schema(Json(false)), tokenizer(),
                                 tokenizer().end_of_generation(), "", wide),
                 Error);
}

}  // namespace
}  // namespace quern
