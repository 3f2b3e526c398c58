// The cases as files: complete, consistent, and turned into directories with the bytes the generator had. Would catch a
// case whose golden was not regenerated with its configuration, and one that nobody lists.
#include "parity/case.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "parity/compare.h"

namespace quern::parity {
namespace {

const Path root = Path(QUERN_SOURCE_DIR) / "tests/parity";

TEST(ParityCases, EveryDirectoryIsListedAndComplete) {
    std::set<std::string> listed, present;
    for (const Case& c : read_cases(root / "cases")) {
        listed.insert(c.name);
        EXPECT_FALSE(c.note.empty()) << c.name;
        EXPECT_GE(c.context, c.ids.size()) << c.name;
        for (const std::int32_t id : c.ids)
            EXPECT_TRUE(id >= 0 && std::uint32_t(id) < c.vocab) << c.name << " id " << id;
    }
    for (const auto& e : std::filesystem::directory_iterator(root / "cases")) {
        if (e.is_directory()) present.insert(e.path().filename().string());
    }
    EXPECT_EQ(listed, present);
    EXPECT_GE(listed.size(), 50u);
}

TEST(ParityCases, GoldensAreFiniteAndWithoutNearTies) {
    for (const Case& c : read_cases(root / "cases")) {
        EXPECT_TRUE(compare_logits(c.logits, c.logits, c.vocab, 0.0f).pass) << c.name << ": a golden holds NaN";
        for (std::size_t p = 0; p < c.ids.size(); ++p) {
            std::vector<float> row(c.logits.begin() + std::ptrdiff_t(p * c.vocab),
                                   c.logits.begin() + std::ptrdiff_t((p + 1) * c.vocab));
            std::partial_sort(row.begin(), row.begin() + 2, row.end(), std::greater<>());
            EXPECT_GT(row[0] - row[1], 4.9e-3f) << c.name << " position " << p;
        }
    }
}

TEST(ParityCases, ACaseBecomesAHuggingFaceDirectory) {
    const Path target = std::filesystem::temp_directory_path() / ("quern-parity-case-" + std::to_string(getpid()));
    const Path source = root / "cases/llama_k_bias";
    write_hf_directory(source, 96, target);
    const Json tokenizer = parse_json(read_text(target / "tokenizer.json"), "tokenizer.json");
    EXPECT_EQ(tokenizer.at("model").at("vocab").size(), 96u);
    EXPECT_EQ(read_text(target / "config.json"), read_text(source / "config.json"));

    const auto weights = make_weights(source / "tensors.json");
    const std::string file = read_text(target / "model.safetensors");
    std::uint64_t size = 0;
    std::memcpy(&size, file.data(), sizeof size);
    const Json header = parse_json(std::string_view(file).substr(sizeof size, size), "header");
    EXPECT_EQ(header.size(), weights.size() + 1);
    for (const auto& [name, t] : weights) {
        const auto begin = header.at(name).at("data_offsets").at(0).get<std::size_t>();
        ASSERT_LE(sizeof size + size + begin + t.values.size() * sizeof(float), file.size());
        EXPECT_EQ(
            0, std::memcmp(file.data() + sizeof size + size + begin, t.values.data(), t.values.size() * sizeof(float)))
            << name;
    }
    std::filesystem::remove_all(target);
}

TEST(ParityCases, GoldensOfTheFullDirectoriesAreThere) {
    for (const char* name : {"qwen3", "llama_spm", "qwen3moe", "llama3"}) {
        Case c;
        read_golden(root / "hf" / (std::string(name) + ".golden.safetensors"), c);
        EXPECT_EQ(c.ids.size(), 48u) << name;
        EXPECT_TRUE(compare_logits(c.logits, c.logits, c.vocab, 0.0f).pass) << name;
        const Json golden = parse_json(read_text(root / "hf" / (std::string(name) + ".golden.json")), "golden");
        EXPECT_GE(golden.at("tokens").size(), 30u) << name;
    }
}

}  // namespace
}  // namespace quern::parity
