// What masks cost: over the schemas of the official test suite and a few of the kind that agents send, with a
// vocabulary of about 150,000 tokens made of real ones (the union of those in the folder given). Two ways through each
// grammar: a random walk (any allowed token, evenly), and texts as a model would write them (instances of the schema,
// cut greedily into the longest tokens). Prints the distribution of one Matcher::mask call, and what making grammars
// costs.
//   grammar_bench FOLDER_OF_VOCABULARIES FOLDER_OF_THE_SUITE
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "base/error.h"
#include "format/gguf/file.h"
#include "text/grammar/grammar.h"
#include "text/tokenizer/tokenizer.h"

namespace {

using namespace quern;
struct Clock {
    static double now() {
        timespec t{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
    }
};

// Time of this thread only: what other programs do on the machine meanwhile is not in it.
double us_since(double start) { return Clock::now() - start; }

struct Times {
    std::string name;
    std::vector<double> us;

    void print() {
        if (us.empty()) return;
        std::sort(us.begin(), us.end());
        double sum = 0;
        for (const double t : us) sum += t;
        const auto at = [&](double q) { return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))]; };
        fmt::print("{:44} {:8} {:10.2f} {:10.2f} {:10.2f} {:10.2f} {:10.2f} {:10.2f}\n", name, us.size(),
                   sum / static_cast<double>(us.size()), at(0.5), at(0.9), at(0.99), at(0.999), us.back());
    }
};

std::shared_ptr<const grammar::Vocabulary> read_vocabulary(const std::filesystem::path& folder) {
    std::set<std::string> pieces;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".gguf") continue;
        try {
            const gguf::File file = gguf::File::open(entry.path());
            const auto tokenizer = text::Tokenizer::from_gguf(file.metadata());
            for (std::int32_t id = 0; id < tokenizer->vocab_size() && pieces.size() < 150'000; ++id)
                if (tokenizer->type(id) != text::TokenType::control) pieces.insert(tokenizer->piece(id));
            fmt::print("{}: {} tokens, {} different so far\n", entry.path().filename().string(),
                       tokenizer->vocab_size(), pieces.size());
        } catch (const Error& e) {
            fmt::print("{}: left out: {}\n", entry.path().filename().string(), e.what());
        }
    }
    std::vector<std::string> bytes(pieces.begin(), pieces.end());
    std::mt19937 random(2);
    const std::size_t real = bytes.size();
    while (pieces.size() < 150'000) pieces.insert(bytes[random() % real] + bytes[random() % real]);
    bytes.assign(pieces.begin(), pieces.end());
    fmt::print("{} more are pairs of these\n", bytes.size() - real);
    std::shuffle(bytes.begin(), bytes.end(), std::mt19937(1));
    bytes.emplace_back();
    const std::int32_t end = static_cast<std::int32_t>(bytes.size()) - 1;
    return std::make_shared<grammar::Vocabulary>(bytes, std::vector<std::int32_t>{}, std::vector<std::int32_t>{end});
}

// Longest first, as far as the vocabulary goes.
std::vector<std::int32_t> cut(const grammar::TokenTrie& trie, std::string_view text) {
    std::vector<std::int32_t> ids;
    const auto nodes = trie.nodes();
    while (!text.empty()) {
        std::int32_t best = -1;
        std::size_t length = 0, depth = 0;
        std::uint32_t node = 0;
        while (depth < text.size()) {
            std::uint32_t child = node + 1;
            while (child < nodes[node].end && nodes[child].byte != static_cast<std::uint8_t>(text[depth]))
                child = nodes[child].end;
            if (child >= nodes[node].end) break;
            node = child;
            ++depth;
            if (nodes[node].own > 0) {
                best = trie.tokens()[nodes[node].first];
                length = depth;
            }
        }
        if (best < 0) break;
        ids.push_back(best);
        text.remove_prefix(length);
    }
    return ids;
}

struct Case {
    std::string name;
    Json schema;
    std::vector<std::string> texts;
};

std::vector<Case> agent_cases() {
    std::vector<Case> out;
    const auto add = [&](std::string name, std::string_view schema, std::vector<std::string> texts) {
        out.push_back({std::move(name), parse_json(schema, "a schema"), std::move(texts)});
    };
    add("edit_file", R"({"type":"object","properties":{"path":{"type":"string"},"old_text":{"type":"string"},
        "new_text":{"type":"string"},"all":{"type":"boolean"}},"required":["path","old_text","new_text"],
        "additionalProperties":false})",
        {R"({"path": "src/text/grammar/machine.cpp", "old_text": "std::uint64_t word(const Data& data)"
         R"(, std::size_t i) {\n)"
         R"(    return i < data.size() ? data[i] : 0;\n}", "new_text": "// A word of the data; )"
         R"(\"missing\" words are zero.\n)"
         R"(std::uint64_t word(const Data& data, std::size_t i) {\n    return i < data.size() )"
         R"(? data[i] : 0;\n}", "all": false})"});
    add("person", R"({"type":"object","properties":{"name":{"type":"string","maxLength":40},"age":{"type":"integer",
        "minimum":0,"maximum":150},"email":{"type":"string","format":"email"},"born":{"type":"string","format":"date"},
        "tags":{"type":"array","items":{"enum":["red","green","blue"]},"maxItems":5},
        "note":{"type":"string","maxLength":2000}},
        "required":["name","age"]})",
        {"{\n  \"name\": \"Ada Lovelace\",\n  \"age\": 36,\n  \"email\": \"ada@example.org\",\n  \"born\": "
         "\"1815-12-10\",\n  \"tags\": [\n    \"red\",\n    \"blue\"\n  ],\n  "
         "\"note\": \"She wrote the first program, "
         "for a machine that did not exist yet; d\u00e9j\u00e0 vu.\"\n}"});
    add("tree", R"({"$defs":{"node":{"type":"object","properties":{"value":{"type":"number"},"children":{"type":"array",
        "items":{"$ref":"#/$defs/node"}}},"required":["value"]}},"$ref":"#/$defs/node"})",
        {R"({"value": 1.5, "children": [{"value": 2}, {"value": 3, "children": [{"value": -4e10, "children": []}]}]})"});
    add("any json", "{}", {R"({"a": [1, 2, {"b": null, "text": "some longer text with several words"}], "c": false})"});
    return out;
}

void walk(const std::shared_ptr<const grammar::Grammar>& g, const std::shared_ptr<grammar::LeafMasks>& masks,
          std::mt19937& random, Times& times) {
    grammar::Matcher m(g, masks);
    std::vector<std::uint64_t> mask(masks->trie().mask_words());
    std::vector<std::int32_t> allowed;
    for (int step = 0; step < 40 && !m.ended(); ++step) {
        const auto start = Clock::now();
        m.mask(mask);
        times.us.push_back(us_since(start));
        allowed.clear();
        for (std::size_t w = 0; w < mask.size(); ++w)
            for (std::uint64_t bits = mask[w]; bits != 0; bits &= bits - 1)
                allowed.push_back(static_cast<std::int32_t>(w * 64) + __builtin_ctzll(bits));
        if (allowed.empty()) {
            fmt::print("a walk got stuck\n");
            return;
        }
        m.accept_token(allowed[random() % allowed.size()]);
    }
}

void follow(const std::shared_ptr<const grammar::Grammar>& g, const std::shared_ptr<grammar::LeafMasks>& masks,
            const std::string& text, Times& times) {
    grammar::Matcher m(g, masks);
    std::vector<std::uint64_t> mask(masks->trie().mask_words());
    for (const std::int32_t id : cut(masks->trie(), text)) {
        const auto start = Clock::now();
        m.mask(mask);
        times.us.push_back(us_since(start));
        if ((mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) == 0 || !m.accept_token(id)) {
            fmt::print("a token of a valid text is not allowed: '{}' of {}\n", masks->trie().bytes(id), text);
            return;
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::filesystem::path shared = std::filesystem::path(QUERN_SOURCE_DIR) / "../shared/testdata";
    const std::filesystem::path vocabularies = argc > 1 ? std::filesystem::path(argv[1]) : shared / "vocab";
    const std::filesystem::path suite = argc > 2 ? std::filesystem::path(argv[2]) : shared / "jsonschema";
    const auto vocabulary = read_vocabulary(vocabularies);
    fmt::print("vocabulary: {} tokens, {} nodes in the trie, {} places where a string is closed\n",
               vocabulary->trie.vocab_size(), vocabulary->trie.nodes().size(), vocabulary->strings.closes().size());
    std::vector<Case> cases = agent_cases();
    const std::size_t own = cases.size();
    for (const auto& entry : std::filesystem::directory_iterator(suite)) {
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        for (const Json& group : parse_json(text, "a file of the suite")) {
            Case c{group["description"].get<std::string>(), group["schema"], {}};
            for (const Json& test : group["tests"])
                if (test["valid"].get<bool>()) c.texts.push_back(test["data"].dump(2));
            cases.push_back(std::move(c));
        }
    }
    Times compile{"making a grammar", {}}, prepare{"preparing its masks", {}};
    Times own_texts{"mask, agents' schemas, texts", {}}, own_walks{"mask, agents' schemas, walks", {}};
    Times texts{"mask, suite's schemas, texts", {}}, walks{"mask, suite's schemas, walks", {}}, all{"mask, all", {}};
    std::mt19937 random(7);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        std::shared_ptr<const grammar::Grammar> g;
        auto start = Clock::now();
        try {
            g = grammar::Grammar::from_json_schema(cases[i].schema, grammar::Formats::check);
        } catch (const Error&) {
            continue;
        }
        if (g->empty()) continue;
        compile.us.push_back(us_since(start));
        start = Clock::now();
        const auto masks = std::make_shared<grammar::LeafMasks>(g->program(), vocabulary);
        prepare.us.push_back(us_since(start));
        if (prepare.us.back() > 50'000)
            fmt::print("slow to prepare: {}: {:.0f} us\n", cases[i].name, prepare.us.back());
        Times one{cases[i].name, {}};
        for (const std::string& text : cases[i].texts) follow(g, masks, text, one);
        Times& t = i < own ? own_texts : texts;
        t.us.insert(t.us.end(), one.us.begin(), one.us.end());
        if (!one.us.empty() && *std::max_element(one.us.begin(), one.us.end()) > 1000)
            fmt::print("slow text: {}: {:.0f} us\n", cases[i].name, *std::max_element(one.us.begin(), one.us.end()));
        one.us.clear();
        for (int k = 0; k < (i < own ? 10 : 3); ++k) walk(g, masks, random, one);
        Times& w = i < own ? own_walks : walks;
        w.us.insert(w.us.end(), one.us.begin(), one.us.end());
        if (!one.us.empty() && *std::max_element(one.us.begin(), one.us.end()) > 1000)
            fmt::print("slow walk: {}: {:.0f} us\n", cases[i].name, *std::max_element(one.us.begin(), one.us.end()));
    }
    fmt::print("\n{:44} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "microseconds (thread)", "times", "mean",
               "half", "90 %", "99 %", "99.9 %", "longest");
    for (const Times* t : {&own_texts, &own_walks, &texts, &walks})
        all.us.insert(all.us.end(), t->us.begin(), t->us.end());
    for (Times* t : {&compile, &prepare, &own_texts, &own_walks, &texts, &walks, &all}) t->print();
}
