// Level 4: every case through the converter and the engine, against the logits of transformers. Would catch any error
// in a forward pass, a tensor's name or order, a key's meaning, a kernel or the state. The negative tests show that the
// comparison sees such errors: the other RoPE convention in every case, and one key read wrongly for each kind.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "convert/convert.h"
#include "parity/compare.h"
#include "parity/run.h"

namespace quern::parity {
namespace {

class EveryCase : public testing::TestWithParam<std::string> {
protected:
    Verdict compare(const Path& file) const {
        const auto model = load(file, {.context = parameter.context});
        return compare_logits(parameter.logits, logits_of(*model, parameter.ids), parameter.vocab, tolerance);
    }
    const Case& parameter = find_case(GetParam());
    Folder folder;
};

TEST_P(EveryCase, HasTheLogitsOfTransformers) {
    const Verdict v = compare(convert_case(parameter, folder));
    RecordProperty("architecture", parameter.architecture);
    RecordProperty("worst", std::to_string(v.worst));
    EXPECT_TRUE(v.pass) << parameter.architecture << ", " << parameter.note << ": " << v.sentence;
}

// The weights of a model that was trained with the other convention must give other logits: by as much as transformers
// says, so that this is a second golden of each case. (With a window of 1 there is no distance to turn by.)
TEST_P(EveryCase, IsWrongWithTheOtherRopeConvention) {
    const Verdict v = compare(convert_case_with_other_rope(parameter, folder));
    EXPECT_EQ(v.pass, GetParam() == "mistral_window_1") << v.sentence;
    EXPECT_NEAR(v.worst, parameter.rope_flip_difference, tolerance);
}

std::vector<std::string> names() {
    std::vector<std::string> out;
    for (const Case& c : all_cases()) out.push_back(c.name);
    return out;
}

INSTANTIATE_TEST_SUITE_P(Parity, EveryCase, testing::ValuesIn(names()), [](const auto& p) { return p.param; });

// A case whose config.json says something else must fail: the value is read, and the golden depends on it.
struct Wrong {
    const char* name;
    const char* pointer;  // in config.json
    Json value;
    friend void PrintTo(const Wrong& w, std::ostream* out) { *out << w.name << w.pointer << " = " << w.value; }
};

class WrongConfig : public testing::TestWithParam<Wrong> {};

TEST_P(WrongConfig, IsSeen) {
    const Case& c = find_case(GetParam().name);
    const Folder folder;
    write_hf_directory(root() / "cases" / c.name, c.vocab, folder / "hf");
    Json config = parse_json(read_text(folder / "hf/config.json"), "config.json");
    const Json::json_pointer where(GetParam().pointer);
    ASSERT_TRUE(config.contains(where)) << "the case has no such field, so nothing is tested";
    ASSERT_NE(config[where], GetParam().value);
    config[where] = GetParam().value;
    write_file(folder / "hf/config.json", config.dump());
    convert::convert(folder / "hf", folder / "out.gguf", {.type = DType::f32});
    const auto model = load(folder / "out.gguf", {.context = c.context});
    EXPECT_FALSE(compare_logits(c.logits, logits_of(*model, c.ids), c.vocab, tolerance).pass);
}

INSTANTIATE_TEST_SUITE_P(Parity, WrongConfig,
                         testing::Values(Wrong{"mistral_window", "/sliding_window", 17},
                                         Wrong{"mistral_window_65", "/sliding_window", 64},
                                         Wrong{"llama_hd96_theta", "/rms_norm_eps", 1.1e-3},
                                         Wrong{"qwen2_window_layers", "/layer_types/1", "full_attention"},
                                         Wrong{"qwen2moe_no_norm", "/norm_topk_prob", true},
                                         Wrong{"qwen3moe_norm", "/num_experts_per_tok", 1},
                                         Wrong{"gemma2_softcap", "/attn_logit_softcapping", 2.1},
                                         Wrong{"gemma2_softcap", "/final_logit_softcapping", nullptr},
                                         Wrong{"gemma2_scalar", "/query_pre_attn_scalar", 145},
                                         Wrong{"gemma2_window", "/sliding_window", 9}),
                         [](const auto& p) {
                             std::string name = p.param.name + std::string(p.param.pointer) + std::to_string(p.index);
                             for (char& c : name) c = c == '/' ? '_' : c;
                             return name;
                         });

}  // namespace
}  // namespace quern::parity
