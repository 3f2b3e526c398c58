// config.json to keys: both spellings, defaults, windows, and a sentence for everything that is not known.
#include "convert/config.h"

#include <gmock/gmock.h>

#include <cmath>

#include "models_for_tests.h"

namespace quern::convert {
namespace {

using testing::HasSubstr;

Json llama() { return TinyLlama().config; }

Json gemma(const char* name) {
    Json c = llama();
    c.erase("tie_word_embeddings");
    c["architectures"] = {name};
    c["head_dim"] = 4;
    c["num_hidden_layers"] = 7;
    c["query_pre_attn_scalar"] = 4;
    c["sliding_window"] = 16;
    return c;
}

ModelConfig read(const Json& c) { return read_config(c, "config.json"); }

std::vector<bool> pattern(const ModelConfig& m) {
    const std::string key = std::string(m.architecture->name) + ".attention.sliding_window_pattern";
    return m.metadata.booleans(key).value_or(std::vector<bool>());
}

struct Refused {
    const char* patch;     // merged into a tiny Llama's configuration; null removes a field
    const char* sentence;  // part of the refusal
};
void PrintTo(const Refused& r, std::ostream* out) { *out << r.patch; }

class RefusedConfig : public testing::TestWithParam<Refused> {};

TEST_P(RefusedConfig, IsASentenceNamingTheField) {
    Json c = llama();
    c.merge_patch(Json::parse(GetParam().patch));
    EXPECT_THAT(refusal([&] { read(c); }), HasSubstr(GetParam().sentence));
}

INSTANTIATE_TEST_SUITE_P(
    Each, RefusedConfig,
    testing::Values(
        Refused{R"({"architectures": ["GPT2LMHeadModel"]})", "'GPT2LMHeadModel'"},
        Refused{R"({"architectures": null})", "architectures is missing"},
        Refused{R"({"architectures": "LlamaForCausalLM"})", "architectures is"},
        Refused{R"({"architectures": ["LlamaForCausalLM", "X"]})", "expected one of"},
        Refused{R"({"hidden_act": "gelu"})", "hidden_act) is 'gelu'"}, Refused{R"({"hidden_act": 3})", "hidden_act is"},
        Refused{R"({"quantization_config": {"quant_method": "gptq"}})", "'gptq'"},
        Refused{R"({"quantization_config": {"quant_method": 7}})", "quantization_config"},
        Refused{R"({"hidden_size": -8})", "hidden_size is '-8'"}, Refused{R"({"hidden_size": "8"})", "hidden_size is"},
        Refused{R"({"hidden_size": 8.5})", "hidden_size is"},
        Refused{R"({"hidden_size": 18446744073709551615})", "hidden_size is"},
        Refused{R"({"hidden_size": null})", "hidden_size is missing"},
        Refused{R"({"num_hidden_layers": 1000000000})", "num_hidden_layers is"},
        Refused{R"({"num_hidden_layers": 0})", "num_hidden_layers is"},
        Refused{R"({"num_attention_heads": 3})", "not a multiple"},
        Refused{R"({"num_key_value_heads": 0})", "num_key_value_heads is"},
        Refused{R"({"num_attention_heads": 8, "num_key_value_heads": 3})", "num_key_value_heads"},
        Refused{R"({"head_dim": 3})", "head_dim"}, Refused{R"({"head_dim": 1073741824})", "head_dim is"},
        Refused{R"({"rms_norm_eps": 0})", "rms_norm_eps is"},
        Refused{R"({"rms_norm_eps": null})", "rms_norm_eps is missing"},
        Refused{R"({"rms_norm_eps": 1e-60})", "rms_norm_eps is"}, Refused{R"({"vocab_size": 1e300})", "vocab_size is"},
        Refused{R"({"rope_theta": -1})", "rope_theta is"},
        Refused{R"({"rope_scaling": {"rope_type": "mrope", "mrope_section": [1, 1, 1]}})", "'mrope'"},
        Refused{R"({"rope_scaling": {"type": "linear", "rope_type": "yarn", "factor": 2}})", "remove the wrong one"},
        Refused{R"({"rope_scaling": {"type": "linear"}})", "factor is missing"},
        Refused{R"({"rope_scaling": {"type": "linear", "factor": 2, "surprise": 1}})", "'surprise'"},
        Refused{R"({"rope_scaling": "linear"})", "expected an object"},
        Refused{R"({"rope_scaling": {"type": "yarn", "factor": 2, "truncate": false}})", "truncate"},
        Refused{R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 1,
                    "original_max_position_embeddings": 32}})",
                "high_freq_factor"},
        Refused{
            R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}})",
            "original_max_position_embeddings is missing"},
        Refused{R"({"rope_scaling": {"rope_type": "longrope", "short_factor": [1, 1], "long_factor": [1]}})",
                "long_factor has 1 numbers, expected 2"},
        Refused{R"({"rope_scaling": {"rope_type": "longrope", "short_factor": [1, 0], "long_factor": [1, 1]}})",
                "short_factor holds 0"},
        Refused{R"({"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "default"}})",
                "rope_parameters and rope_scaling differ"},
        Refused{R"({"partial_rotary_factor": 0.5})", "partial_rotary_factor is 0.5"},
        Refused{R"({"sliding_window": 16})", "'sliding_window'"}, Refused{R"({"clip_qkv": 8})", "'clip_qkv'"},
        Refused{R"({"use_bidirectional_attention": true})", "'use_bidirectional_attention'"},
        Refused{R"({"eos_token_id": ["x"]})", "eos_token_id"}, Refused{R"({"bos_token_id": -7})", "bos_token_id is"},
        Refused{R"({"tie_word_embeddings": "yes"})", "tie_word_embeddings is"},
        Refused{R"({"layer_types": ["full_attention"]})", "1 entries for 2 layers"},
        Refused{R"({"layer_types": ["full_attention", "linear_attention"]})", "'linear_attention'"},
        Refused{R"({"layer_types": ["full_attention", "sliding_attention"]})", "no window"},
        Refused{R"({"text_config": {}})", "text_config"},
        Refused{R"({"architectures": ["Qwen2ForCausalLM"], "attention_bias": true})", "attention_bias"},
        Refused{R"({"architectures": ["Qwen3MoeForCausalLM"]})", "num_experts is missing"},
        Refused{R"({"architectures": ["MixtralForCausalLM"], "num_local_experts": 4, "num_experts_per_tok": 5})",
                "num_experts_per_tok is '5'"},
        Refused{R"({"architectures": ["Qwen2MoeForCausalLM"], "use_sliding_window": true, "sliding_window": 8,
                    "num_experts": 4, "num_experts_per_tok": 2})",
                "layer_types"},
        Refused{R"({"architectures": ["Gemma3ForCausalLM"], "attn_logit_softcapping": 50, "head_dim": 4})",
                "attn_logit_softcapping"},
        Refused{R"({"architectures": ["Gemma2ForCausalLM"], "hidden_activation": "gelu", "head_dim": 4})", "'gelu'"}));

TEST(Config, WritesTheSizes) {
    const ModelConfig m = read(llama());
    EXPECT_EQ(m.architecture->name, "llama");
    EXPECT_EQ(m.metadata.need_integer("llama.block_count"), 2);
    EXPECT_EQ(m.metadata.need_integer("llama.attention.head_count"), 2);
    EXPECT_EQ(m.metadata.need_integer("llama.attention.head_count_kv"), 1);
    EXPECT_EQ(m.metadata.need_integer("llama.attention.key_length"), 4);
    EXPECT_EQ(m.metadata.need_integer("llama.rope.dimension_count"), 4);
    EXPECT_EQ(m.metadata.need_number("llama.rope.freq_base"), 10000);
    EXPECT_FALSE(m.metadata.has("llama.attention.sliding_window"));
    EXPECT_FALSE(m.metadata.has("llama.rope.scaling.type"));
}

// Fields that are null, off or of no matter for the mathematics are no reason to refuse.
TEST(Config, TakesFieldsThatChangeNothing) {
    Json c = llama();
    c.merge_patch(Json::parse(R"({"torch_dtype": "float16", "use_cache": true, "_name_or_path": "x",
                                  "transformers_version": "4.51.3", "some_switch": false, "some_list": []})"));
    c["some_option"] = nullptr;
    c["sliding_window"] = nullptr;
    EXPECT_NO_THROW(read(c));
}

TEST(Config, BothSpellingsOfRopeGiveTheSameKeys) {
    Json v4 = llama(), v5 = llama();
    v4.merge_patch(Json::parse(R"({"rope_theta": 500000, "rope_scaling": {"type": "yarn", "factor": 4,
                                   "original_max_position_embeddings": 16, "beta_fast": 16}})"));
    v5.merge_patch(Json::parse(R"({"rope_parameters": {"rope_theta": 500000, "rope_type": "yarn", "factor": 4,
                                   "original_max_position_embeddings": 16, "beta_fast": 16}})"));
    const ModelConfig a = read(v4), b = read(v5);
    EXPECT_THAT(a.metadata.entries(), testing::ElementsAreArray(b.metadata.entries()));
    EXPECT_EQ(a.metadata.need_number("llama.rope.freq_base"), 500000);
    EXPECT_EQ(a.metadata.need_string("llama.rope.scaling.type"), "yarn");
    EXPECT_EQ(a.metadata.need_integer("llama.rope.scaling.original_context_length"), 16);
    EXPECT_EQ(a.metadata.need_number("llama.rope.scaling.yarn_beta_fast"), 16);
    EXPECT_FALSE(a.metadata.has("llama.rope.scaling.yarn_attn_factor"));
}

TEST(Config, MistralSlidesUnlessItsWindowIsNull) {
    Json c = llama();
    c["architectures"] = {"MistralForCausalLM"};
    EXPECT_EQ(read(c).metadata.integer("llama.attention.sliding_window"), 4096);  // the class's default
    c["sliding_window"] = nullptr;
    EXPECT_FALSE(read(c).metadata.has("llama.attention.sliding_window"));
    c["sliding_window"] = 16;
    EXPECT_EQ(read(c).metadata.integer("llama.attention.sliding_window"), 16);
    EXPECT_TRUE(pattern(read(c)).empty());
}

TEST(Config, QwenSlidesOnlyWhenItSaysSoAndInLateLayers) {
    Json c = llama();
    c["architectures"] = {"Qwen2ForCausalLM"};
    c["sliding_window"] = 16;
    c["max_window_layers"] = 1;
    EXPECT_FALSE(read(c).metadata.has("qwen2.attention.sliding_window"));
    c["use_sliding_window"] = true;
    EXPECT_EQ(read(c).metadata.integer("qwen2.attention.sliding_window"), 16);
    EXPECT_EQ(pattern(read(c)), (std::vector<bool>{false, true}));
    c["layer_types"] = {"sliding_attention", "full_attention"};
    EXPECT_EQ(pattern(read(c)), (std::vector<bool>{true, false}));
    c.erase("layer_types");
    c["max_window_layers"] = 28;
    EXPECT_FALSE(read(c).metadata.has("qwen2.attention.sliding_window"));
}

TEST(Config, Gemma2WritesWhatReadersWouldGuess) {
    Json c = gemma("Gemma2ForCausalLM");
    const ModelConfig m = read(c);
    EXPECT_TRUE(m.tied);
    EXPECT_FALSE(m.metadata.has("gemma2.attention.scale"));  // head_dim^-1/2
    EXPECT_EQ(m.metadata.need_number("gemma2.attn_logit_softcapping"), 50);
    EXPECT_EQ(m.metadata.need_number("gemma2.final_logit_softcapping"), 30);
    EXPECT_TRUE(pattern(m).empty());  // every other layer, as readers assume
    c["query_pre_attn_scalar"] = 9;
    c["attn_logit_softcapping"] = nullptr;
    c["sliding_window"] = nullptr;
    EXPECT_EQ(read(c).metadata.need_number("gemma2.attention.scale"), static_cast<double>(1 / 3.0f));
    EXPECT_EQ(read(c).metadata.need_number("gemma2.attn_logit_softcapping"), 0);
    EXPECT_EQ(read(c).metadata.integer("gemma2.attention.sliding_window"), 0);
    // As deep as the 27B model, whose scale readers take for granted.
    c["query_pre_attn_scalar"] = 4;
    c["num_hidden_layers"] = 46;
    EXPECT_EQ(read(c).metadata.need_number("gemma2.attention.scale"), 0.5);
}

TEST(Config, Gemma3HasTwoBasesAndAPattern) {
    Json v4 = gemma("Gemma3ForCausalLM"), v5 = v4;
    v4.merge_patch(Json::parse(R"({"rope_theta": 70000, "rope_local_base_freq": 500,
                                   "rope_scaling": {"rope_type": "linear", "factor": 8}, "sliding_window_pattern": 3})"));
    v5.merge_patch(Json::parse(R"({"rope_parameters": {
        "full_attention": {"rope_theta": 70000, "rope_type": "linear", "factor": 8},
        "sliding_attention": {"rope_theta": 500, "rope_type": "default"}}, "_sliding_window_pattern": 3})"));
    for (const Json& c : {v4, v5}) {
        const ModelConfig m = read(c);
        EXPECT_EQ(m.metadata.need_number("gemma3.rope.freq_base"), 70000);
        EXPECT_EQ(m.metadata.need_number("gemma3.rope.freq_base_swa"), 500);
        EXPECT_EQ(m.metadata.need_string("gemma3.rope.scaling.type"), "linear");
        EXPECT_EQ(m.metadata.need_number("gemma3.rope.scaling.factor"), 8);
        EXPECT_EQ(pattern(m), (std::vector<bool>{true, true, false, true, true, false, true}));
    }
    v5["rope_parameters"]["sliding_attention"]["rope_type"] = "yarn";
    EXPECT_THAT(refusal([&] { read(v5); }), HasSubstr("sliding_attention"));
    EXPECT_EQ(read(gemma("Gemma3ForCausalLM")).metadata.need_number("gemma3.rope.freq_base"), 1e6);
}

TEST(Config, ReadsTheTextPartOfAGemmaThatSees) {
    Json inner = gemma("Gemma3ForCausalLM");
    for (const char* key : {"architectures", "num_attention_heads", "num_key_value_heads", "vocab_size"})
        inner.erase(key);
    inner["head_dim"] = 256;
    inner["hidden_size"] = 2560;
    const Json c = {{"architectures", {"Gemma3ForConditionalGeneration"}},
                    {"text_config", inner},
                    {"vision_config", {{"hidden_size", 1152}}},
                    {"eos_token_id", {1, 106}}};
    const ModelConfig m = read(c);
    EXPECT_EQ(m.metadata.integer("gemma3.attention.head_count"), 8);
    EXPECT_EQ(m.vocab, 262208);
    EXPECT_THAT(m.eos, testing::ElementsAre(1, 106));
    EXPECT_FALSE(m.notes.empty());
}

TEST(Config, ExpertWeightsAreNormalisedOnlyWhenTheModelSaysSo) {
    Json c = llama();
    c["architectures"] = {"Qwen3MoeForCausalLM"};
    c.merge_patch(Json::parse(R"({"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 6})"));
    EXPECT_EQ(read(c).metadata.boolean("qwen3moe.expert_weights_norm"), false);
    EXPECT_EQ(read(c).experts, 4);
    c["norm_topk_prob"] = true;
    EXPECT_EQ(read(c).metadata.boolean("qwen3moe.expert_weights_norm"), true);
}

}  // namespace
}  // namespace quern::convert
