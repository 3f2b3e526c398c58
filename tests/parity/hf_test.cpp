// The complete directories of hf/, as they lie on the hub: shards, bf16 and f16 weights, tokenizers, templates. Their
// logits and conversations through one converted file; their token ids are the affair of convert's tests.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "convert/convert.h"
#include "parity/compare.h"
#include "parity/run.h"

namespace quern::parity {
namespace {

struct Stored {
    const char* name;
    DType own;  // what the checkpoint has, so nothing is lost
    friend void PrintTo(const Stored& s, std::ostream* out) { *out << s.name; }
};

class HuggingFace : public testing::TestWithParam<Stored> {
protected:
    std::unique_ptr<engine::Model> converted(DType type) {
        const Path file = folder / "out.gguf";
        convert::convert(root() / "hf" / GetParam().name, file, {.type = type});
        return load(file, {.context = 64});
    }
    Json golden() const {
        return parse_json(read_text(root() / "hf" / (std::string(GetParam().name) + ".golden.json")), "golden.json");
    }
    Folder folder;
};

// In f32, and in the checkpoint's own type, which has the same numbers: then the bits must be equal too.
TEST_P(HuggingFace, HasTheLogitsOfTransformers) {
    Case c;
    read_golden(root() / "hf" / (std::string(GetParam().name) + ".golden.safetensors"), c);
    const std::vector<float> wide = logits_of(*converted(DType::f32), c.ids);
    const Verdict v = compare_logits(c.logits, wide, c.vocab, tolerance);
    RecordProperty("worst", std::to_string(v.worst));
    EXPECT_TRUE(v.pass) << v.sentence;
    EXPECT_EQ(logits_of(*converted(GetParam().own), c.ids), wide);
}

TEST_P(HuggingFace, RendersItsConversations) {
    const auto model = converted(GetParam().own);
    const Json all = golden();
    for (const Json& e : all.at("chats")) {
        std::vector<text::Message> messages;
        for (const Json& m : e.at("messages")) messages.emplace_back(m);
        const auto prompt =
            e.at("add_generation_prompt").get<bool>() ? text::GenerationPrompt::add : text::GenerationPrompt::omit;
        EXPECT_EQ(model->chat_template().render(messages, prompt).text(), e.at("text").get<std::string>());
    }
}

INSTANTIATE_TEST_SUITE_P(Parity, HuggingFace,
                         testing::Values(Stored{"qwen3", DType::bf16}, Stored{"llama_spm", DType::f16},
                                         Stored{"qwen3moe", DType::f32}, Stored{"llama3", DType::bf16}),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace quern::parity
