// What a file may not say: every refusal is an Error naming the key or the tensor, and whatever is taken can be
// computed. Would catch a key that is read without a check, a tensor that nobody misses, and sizes that overflow.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>

#include "base/error.h"
#include "tiny.h"

namespace quern::models {
namespace {

using testing::HasSubstr;

// The sentence with which it is refused; empty when it is taken.
std::string refusal(const Tiny& tiny) {
    try {
        tiny.record();
    } catch (const Error& e) {
        return e.what();
    }
    return {};
}

class EveryArchitecture : public testing::TestWithParam<const char*> {};

TEST_P(EveryArchitecture, IsRecorded) { EXPECT_EQ(refusal(Tiny(GetParam())), ""); }

TEST_P(EveryArchitecture, NamesTheTensorThatIsMissing) {
    const Tiny whole(GetParam());
    for (const auto& [name, dims] : whole.tensors) {
        if (name == "output.weight" || name.ends_with(".bias")) continue;  // these may be absent
        Tiny tiny = whole;
        tiny.tensors.erase(name);
        // A layer of Qwen2-MoE that has no router is a dense one, whose first matrix then is missing.
        const bool router = tiny.arch == "qwen2moe" && name.ends_with(".ffn_gate_inp.weight");
        EXPECT_THAT(refusal(tiny), HasSubstr(router ? name.substr(0, 6) + "ffn_gate.weight" : name));
    }
}

TEST_P(EveryArchitecture, NamesTheTensorWithAnotherShape) {
    const Tiny whole(GetParam());
    for (const auto& [name, dims] : whole.tensors) {
        Tiny wider = whole, deeper = whole, fewer = whole;
        ++wider.tensors[name].back();
        deeper.tensors[name].push_back(1);
        --fewer.tensors[name].front();
        EXPECT_THAT(refusal(wider), HasSubstr(name));
        EXPECT_THAT(refusal(deeper), HasSubstr(name));
        // The embedding says how large the vocabulary is, so that with another, the output matrix is wrong.
        const bool embedding = name == "token_embd.weight", tied = !whole.tensors.contains("output.weight");
        if (embedding && tied) continue;
        EXPECT_THAT(refusal(fewer), HasSubstr(embedding ? "output.weight" : name));
    }
}

TEST_P(EveryArchitecture, NamesTheTensorThatIsTooMuch) {
    for (const char* name : {"blk.0.attn_q_extra.weight", "blk.2.attn_norm.weight", "blk.0.attn_norm.bias",
                             "output.bias", "blk.00.attn_norm.weight", "something"}) {
        Tiny tiny(GetParam());
        tiny.tensors[name] = {8};
        EXPECT_THAT(refusal(tiny), HasSubstr(std::string(name) + ":"));
    }
}

TEST_P(EveryArchitecture, NamesTheKeyThatIsMissing) {
    for (const char* key : {"block_count", "context_length", "embedding_length", "feed_forward_length",
                            "attention.head_count", "expert_count", "expert_used_count"}) {
        Tiny tiny(GetParam());
        const bool moe = tiny.arch.ends_with("moe"), of_experts = std::string_view(key).starts_with("expert");
        if (of_experts != moe && (of_experts || key == std::string_view("feed_forward_length"))) continue;
        tiny.remove(key);
        EXPECT_THAT(refusal(tiny), HasSubstr(tiny.arch + "." + key));
    }
}

// Expects of a node's numbers that they can be computed with.
struct Computable {
    static void expect_from(double x, double least) { EXPECT_TRUE(std::isfinite(x) && x >= least) << x; }
    void operator()(const RopeAttr& a) const {
        EXPECT_GT(a.magnitude, 0);
        expect_from(double(a.magnitude), 0);
        for (const double f : a.frequency) expect_from(f, 0);
    }
    void operator()(const NormAttr& a) const { expect_from(double(a.eps), 0); }
    void operator()(const SoftcapAttr& a) const { expect_from(double(a.cap), 1e-30); }
    void operator()(const AttendAttr& a) const {
        expect_from(double(a.scale), 0);
        expect_from(double(a.softcap), 0);
        for (const std::int64_t w : a.window) EXPECT_GE(w, 0);
    }
    void operator()(const auto&) const {}
};

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

// clang-format off
const gguf::Value any_value[] = {
    std::int32_t(-1), std::uint32_t(0), std::uint32_t(1), std::uint32_t(3), std::int32_t(INT32_MIN),
    std::uint32_t(1) << 31, std::uint32_t(1) << 20, std::uint32_t(UINT32_MAX), std::int64_t(INT64_MIN),
    std::int64_t(INT64_MAX), std::uint64_t(UINT64_MAX), 0.0f, 1.0f, -1.0f, 1e-38f, 3e38f, not_a_number, inf, -inf, 1e300, true,
    std::string("linear"), std::string("yarn"), std::string("dynamic"), std::string("longrope"), std::string(),
    gguf::Array{gguf::ValueType::u32, std::vector<std::uint32_t>{}},
    gguf::Array{gguf::ValueType::u32, std::vector<std::uint32_t>{2, 1}},
    gguf::Array{gguf::ValueType::boolean, std::vector<std::uint8_t>{1, 0}},
    gguf::Array{gguf::ValueType::f32, std::vector<float>{1, 2}}};
constexpr const char* any_key[] = {
    "block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count",
    "attention.head_count_kv", "attention.key_length", "attention.value_length",
    "attention.layer_norm_rms_epsilon", "attention.scale", "attention.sliding_window",
    "attention.sliding_window_pattern", "rope.freq_base", "rope.freq_base_swa", "rope.dimension_count",
    "rope.scale_linear", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.original_context_length",
    "rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow", "attn_logit_softcapping", "final_logit_softcapping", "expert_count",
    "expert_used_count", "expert_feed_forward_length", "expert_shared_feed_forward_length", "expert_weights_norm"};
// clang-format on

// Whatever a key holds: an Error, or numbers that can be computed with. Nothing else, in particular no abort, no
// overflow, no allocation by the gigabyte.
TEST_P(EveryArchitecture, SurvivesAnyValueOfAnyKey) {
    for (const std::string key : any_key) {
        for (std::size_t i = 0; i < std::size(any_value); ++i) {
            for (const std::string type : {"none", "yarn", "dynamic"}) {
                if (type != "none" && !key.starts_with("rope.") && key != "context_length") continue;
                Tiny tiny(GetParam());
                tiny.set("rope.scaling.type", type);
                tiny.set("rope.scaling.factor", 4.0f);
                tiny.set(key, any_value[i]);
                SCOPED_TRACE(key + ", value " + std::to_string(i) + ", scaling " + type);
                try {
                    for (const Node& n : tiny.record()) std::visit(Computable(), n.attr);
                } catch (const Error& e) {
                    EXPECT_FALSE(std::string(e.what()).empty());
                }
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Models, EveryArchitecture, testing::ValuesIn(all_names),
                         [](const auto& p) { return std::string(p.param); });

struct Senseless {
    const char* arch;
    const char* key;
    gguf::Value value;
    const char* named;  // what the sentence must hold besides the key
    friend void PrintTo(const Senseless& s, std::ostream* out) { *out << s.arch << "." << s.key; }
};

class SenselessValue : public testing::TestWithParam<Senseless> {};

TEST_P(SenselessValue, IsRefusedByItsKey) {
    Tiny tiny(GetParam().arch);
    tiny.set(GetParam().key, GetParam().value);
    const std::string sentence = refusal(tiny);
    EXPECT_THAT(sentence, HasSubstr(std::string(GetParam().arch) + "." + GetParam().key));
    EXPECT_THAT(sentence, HasSubstr(GetParam().named));
}

const std::vector<std::uint32_t> unequal{2, 1}, three{2, 2, 2};

INSTANTIATE_TEST_SUITE_P(
    Models, SenselessValue,
    testing::Values(
        Senseless{"llama", "block_count", std::uint32_t(0), "0"},
        Senseless{"llama", "block_count", std::uint32_t(1) << 31, "2147483648"},
        Senseless{"llama", "block_count", std::string("two"), "string"},
        Senseless{"llama", "embedding_length", std::int32_t(-8), "-8"},
        Senseless{"llama", "context_length", std::uint32_t(0), "0"},
        Senseless{"llama", "attention.head_count", std::uint32_t(0), "0"},
        Senseless{"llama", "attention.head_count", std::uint32_t(3), "embedding_length is 8"},
        Senseless{"llama", "attention.head_count", gguf::Array{gguf::ValueType::u32, unequal},
                  "differs between layers"},
        Senseless{"llama", "attention.head_count", gguf::Array{gguf::ValueType::u32, three}, "3 entries for 2 layers"},
        Senseless{"llama", "attention.head_count_kv", std::uint32_t(0), "0"},
        Senseless{"qwen3", "attention.head_count_kv", std::uint32_t(4), "multiple"},
        Senseless{"qwen3", "attention.key_length", std::uint32_t(0), "0"},
        Senseless{"qwen3", "attention.value_length", std::uint32_t(2), "2"},
        Senseless{"llama", "attention.layer_norm_rms_epsilon", -1e-5f, "-"},
        Senseless{"llama", "attention.layer_norm_rms_epsilon", std::nanf(""), "nan"},
        Senseless{"llama", "attention.scale", std::numeric_limits<float>::infinity(), "inf"},
        Senseless{"llama", "rope.dimension_count", std::uint32_t(3), "3"},
        Senseless{"llama", "rope.dimension_count", std::uint32_t(6), "6"},
        Senseless{"llama", "rope.dimension_count", std::uint32_t(0), "0"},
        Senseless{"llama", "rope.freq_base", 0.0f, "0"},
        Senseless{"llama", "rope.freq_base", std::numeric_limits<float>::infinity(), "inf"},
        Senseless{"gemma3", "rope.freq_base_swa", 0.0f, "0"},
        Senseless{"llama", "rope.scaling.type", std::string("spiral"), "\"spiral\""},
        Senseless{"llama", "rope.scaling.factor", 0.0f, "0"},
        Senseless{"llama", "rope.scaling.original_context_length", std::int32_t(-1), "-1"},
        Senseless{"llama", "rope.scaling.attn_factor", -1.0f, "-1"},
        Senseless{"llama", "attention.sliding_window", std::int32_t(-16), "-16"},
        Senseless{"gemma2", "attention.sliding_window_pattern", std::int32_t(-2), "-2"},
        Senseless{"gemma3", "attention.sliding_window_pattern", gguf::Array{gguf::ValueType::u32, three}, "3 entries"},
        Senseless{"gemma2", "attn_logit_softcapping", std::nanf(""), "nan"},
        Senseless{"gemma2", "final_logit_softcapping", -30.0f, "-30"},
        Senseless{"qwen3moe", "expert_count", std::uint32_t(0), "0"},
        Senseless{"qwen3moe", "expert_used_count", std::uint32_t(0), "0"},
        Senseless{"qwen3moe", "expert_used_count", std::uint32_t(5), "5"},
        Senseless{"qwen2moe", "expert_weights_norm", std::uint32_t(1), "u32"}),
    [](const auto& p) {
        std::string name = std::string(p.param.arch) + "_" + p.param.key + "_" + std::to_string(p.index);
        for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
        return name;
    });

TEST(Table, UnknownArchitecturesAreNamedBesideTheKnown) {
    Tiny tiny("llama");
    tiny.meta.set("general.architecture", std::string("windmill"));
    const std::string sentence = refusal(tiny);
    EXPECT_THAT(sentence, HasSubstr("\"windmill\""));
    for (const char* name : all_names) EXPECT_THAT(sentence, HasSubstr(name));
    EXPECT_EQ(architectures().size(), std::size(all_names));
}

TEST(Table, AFileWithoutAnArchitectureIsRefused) {
    Tiny tiny("llama");
    tiny.meta = {};
    EXPECT_THAT(refusal(tiny), HasSubstr("general.architecture"));
}

TEST(Rope, FactorsMustBePositiveAndComplete) {
    Tiny tiny("phi3");
    tiny.tensors["rope_factors_long.weight"] = {3};
    EXPECT_THAT(refusal(tiny), HasSubstr("rope_factors_long.weight"));
    tiny.tensors["rope_factors_long.weight"] = {2};
    tiny.set("rope.scaling.type", std::string("longrope"));
    EXPECT_THAT(refusal(tiny), HasSubstr("rope_factors_short.weight"));
    tiny.tensors["rope_factors_short.weight"] = {2};
    EXPECT_EQ(refusal(tiny), "");
}

TEST(Tied, AnOutputMatrixMayBeAbsent) {
    Tiny tiny("qwen3");
    tiny.tensors.erase("output.weight");
    EXPECT_EQ(refusal(tiny), "");
}

}  // namespace
}  // namespace quern::models
