// Schemas against the verdicts of the Python package jsonschema (tools/golden/grammar.py), errors with their pointers,
// and schemas made to hurt.
#include <gtest/gtest.h>

#include <ctime>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/grammar/grammar.h"

namespace quern::grammar {
namespace {

bool accepts(const std::shared_ptr<const Grammar>& g, std::string_view text) {
    Matcher m(g);
    return m.accept(text) && m.can_end();
}
bool accepts(std::string_view schema, std::string_view text) {
    return accepts(Grammar::from_schema_text(schema), text);
}

std::string error(std::string_view schema) {
    try {
        Grammar::from_schema_text(schema);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST(Schema, AgreesWithTheValidator) {
    std::ifstream in(std::string(QUERN_SOURCE_DIR) + "/tests/golden/grammar/pairs.json", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const Json cases = parse_json(text, "pairs.json");
    int held = 0, refused = 0, pairs = 0;
    for (const Json& c : cases) {
        std::shared_ptr<const Grammar> g;
        try {
            g = Grammar::from_json_schema(c["schema"]);
        } catch (const Error& e) {
            EXPECT_EQ(e.what()[0], '/') << e.what() << "\n" << c["schema"];
            ++refused;
            continue;
        }
        ++held;
        for (const bool valid : {true, false})
            for (const Json& v : c[valid ? "valid" : "invalid"])
                for (const std::string& t : {v.dump(), v.dump(2), v.dump(-1, ' ', true)}) {
                    ++pairs;
                    EXPECT_EQ(accepts(g, t), valid) << c["schema"] << "\n" << t;
                }
    }
    std::printf("%d schemas held with %d texts, %d refused\n", held, pairs, refused);
    EXPECT_GT(held, 380);
    EXPECT_LT(refused, 40);
}

TEST(Schema, MembersComeInAnyOrderOnceEach) {
    const auto g = Grammar::from_schema_text(R"({"type":"object","properties":{"a":{"type":"integer"},"b":{},"a\"c":{}},
                                                 "required":["a","b"],"additionalProperties":false})");
    EXPECT_TRUE(accepts(g, R"({"b":null,"a":1})"));
    EXPECT_TRUE(accepts(g, R"({"a":1,"a\"c":2,"b":[]})"));
    EXPECT_TRUE(accepts(g, R"({"\u0061":1,"a\u0022c":2,"b":[]})"));  // the same names, spelled otherwise
    EXPECT_FALSE(accepts(g, R"({"a":1,"\u0061":1,"b":[]})"));
    EXPECT_FALSE(accepts(g, R"({"a":1,"b":2,"b":2})"));
    EXPECT_FALSE(accepts(g, R"({"a":1})"));
    EXPECT_FALSE(accepts(g, R"({"a":1,"b":2,"c":3})"));
    EXPECT_FALSE(accepts(g, R"({"a":1,"b":2,})"));
}

TEST(Schema, StringsAreCountedInCodePoints) {
    EXPECT_TRUE(accepts(R"({"type":"string","maxLength":2})", "\"\xF0\x9F\x98\x80\xC3\xA9\""));
    EXPECT_TRUE(accepts(R"({"type":"string","maxLength":2})", R"("\ud83d\ude00\n")"));
    EXPECT_FALSE(accepts(R"({"type":"string","maxLength":1})", R"("\ud83d\ude00\n")"));
    EXPECT_FALSE(accepts(R"({"type":"string"})", R"("\ud83d")"));   // half a pair
    EXPECT_FALSE(accepts(R"({"type":"string"})", "\"a\nb\""));      // a bare control character
    EXPECT_FALSE(accepts(R"({"type":"string"})", "\"\xC0\xAF\""));  // an overlong form
}

TEST(Schema, WhiteSpaceIsBounded) {
    EXPECT_TRUE(accepts("{}", "[1, 2,\n\t3]"));
    EXPECT_FALSE(accepts("{}", "[1,  2]"));
    EXPECT_FALSE(accepts("{}", "[1,\n\n2]"));
    EXPECT_TRUE(accepts("{}", "[1,\n" + std::string(64, ' ') + "2]"));
    EXPECT_FALSE(accepts("{}", "[1,\n" + std::string(65, ' ') + "2]"));
}

TEST(Schema, NestsAsDeepAsTheTextDoes) {
    const int depth = 50'000;
    EXPECT_TRUE(accepts("{}", std::string(depth, '[') + std::string(depth, ']')));
    EXPECT_FALSE(accepts("{}", std::string(depth, '[') + std::string(depth - 1, ']')));
}

// Every level leaves open which of three it is; the number of configurations must not multiply with the levels.
TEST(Schema, NestedChoicesDoNotMultiply) {
    const auto g = Grammar::from_schema_text(R"({"$ref":"#/$defs/e","$defs":{"e":{"anyOf":[
        {"type":"object","properties":{"x":{"$ref":"#/$defs/e"},"kind":{"const":"a"}},"required":["kind"]},
        {"type":"object","properties":{"x":{"$ref":"#/$defs/e"},"kind":{"const":"b"}},"required":["kind"]},
        {"type":"array","items":{"$ref":"#/$defs/e"}},
        {"type":"array","items":{"$ref":"#/$defs/e"},"minItems":1},
        {"type":"null"}]}}})");
    std::string open, close;
    for (int i = 0; i < 500; ++i) {
        open += i % 2 == 0 ? "{\"x\":[" : "{\"x\":";
        close = (i % 2 == 0 ? std::string("],\"kind\":\"a\"}") : std::string(",\"kind\":\"b\"}")) + close;
    }
    EXPECT_TRUE(accepts(g, open + "null" + close));
    EXPECT_FALSE(accepts(g, open + "null" + close.substr(0, close.size() - 3) + "c\"}"));
}

TEST(Schema, RefusesWithThePointer) {
    EXPECT_EQ(error(R"({"properties":{"a/b":{"uniqueItems":true}}})"),
              "/properties/a~1b/uniqueItems: unique items are not supported");
    EXPECT_EQ(error(R"({"anyOf":[{},{"$dynamicRef":"#x"}]})").substr(0, 22), "/anyOf/1/$dynamicRef: ");
    EXPECT_EQ(error(R"({"items":{"pattern":"(?!a)b"}})").substr(0, 16), "/items/pattern: ");
    EXPECT_EQ(error(R"({"$ref":"other.json"})").substr(0, 6), "/$ref:");
    EXPECT_EQ(error(R"({"$ref":"#"})").substr(0, 6), "/$ref:");
    EXPECT_EQ(
        error(R"({"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},true]}}})").substr(0, 9),
        "/$defs/a:");
    EXPECT_EQ(error(R"({"$ref":"#/$defs/missing"})"), "/$ref: there is nothing at '#/$defs/missing'");
    EXPECT_EQ(error(R"({"format":"iri"})"), "/format: the format 'iri' is not supported");
    EXPECT_EQ(error(R"({"type":"text"})"), "/type: there is no type 'text'");
    EXPECT_EQ(error(R"({"minLength":-1})"), "/minLength: it must be a whole number of 0 or more");
    EXPECT_EQ(error(R"({"properties":{"a":3}})"), "/properties/a: a schema must be an object, true or false");
    EXPECT_EQ(error(R"({"minProperties":2})").substr(0, 16), "/minProperties: ");
    EXPECT_EQ(error(R"({"multipleOf":0.123456789})").substr(0, 13), "/multipleOf: ");
    EXPECT_EQ(error(R"({"enum":5})"), "/enum: it must be a list");
    EXPECT_EQ(error("[]"), "/: a schema must be an object, true or false");
    EXPECT_EQ(error(R"({"items":{"contains":{"const":1},"maxItems":1000000}})").substr(0, 8), "/items: ");
}

// Every one must end within a second, whatever comes out; the bound is twice that, for slow machines.
TEST(Schema, HostileOnesEndSoon) {
    std::vector<std::string> hostile;
    std::string groups = R"({"type":"string","pattern":")";
    hostile.push_back(groups + std::string(60'000, '(') + "a" + std::string(60'000, ')') + "\"}");
    hostile.push_back(groups + "(a|b|ab)*(a|b){30}c\"}");
    hostile.push_back(groups + "((a{1,100}){1,100}){1,100}\"}");
    hostile.push_back(groups + "(x+x+)+y\"}");
    std::string big = R"({"enum":[)", properties = R"({"properties":{)", ones = R"({"oneOf":[)",
                numbers = R"({"enum":[)";
    for (int i = 0; i < 200'000; ++i) big += "\"value " + std::to_string(i * 7919) + "\",";
    for (int i = 0; i < 5'000; ++i)
        properties += "\"property " + std::to_string(i * 7919) + "\":{\"type\":\"integer\"},";
    for (int i = 0; i < 300; ++i) ones += R"({"required":["p)" + std::to_string(i) + "\"]},";
    for (int i = 0; i < 100'000; ++i) numbers += std::to_string(i * 7919) + ",";
    hostile.push_back(big + "0]}");
    hostile.push_back(properties + R"("x":{}}})");
    hostile.push_back(ones + "{}]}");
    hostile.push_back(numbers + "0]}");
    std::string chain = R"({"$ref":"#/$defs/d0","$defs":{)", nots = R"({"type":"string"})";
    for (int i = 0; i < 50'000; ++i)
        chain += "\"d" + std::to_string(i) + R"(":{"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"},";
    hostile.push_back(chain + R"("d50000":{}}})");
    chain = R"({"$ref":"#/$defs/d0","$defs":{)";
    for (int i = 0; i < 4'000; ++i)
        chain +=
            "\"d" + std::to_string(i) + R"(":{"properties":{"x":{"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}}},";
    hostile.push_back(chain + R"("d4000":{}}})");
    for (int i = 0; i < 50; ++i) nots = "{\"not\":{\"properties\":{\"a\":" + nots + "},\"required\":[\"b\"]}}";
    hostile.push_back(nots);
    hostile.push_back(R"({"type":"string","minLength":1000000000})");
    hostile.push_back(R"({"type":"array","items":{"type":"array","items":{"type":"string","maxLength":3000},)"
                      R"("maxItems":1000000},"minItems":1000000})");
    hostile.push_back(R"({"contains":{"const":1},"minContains":100000,"maxItems":1000000})");
    hostile.push_back(R"({"$defs":{"a":{"properties":{"x":{"$ref":"#/$defs/b"}}},"b":{"allOf":[{"$ref":"#/$defs/a"}],)"
                      R"("not":{"properties":{"x":{"$ref":"#/$defs/a"}}}}},"$ref":"#/$defs/b"})");
    hostile.push_back(std::string(100'000, '['));
    hostile.push_back("{\"anyOf\":[" + std::string(60, '{') + "}");
    for (const std::string& schema : hostile) {
        const std::clock_t start = std::clock();  // of this process: a loaded machine does not count
        const std::string what = error(schema);
        const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
        std::printf("%5.0f ms: %s...: %s\n", seconds * 1e3, schema.substr(0, 50).c_str(), what.substr(0, 130).c_str());
#ifdef NDEBUG
        EXPECT_LT(seconds, 2.0) << schema.substr(0, 80);
#endif
    }
}

TEST(Schema, LongStringsInsideArraysInsideArraysWork) {
    const auto g = Grammar::from_schema_text(
        R"({"type":"array","maxItems":2500,"items":{"type":"array","maxItems":2000,"items":{"type":"string",)"
        R"("maxLength":2500}}})");
    const std::string longest = "\"" + std::string(2500, 'x') + "\"";
    EXPECT_TRUE(accepts(g, "[[" + longest + "," + longest + "],[]]"));
    EXPECT_FALSE(accepts(g, "[[\"x" + longest.substr(1) + "]]"));
    EXPECT_LT(g->bytes(), 1'000'000u);
}

}  // namespace
}  // namespace quern::grammar
