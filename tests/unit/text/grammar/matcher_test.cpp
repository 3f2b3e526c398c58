// Matchers and masks: every mask against brute force (each token tried by itself), on small made-up vocabularies and on
// real ones; going back; ends; free text with a grammar in it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "base/file.h"
#include "format/gguf/file.h"
#include "testdata.h"
#include "text/grammar/grammar.h"
#include "text/tokenizer/tokenizer.h"
#include "unit/text/grammar/validator.h"

namespace quern::grammar {
namespace {

// All single bytes, and pieces that cross every border of JSON.
std::shared_ptr<const Vocabulary> small_vocabulary(std::int32_t* end = nullptr) {
    std::vector<std::string> tokens;
    for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
    for (const char* piece :
         {"{\"",          "\":",      "\": ",     "\", \"",   "\"}",     "\"}]",        "},{",
          "name",         "\"name\"", "na",       "me\": \"", "true",    "tru",         "null",
          "12",           "123",      "-1",       ".5",       "0.",      "e1",          "\n  ",
          "\n    ",       "  ",       ", ",       ",\n  \"",  "[1",      "[[",          "]]",
          "]}",           "\\\"",     "\\u00",    "\\u00e9",  "\\ud83d", "\\ude00",     "\xC3\xA9",
          "a\xC3",        "\xA9z",    "\xF0\x9F", "\x98\x80", "abc\": ", "\\n\\n",      "x\",",
          "x\"",          "ab",       "b\"",      "<tool",    "_call>",  "<tool_call>", "<tool_call>\n{",
          "</tool_call>", "\n{\"na"})
        tokens.emplace_back(piece);
    tokens.emplace_back("<end>");
    if (end) *end = static_cast<std::int32_t>(tokens.size()) - 1;
    const std::vector<std::int32_t> ends{static_cast<std::int32_t>(tokens.size()) - 1};
    return std::make_shared<const Vocabulary>(tokens, std::vector<std::int32_t>{}, ends);
}

bool has(const std::vector<std::uint64_t>& mask, std::int32_t id) {
    return mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1;
}

// Every token's bit must say whether the token is accepted.
void expect_exact(Matcher& m, const Vocabulary& v, const std::string& so_far) {
    std::vector<std::uint64_t> mask(v.trie.mask_words());
    const bool limits = m.mask(mask);
    std::size_t allowed = 0, writable = 0;
    for (std::int32_t id = 0; id < v.trie.vocab_size(); ++id) {
        const std::string& bytes = v.trie.bytes(id);
        const bool expected = v.trie.is_end(id) ? m.can_end() : !bytes.empty() && m.readable(bytes) == bytes.size();
        ASSERT_EQ(has(mask, id), expected) << "token '" << bytes << "' after '" << so_far << "'";
        writable += !bytes.empty();
        allowed += expected;
    }
    ASSERT_GT(allowed, 0u) << "stuck after '" << so_far << "'";
    ASSERT_EQ(limits, allowed < writable + v.trie.ends().size()) << so_far;
}

// Random answers, token by token; gives the text of one if it came to an end. Shorter tokens of structure are
// preferred as it goes on, so that most walks end.
std::string walk(const std::shared_ptr<const Grammar>& g, const std::shared_ptr<LeafMasks>& masks, const Vocabulary& v,
                 std::mt19937& random, int check_every, int max_steps = 60) {
    Matcher m(g, masks);
    std::string text;
    std::vector<std::uint64_t> mask(v.trie.mask_words());
    for (int step = 0; step < max_steps; ++step) {
        if (step % check_every == 0) {
            expect_exact(m, v, text);
            if (::testing::Test::HasFatalFailure()) return "";
        }
        m.mask(mask);
        std::vector<std::int32_t> allowed;
        for (std::int32_t id = 0; id < v.trie.vocab_size(); ++id)
            if (has(mask, id)) allowed.push_back(id);
        const std::int32_t id = allowed[random() % allowed.size()];
        EXPECT_TRUE(m.accept_token(id));
        if (m.ended()) return text;
        text += v.trie.bytes(id);
    }
    return "";
}

const std::vector<const char*> schemas{
    "{}",
    R"({"type":"string"})",
    R"({"type":"string","maxLength":3})",
    R"({"type":"string","minLength":2,"maxLength":9,"pattern":"^[a-z\u00e9]*$"})",
    R"({"enum":["abc","ab",12,null,{"name":[1]}]})",
    R"({"type":"object","properties":{"name":{"type":"string"},"n":{"type":"integer","minimum":-5,)"
    R"("maximum":20}},"required":["name"]})",
    R"({"type":"object","properties":{"name":{"maxLength":2},"na":{"type":"boolean"}},"required":["na"],)"
    R"("additionalProperties":false,"minProperties":1})",
    R"({"type":"object","patternProperties":{"^a":{"type":"number"}},"propertyNames":{"maxLength":4},)"
    R"("additionalProperties":{"type":"null"},"maxProperties":3})",
    R"({"type":"array","items":{"enum":[1,2,12]},"minItems":2,"maxItems":4})",
    R"({"type":"array","prefixItems":[{"type":"null"}],"contains":{"type":"integer"},"minContains":2,)"
    R"("maxContains":2})",
    R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"array","items":{"anyOf":[{"$ref":"#/$defs/t"},)"
    R"({"type":"boolean"}]},"maxItems":3}}})",
    R"({"oneOf":[{"properties":{"k":{"const":"a"},"x":{"type":"integer"}},"required":["k"]},)"
    R"({"properties":{"k":{"const":"b"},"y":{"type":"string"}},"required":["k"]}],"type":"object"})",
    R"({"not":{"type":["object","array","string"]}})",
};

TEST(Masks, AreExactOnASmallVocabulary) {
    const auto v = small_vocabulary();
    std::mt19937 random(1);
    for (const char* schema : schemas) {
        const auto g = Grammar::from_schema_text(schema);
        const auto masks = std::make_shared<LeafMasks>(g->program(), v);
        for (int i = 0; i < 12; ++i) {
            walk(g, masks, *v, random, 1);
            ASSERT_FALSE(HasFatalFailure()) << schema;
        }
    }
}

// Texts that masks have let through are JSON and fit the schema, says a validator of its own.
TEST(Masks, LetOnlyValidAnswersThrough) {
    const auto v = small_vocabulary();
    std::mt19937 random(5);
    std::size_t finished = 0;
    for (const char* text : schemas) {
        const Json schema = Json::parse(text);
        const Validator validator(schema);
        const auto g = Grammar::from_json_schema(schema);
        const auto masks = std::make_shared<LeafMasks>(g->program(), v);
        for (int i = 0; i < 50; ++i) {
            const std::string answer = walk(g, masks, *v, random, 1'000'000, 200);
            if (answer.empty()) continue;
            ++finished;
            const Json value = Json::parse(answer, nullptr, false);
            ASSERT_FALSE(value.is_discarded()) << text << "\n" << answer;
            ASSERT_TRUE(validator.valid(value)) << text << "\n" << answer;
        }
    }
    EXPECT_GT(finished, 130u);
    // The validator does refuse.
    const Json strict = Json::parse(R"({"type":"object","required":["a"],"properties":{"a":{"maximum":3}}})");
    EXPECT_TRUE(Validator(strict).valid(Json::parse(R"({"a":3})")));
    EXPECT_FALSE(Validator(strict).valid(Json::parse(R"({"a":4})")));
    EXPECT_FALSE(Validator(strict).valid(Json::parse("{}")));
}

// The same by the Python package jsonschema, for all schemas of the goldens.
TEST(Masks, LetOnlyAnswersThroughThatPythonFindsValid) {
    const char* given = std::getenv("QUERN_PYTHON");
    const std::string python = given ? given : "python3";
    if (std::system((python + " -c 'import jsonschema' 2>/dev/null").c_str()) != 0)
        GTEST_SKIP() << python << " has no package jsonschema; install python3-jsonschema or set QUERN_PYTHON";
    const std::string folder = std::string(QUERN_SOURCE_DIR) + "/tests/";
    const std::string schemas_file = folder + "golden/grammar/pairs.json";
    const std::string answers_file = ::testing::TempDir() + "grammar_answers_" + std::to_string(getpid()) + ".jsonl";
    std::ofstream out(answers_file, std::ios::binary);
    const auto v = small_vocabulary();
    std::mt19937 random(6);
    int index = -1;
    for (const Json& c : parse_json(read_text(schemas_file), "pairs.json")) {
        ++index;
        std::shared_ptr<const Grammar> g;
        try {
            g = Grammar::from_json_schema(c["schema"]);
        } catch (const Error&) {
            continue;
        }
        if (g->empty()) continue;
        const auto masks = std::make_shared<LeafMasks>(g->program(), v, 0);
        for (int i = 0; i < 2; ++i)
            if (const std::string answer = walk(g, masks, *v, random, 1'000'000, 120); !answer.empty())
                out << Json{{"schema", index}, {"text", answer}}.dump(-1, ' ', true) << "\n";
    }
    out.close();
    const std::string command =
        python + " " + folder + "unit/text/grammar/check_answers.py " + schemas_file + " " + answers_file;
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::remove(answers_file.c_str());
}

TEST(Masks, OfGbnfAndExpressionsAreExact) {
    const auto v = small_vocabulary();
    std::mt19937 random(2);
    for (const char* text : {"root ::= \"<\" ([a-z] | root)* \">\"",
                             "root ::= [^x]* \"x\" | (\"ab\" | \"a\")+ [\xC3\xA9-\xC3\xAF]", "root ::= .{0,5}"}) {
        const auto g = Grammar::from_gbnf(text);
        const auto masks = std::make_shared<LeafMasks>(g->program(), v);
        for (int i = 0; i < 10; ++i) walk(g, masks, *v, random, 1);
        ASSERT_FALSE(HasFatalFailure()) << text;
    }
    const auto g = Grammar::from_regex("(abc|[0-9]+(\\.5)?)*\\s?\\p{L}");
    const auto masks = std::make_shared<LeafMasks>(g->program(), v, 0);  // nothing ahead
    for (int i = 0; i < 10; ++i) walk(g, masks, *v, random, 1);
}

TEST(Masks, AreExactOnRealVocabularies) {
    std::mt19937 random(3);
    for (const char* name : {"vocab/ggml-vocab-gpt-2.gguf", "vocab/ggml-vocab-llama-spm.gguf"}) {
        QUERN_NEED_TESTDATA(path, name);
        const gguf::File file = gguf::File::open(path);
        const auto tokenizer = text::Tokenizer::from_gguf(file.metadata());
        std::vector<std::string> bytes;
        std::vector<std::int32_t> control;
        for (std::int32_t id = 0; id < tokenizer->vocab_size(); ++id) {
            bytes.push_back(tokenizer->piece(id));
            if (tokenizer->type(id) == text::TokenType::control) control.push_back(id);
        }
        const auto v = std::make_shared<const Vocabulary>(bytes, control, tokenizer->end_of_generation());
        for (const char* schema : schemas) {
            const auto g = Grammar::from_schema_text(schema);
            const auto masks = std::make_shared<LeafMasks>(g->program(), v);
            for (int i = 0; i < 2; ++i) walk(g, masks, *v, random, 9, 20);
            ASSERT_FALSE(HasFatalFailure()) << name << " " << schema;
        }
    }
}

TEST(Matcher, GoesBackAndEnds) {
    std::int32_t end = 0;
    const auto v = small_vocabulary(&end);
    const auto g = Grammar::from_schema_text(R"({"type":"array","items":{"type":"integer"},"maxItems":2})");
    Matcher m(g, std::make_shared<LeafMasks>(g->program(), v));
    EXPECT_FALSE(m.accept_token(end));
    EXPECT_TRUE(m.accept("[1"));
    EXPECT_FALSE(m.accept("2,3,4"));
    EXPECT_EQ(m.readable("2,3,4"), 3u);
    EXPECT_EQ(m.steps(), 1u);
    EXPECT_TRUE(m.accept("2,"));
    EXPECT_FALSE(m.can_end());
    EXPECT_TRUE(m.accept("3]"));
    EXPECT_TRUE(m.can_end());
    EXPECT_TRUE(m.must_end());
    EXPECT_TRUE(m.accept_token(end));
    EXPECT_TRUE(m.ended());
    EXPECT_FALSE(m.accept("x"));
    m.rollback(3);
    EXPECT_FALSE(m.ended());
    EXPECT_TRUE(m.accept("]"));
    m.rollback(100);
    EXPECT_EQ(m.steps(), 0u);
    EXPECT_TRUE(m.accept("[]"));
    Matcher copy = m;
    copy.rollback(1);
    EXPECT_TRUE(copy.accept("[5"));
    EXPECT_TRUE(m.can_end());
}

TEST(Matcher, AnEmptyGrammarAllowsNothing) {
    const auto v = small_vocabulary();
    const auto g = Grammar::from_schema_text("false");
    EXPECT_TRUE(g->empty());
    Matcher m(g, std::make_shared<LeafMasks>(g->program(), v));
    std::vector<std::uint64_t> mask(v->trie.mask_words(), ~std::uint64_t(0));
    EXPECT_TRUE(m.mask(mask));
    for (const std::uint64_t w : mask) EXPECT_EQ(w, 0u);
    EXPECT_FALSE(m.accept("x"));
    EXPECT_FALSE(m.can_end());
}

// The tool calls of the Hermes format, free text around them.
std::shared_ptr<const Grammar> hermes(bool required) {
    GrammarBuilder b;
    const auto call_of = [&](const char* name, const char* schema) {
        return b.sequence({b.literal("{\"name\": \"" + std::string(name) + "\", \"arguments\": "),
                           b.json_schema(Json::parse(schema)), b.literal("}\n</tool_call>")});
    };
    const auto call =
        b.choice({call_of("add", R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},
                                                 "required":["a","b"],"additionalProperties":false})"),
                  call_of("now", R"({"type":"object","additionalProperties":false})")});
    const std::string opener = "<tool_call>";
    const auto rest = b.sequence({b.literal("\n"), call});
    const auto more = b.repeat(b.sequence({b.until(opener), rest}), 0, GrammarBuilder::unbounded);
    if (required)
        return b.build(
            b.sequence({b.literal(opener), rest,
                        b.repeat(b.sequence({b.literal("\n" + opener), rest}), 0, GrammarBuilder::unbounded)}));
    return b.build(b.sequence({more, b.without(opener)}));
}

TEST(ToolCalls, TextIsFreeUntilTheOpenerIsThere) {
    const auto v = small_vocabulary();
    const auto g = hermes(false);
    const auto masks = std::make_shared<LeafMasks>(g->program(), v);
    Matcher m(g, masks);
    std::vector<std::uint64_t> mask(v->trie.mask_words());
    EXPECT_TRUE(m.can_end());
    EXPECT_TRUE(m.accept("Any text, also \xFF bytes and <tool_cal that is none. "));
    EXPECT_TRUE(m.can_end());
    expect_exact(m, *v, "text");
    EXPECT_TRUE(m.accept("<tool_call>"));
    EXPECT_FALSE(m.can_end());
    expect_exact(m, *v, "opener");
    EXPECT_FALSE(m.accept(" {"));
    EXPECT_FALSE(m.accept("\n{\"name\": \"other"));
    EXPECT_TRUE(m.accept("\n{\"name\": \"add\", \"arguments\": {\"b\": 2, \"a\": 1}}\n</tool_call>"));
    EXPECT_TRUE(m.can_end());
    EXPECT_TRUE(m.accept(" and again <tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"));
    EXPECT_TRUE(m.can_end());
    std::mt19937 random(4);
    for (int i = 0; i < 5; ++i) walk(g, masks, *v, random, 1);
}

TEST(ToolCalls, ACallMayBeRequired) {
    const auto g = hermes(true);
    Matcher m(g);
    EXPECT_FALSE(m.accept("text"));
    EXPECT_TRUE(m.accept("<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"));
    EXPECT_TRUE(m.can_end());
    EXPECT_FALSE(m.accept(" text"));
    EXPECT_TRUE(m.accept("\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\":1,\"b\":-7}}\n</tool_call>"));
}

}  // namespace
}  // namespace quern::grammar
