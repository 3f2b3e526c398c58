// RoPE scalings as keys and tensors; numbers checked against the formulas of the papers, worked out apart.
#include <gmock/gmock.h>

#include <cmath>

#include "convert/config.h"
#include "models_for_tests.h"

namespace quern::convert {
namespace {

ModelConfig with_scaling(const char* name, const char* scaling, std::int64_t head_dim, std::int64_t context) {
    Json c = TinyLlama().config;
    c["architectures"] = {name};
    c["head_dim"] = head_dim;
    c["max_position_embeddings"] = context;
    c["rope_scaling"] = Json::parse(scaling);
    return read_config(c, "config.json");
}

// Head 8, base 10000: wavelengths 2 pi * 10^i = 6.28, 62.8, 628, 6283. With 400 original positions, high 4 and low 1,
// pairs below 100 stay, those above 400 are divided by the factor; none is between.
TEST(Rope, Llama3KeepsFastPairsAndDividesSlowOnes) {
    const ModelConfig m = with_scaling("LlamaForCausalLM",
                                       R"({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                           "high_freq_factor": 4.0, "original_max_position_embeddings": 400})",
                                       8, 4096);
    ASSERT_EQ(m.generated.size(), 1u);
    EXPECT_EQ(m.generated[0].name, "rope_freqs.weight");
    EXPECT_THAT(m.generated[0].values, testing::ElementsAre(1, 1, 8, 8));
    EXPECT_FALSE(m.metadata.has("llama.rope.scaling.type"));
}

TEST(Rope, Llama3BlendsThePairsBetween) {
    const ModelConfig m = with_scaling("LlamaForCausalLM",
                                       R"({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                           "high_freq_factor": 4.0, "original_max_position_embeddings": 1000})",
                                       8, 4096);
    // Pair 2: wavelength 628.3, so (1000 / 628.3 - 1) / 3 = 0.19718 of it stays: 1 / (0.80282 / 8 + 0.19718).
    EXPECT_NEAR(m.generated[0].values[2], 3.3615f, 1e-3f);
    EXPECT_EQ(m.generated[0].values[1], 1.0f);
    EXPECT_EQ(m.generated[0].values[3], 8.0f);
}

TEST(Rope, LongropeWritesBothSetsAndItsMagnitude) {
    Json c = TinyLlama().config;
    c["architectures"] = {"Phi3ForCausalLM"};
    c["head_dim"] = 8;
    c["partial_rotary_factor"] = 0.5;
    c["max_position_embeddings"] = 1024;
    c["original_max_position_embeddings"] = 32;
    c["rope_scaling"] = {{"type", "su"}, {"short_factor", {1, 2}}, {"long_factor", {3, 4}}};
    const ModelConfig m = read_config(c, "config.json");
    ASSERT_EQ(m.generated.size(), 2u);
    EXPECT_EQ(m.generated[0].name, "rope_factors_long.weight");
    EXPECT_THAT(m.generated[0].values, testing::ElementsAre(3, 4));
    EXPECT_THAT(m.generated[1].values, testing::ElementsAre(1, 2));
    EXPECT_EQ(m.metadata.integer("phi3.rope.dimension_count"), 4);
    EXPECT_EQ(m.metadata.integer("phi3.rope.scaling.original_context_length"), 32);
    // sqrt(1 + ln 32 / ln 32)
    EXPECT_NEAR(m.metadata.need_number("phi3.rope.scaling.attn_factor"), std::sqrt(2.0), 1e-6);
    EXPECT_FALSE(m.metadata.has("phi3.rope.scaling.type"));
}

TEST(Rope, YarnWithoutAFactorStretchesToTheContext) {
    const ModelConfig m = with_scaling(
        "LlamaForCausalLM", R"({"rope_type": "yarn", "original_max_position_embeddings": 64, "attention_factor": 1.5})",
        8, 256);
    EXPECT_EQ(m.metadata.need_number("llama.rope.scaling.factor"), 4);
    EXPECT_EQ(m.metadata.need_number("llama.rope.scaling.yarn_attn_factor"), 1.5);
}

TEST(Rope, DynamicKeepsItsNameAndIsNoted) {
    const ModelConfig m = with_scaling("LlamaForCausalLM", R"({"type": "dynamic", "factor": 2.0})", 8, 256);
    EXPECT_EQ(m.metadata.need_string("llama.rope.scaling.type"), "dynamic");
    EXPECT_EQ(m.metadata.integer("llama.rope.scaling.original_context_length"), 256);
    EXPECT_THAT(m.notes, testing::ElementsAre(testing::HasSubstr("dynamic")));
}

}  // namespace
}  // namespace quern::convert
