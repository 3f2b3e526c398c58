// The official JSON Schema test suite (draft 2020-12): every case is either held exactly, in every serialisation, or
// refused with the JSON pointer of what is not supported. docs/grammar-keywords.md is made from this run.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "testdata.h"
#include "text/grammar/grammar.h"

namespace quern::grammar {
namespace {

const std::filesystem::path table_path = std::filesystem::path(QUERN_SOURCE_DIR) / "docs" / "grammar-keywords.md";

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// With spaces after commas and colons, all on one line, as Python's json.dumps writes it.
std::string spaced(const Json& value) {
    if (!value.is_structured() || value.empty()) return value.dump();
    std::string out = value.is_array() ? "[" : "{";
    for (const auto& [key, item] : value.items()) {
        if (out.size() > 1) out += ", ";
        if (value.is_object()) out += Json(key).dump() + ": ";
        out += spaced(item);
    }
    return out + (value.is_array() ? "]" : "}");
}

std::vector<std::string> serialisations(const Json& value) {
    return {value.dump(),  value.dump(-1, ' ', true), spaced(value),
            value.dump(2), value.dump(4, ' ', true),  value.dump(1, '\t')};
}

bool accepts(const std::shared_ptr<const Grammar>& grammar, const std::string& text) {
    Matcher m(grammar);
    return m.accept(text) && m.can_end();
}

struct Counts {
    int held = 0, held_tests = 0, refused = 0, refused_tests = 0, wrong = 0;
    std::map<std::string, int> reasons;  // "keyword: sentence"
};

// The keyword a pointer ends in, where it is one; list indices are left out.
std::string reason(const std::string& what) {
    const std::size_t end = what.find(": ");
    std::string pointer = what.substr(0, end);
    while (pointer.size() > 1 && std::isdigit(static_cast<unsigned char>(pointer.back())))
        pointer = pointer.substr(0, pointer.find_last_of('/'));
    return pointer.substr(pointer.find_last_of('/') + 1);
}

Counts run_file(const std::filesystem::path& path) {
    Counts counts;
    for (const Json& group : parse_json(read(path), path.filename().string())) {
        const auto tests = static_cast<int>(group["tests"].size());
        std::shared_ptr<const Grammar> grammar;
        try {
            grammar = Grammar::from_json_schema(group["schema"], Formats::note);
        } catch (const Error& e) {
            EXPECT_EQ(e.what()[0], '/') << path << ": " << group["description"] << ": no pointer in: " << e.what();
            EXPECT_EQ(e.code, Code::unsupported) << path << ": " << group["description"] << ": " << e.what();
            ++counts.refused;
            counts.refused_tests += tests;
            ++counts.reasons[reason(e.what())];
            continue;
        }
        ++counts.held;
        counts.held_tests += tests;
        for (const Json& test : group["tests"])
            for (const std::string& text : serialisations(test["data"]))
                if (accepts(grammar, text) != test["valid"].get<bool>()) {
                    ++counts.wrong;
                    ADD_FAILURE() << path.filename() << ": " << group["description"] << ": " << test["description"]
                                  << "\n"
                                  << group["schema"].dump() << "\n"
                                  << text << "\nshould be " << (test["valid"].get<bool>() ? "accepted" : "refused");
                }
    }
    return counts;
}

std::string table(const Path& suite) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(suite)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    std::string rows;
    Counts sum;
    for (const auto& path : files) {
        const Counts c = run_file(path);
        std::string reasons;
        for (const auto& [what, times] : c.reasons)
            reasons += (reasons.empty() ? "`" : ", `") + what + "` (" + std::to_string(times) + ")";
        rows += "| " + path.stem().string() + " | " + std::to_string(c.held) + " | " + std::to_string(c.held_tests) +
                " | " + std::to_string(c.refused) + " | " + std::to_string(c.refused_tests) + " | " + reasons + " |\n";
        sum.held += c.held;
        sum.held_tests += c.held_tests;
        sum.refused += c.refused;
        sum.refused_tests += c.refused_tests;
        sum.wrong += c.wrong;
    }
    return "# Keywords of JSON Schema, as the official test suite sees them\n\n"
           "Made by the test `JsonSchemaSuite` from a run over the suite's files for draft 2020-12; `docs/grammar.md` "
           "says what\n"
           "each keyword does. A schema that is held accepts every serialisation (compact, spaced, indented, ASCII) of "
           "every\n"
           "valid instance and refuses those of every invalid one. All other schemas are refused when the grammar is "
           "made, with\n"
           "the JSON pointer of what is not supported; the last column counts those keywords.\n\n"
           "| file | schemas held | instances | schemas refused | instances | refused at |\n"
           "|---|---|---|---|---|---|\n" +
           rows + "| all | " + std::to_string(sum.held) + " | " + std::to_string(sum.held_tests) + " | " +
           std::to_string(sum.refused) + " | " + std::to_string(sum.refused_tests) + " | |\n\n" +
           "Answers that differ from the suite: " + std::to_string(sum.wrong) + ".\n";
}

TEST(JsonSchemaSuite, IsHeldOrRefusedWithAPointerAndTheTableSaysSo) {
    QUERN_NEED_TESTDATA(suite, "jsonschema");
    EXPECT_EQ(table(suite), read(table_path)) << "docs/grammar-keywords.md is stale; run this program with "
                                                 "--gtest_filter=*WriteTheTable --gtest_also_run_disabled_tests";
}

TEST(JsonSchemaSuite, DISABLED_WriteTheTable) {
    QUERN_NEED_TESTDATA(suite, "jsonschema");
    std::ofstream(table_path, std::ios::binary) << table(suite);
}

}  // namespace
}  // namespace quern::grammar
