// Where a checkpoint's tensors go, and a sentence for each that is unknown, missing, double or of the wrong kind.
#include "convert/tensors.h"

#include <gmock/gmock.h>

#include "convert/check.h"
#include "convert/convert.h"
#include "convert/types.h"
#include "format/gguf/file.h"
#include "models_for_tests.h"

namespace quern::convert {
namespace {

using testing::AllOf;
using testing::HasSubstr;

using Tensors = std::map<std::string, parity::Tensor>;

std::string refused(const std::function<void(TinyLlama&)>& change) {
    const Folder folder;
    TinyLlama model;
    change(model);
    model.write(folder / "in");
    const std::string text = refusal([&] { convert(folder / "in", folder / "out.gguf", {.type = DType::f32}); });
    EXPECT_FALSE(std::filesystem::exists(folder / "out.gguf"));
    return text;
}

std::vector<float> values(const gguf::File& file, const std::string& name) {
    const gguf::TensorInfo* t = file.find(name);
    if (!t || t->dtype != DType::f32) {
        ADD_FAILURE() << name << " is not there as f32";
        return {};
    }
    std::vector<float> out(t->bytes.size() / sizeof(float));
    std::memcpy(out.data(), t->bytes.data(), t->bytes.size());
    return out;
}

gguf::File converted(const Folder& folder, const TinyLlama& model) {
    model.write(folder / "in");
    convert(folder / "in", folder / "out.gguf", {.type = DType::f32});
    return gguf::File::open(folder / "out.gguf");
}

TEST(Tensors, UnknownOnesAreAllNamed) {
    const std::string text = refused([](TinyLlama& m) {
        m.add("model.layers.0.self_attn.sinks", {2});
        m.add("model.extra.weight", {3});
    });
    EXPECT_THAT(text, AllOf(HasSubstr("2 tensors"), HasSubstr("'model.layers.0.self_attn.sinks'"),
                            HasSubstr("'model.extra.weight'")));
}

TEST(Tensors, MissingOnesAreNamedAsTheCheckpointWould) {
    EXPECT_THAT(refused([](TinyLlama& m) { m.tensors.erase("model.layers.1.mlp.up_proj.weight"); }),
                HasSubstr("model.layers.1.mlp.up_proj.weight"));
    EXPECT_THAT(refused([](TinyLlama& m) { m.tensors.erase("model.embed_tokens.weight"); }),
                HasSubstr("token_embd.weight"));
    EXPECT_THAT(refused([](TinyLlama& m) { m.tensors.erase("lm_head.weight"); }), HasSubstr("lm_head.weight"));
}

TEST(Tensors, WrongShapesAreNamed) {
    EXPECT_THAT(refused([](TinyLlama& m) {
                    m.add("model.layers.0.mlp.down_proj.weight", {12, 8});
                }),
                AllOf(HasSubstr("model.layers.0.mlp.down_proj.weight"), HasSubstr("[12, 8]"), HasSubstr("[8, 12]")));
    EXPECT_THAT(refused([](TinyLlama& m) { m.add("model.embed_tokens.weight", {11, 8}); }), HasSubstr("vocab_size"));
    EXPECT_THAT(refused([](TinyLlama& m) {
                    m.add("model.layers.0.self_attn.q_proj.weight", {7, 8});
                }),
                HasSubstr("model.layers.0.self_attn.q_proj.weight"));
    EXPECT_THAT(refused([](TinyLlama& m) { m.add("model.norm.weight", {}); }), HasSubstr("model.norm.weight"));
    EXPECT_THAT(refused([](TinyLlama& m) {
                    m.add("model.norm.weight", {1, 1, 2, 2, 2});
                }),
                HasSubstr("model.norm.weight"));
}

TEST(Tensors, LayersAndExpertsBeyondTheModelAreNamed) {
    EXPECT_THAT(refused([](TinyLlama& m) { m.add("model.layers.2.input_layernorm.weight", {8}); }),
                AllOf(HasSubstr("model.layers.2."), HasSubstr("2 layers")));
    EXPECT_THAT(refused([](TinyLlama& m) { m.add("model.layers.99999999999999999999.input_layernorm.weight", {8}); }),
                HasSubstr("model.layers.99999999999999999999."));
    EXPECT_THAT(refused([](TinyLlama& m) {
                    m.add("model.layers.0.block_sparse_moe.experts.0.w1.weight", {12, 8});
                }),
                HasSubstr("experts.0.w1"));
    EXPECT_THAT(refused([](TinyLlama& m) { m.add("model.layers.00.input_layernorm.weight", {8}); }),
                AllOf(HasSubstr("model.layers.00."), HasSubstr("same part")));
}

TEST(Tensors, BiasesMustBeWhatTheConfigurationSays) {
    EXPECT_THAT(refused([](TinyLlama& m) { m.config["attention_bias"] = true; }),
                AllOf(HasSubstr("self_attn.q_proj.bias"), HasSubstr("missing")));
    EXPECT_THAT(refused([](TinyLlama& m) { m.add("model.layers.1.mlp.up_proj.bias", {12}); }),
                AllOf(HasSubstr("model.layers.1.mlp.up_proj.bias"), HasSubstr("no biases")));
}

TEST(Tensors, LeftoversAndTiedOutputsAreLeftOut) {
    const Folder folder;
    TinyLlama model;
    model.config["tie_word_embeddings"] = true;
    model.add("model.layers.0.self_attn.rotary_emb.inv_freq", {2});
    const gguf::File file = converted(folder, model);
    EXPECT_EQ(file.find("output.weight"), nullptr);
    EXPECT_EQ(file.tensors().size(), model.tensors.size() - 2);
}

// Rows of q and k, and their biases, go from halves to pairs, head by head; v stays. Catches a permutation over all
// heads at once, one with the wrong number of heads, and its inverse.
TEST(Tensors, QueriesAndKeysAreInterleaved) {
    const Folder folder;
    TinyLlama model;
    model.config["attention_bias"] = true;
    for (const std::string layer : {"model.layers.0.self_attn.", "model.layers.1.self_attn."}) {
        model.add(layer + "q_proj.weight", {16, 8});
        model.add(layer + "k_proj.weight", {8, 8});
        model.add(layer + "v_proj.weight", {8, 8});
        model.add(layer + "o_proj.weight", {8, 16});
        model.add(layer + "q_proj.bias", {16});
        model.add(layer + "k_proj.bias", {8});
        model.add(layer + "v_proj.bias", {8});
        model.add(layer + "o_proj.bias", {8});
    }
    model.config["head_dim"] = 8;
    const gguf::File file = converted(folder, model);
    const std::vector<std::size_t> q{0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}, k(q.begin(), q.begin() + 8);
    for (const auto& [name, hf, rows] : {std::tuple("blk.1.attn_q", "model.layers.1.self_attn.q_proj", q),
                                         std::tuple("blk.1.attn_k", "model.layers.1.self_attn.k_proj", k)}) {
        const std::vector<float>&weight = model.tensors[hf + std::string(".weight")].values,
              &bias = model.tensors[hf + std::string(".bias")].values;
        std::vector<float> want_weight, want_bias;
        for (const std::size_t r : rows) {
            want_weight.insert(want_weight.end(), weight.begin() + std::ptrdiff_t(8 * r),
                               weight.begin() + std::ptrdiff_t(8 * r + 8));
            want_bias.push_back(bias[r]);
        }
        EXPECT_EQ(values(file, name + std::string(".weight")), want_weight);
        EXPECT_EQ(values(file, name + std::string(".bias")), want_bias);
    }
    EXPECT_EQ(values(file, "blk.0.attn_v.weight"), model.tensors["model.layers.0.self_attn.v_proj.weight"].values);
}

// A Qwen3-MoE's experts, as one tensor each and as transformers 5 has them in memory, give the same file.
TEST(Tensors, ExpertsAreStackedFromEitherForm) {
    const Folder folder;
    copy_model(hf_model("qwen3moe"), folder / "in");
    convert(folder / "in", folder / "apart.gguf", {.type = DType::f32});

    const safetensors::File apart = safetensors::File::open(folder / "in");
    Tensors fused;
    for (const safetensors::TensorInfo& t : apart.tensors()) {
        if (t.name.find(".experts.") != t.name.npos) continue;
        parity::Tensor& copy = fused[t.name];
        copy.shape.assign(t.dims.begin(), t.dims.end());
        copy.values.resize(t.bytes.size() / sizeof(float));
        std::memcpy(copy.values.data(), t.bytes.data(), t.bytes.size());
    }
    for (const std::string layer : {"model.layers.0.mlp.experts.", "model.layers.1.mlp.experts."}) {
        parity::Tensor &gate_up = fused[layer + "gate_up_proj"], &down = fused[layer + "down_proj"];
        gate_up.shape = {8, 48, 48};
        down.shape = {8, 48, 24};
        for (int e = 0; e < 8; ++e)
            for (const std::string part : {"gate_proj", "up_proj", "down_proj"}) {
                const auto* t = apart.find(layer + std::to_string(e) + "." + part + ".weight");
                std::vector<float>& to = (part == "down_proj" ? down : gate_up).values;
                const std::size_t old = to.size();
                to.resize(old + t->bytes.size() / sizeof(float));
                std::memcpy(to.data() + old, t->bytes.data(), t->bytes.size());
            }
    }
    parity::write_safetensors(folder / "in/model.safetensors", fused);
    convert(folder / "in", folder / "fused.gguf", {.type = DType::f32});
    EXPECT_EQ(read_text(folder / "fused.gguf"), read_text(folder / "apart.gguf"));

    const gguf::File file = gguf::File::open(folder / "apart.gguf");
    const gguf::TensorInfo* stack = file.find("blk.1.ffn_down_exps.weight");
    ASSERT_NE(stack, nullptr);
    EXPECT_EQ(stack->dims, (std::vector<std::int64_t>{8, 48, 24}));
}

TEST(Tensors, AnExpertThatIsMissingOrUnlikeTheOthersIsNamed) {
    const Folder folder;
    const auto refused_case = [&](const std::function<void(Tensors&)>& change) {
        Tensors tensors = parity::make_weights(parity_folder() / "cases/mixtral_8_of_2/tensors.json");
        change(tensors);
        std::filesystem::remove_all(folder / "in");
        parity::write_hf_directory(parity_folder() / "cases/mixtral_8_of_2", 96, folder / "in");
        parity::write_safetensors(folder / "in/model.safetensors", tensors);
        return refusal([&] { convert(folder / "in", folder / "out.gguf", {.type = DType::f32}); });
    };
    const std::string name = "model.layers.0.block_sparse_moe.experts.3.w2.weight";
    EXPECT_THAT(refused_case([&](Tensors& t) { t.erase(name); }), AllOf(HasSubstr(name), HasSubstr("missing")));
    EXPECT_THAT(refused_case([&](Tensors& t) { std::swap(t[name].shape[0], t[name].shape[1]); }),
                AllOf(HasSubstr(name), HasSubstr("alike")));
}

// Gemma's norms are stored less one, its matrices are not.
TEST(Tensors, GemmaNormsGainOne) {
    const Folder folder;
    const Path source = parity_folder() / "cases/gemma3_pattern";
    const Json config = read_json(source / "config.json");
    parity::write_hf_directory(source, config.at("vocab_size").get<std::uint32_t>(), folder / "in");
    convert(folder / "in", folder / "out.gguf", {.type = DType::f32});
    const gguf::File file = gguf::File::open(folder / "out.gguf");
    Tensors weights = parity::make_weights(source / "tensors.json");
    for (const auto& [gguf_name, name] :
         {std::pair("output_norm.weight", "model.norm.weight"),
          std::pair("blk.0.attn_q_norm.weight", "model.layers.0.self_attn.q_norm.weight"),
          std::pair("blk.1.post_ffw_norm.weight", "model.layers.1.post_feedforward_layernorm.weight")}) {
        std::vector<float> want = weights.at(name).values;
        for (float& v : want) v += 1.0f;
        EXPECT_EQ(values(file, gguf_name), want) << name;
    }
    EXPECT_EQ(values(file, "blk.0.attn_q.weight"), weights.at("model.layers.0.self_attn.q_proj.weight").values);
}

TEST(Tensors, NamesGoBothWays) {
    const auto& llama = models::find_architecture("llama");
    EXPECT_EQ(hugging_face_name(llama, "blk.12.attn_q.weight"), "model.layers.12.self_attn.q_proj.weight");
    EXPECT_EQ(hugging_face_name(llama, "output.weight"), "lm_head.weight");
    EXPECT_EQ(hugging_face_name(llama, "blk..attn_q.weight"), "");
    EXPECT_EQ(hugging_face_name(llama, "blk.1.attn_q.weights"), "");
}

}  // namespace
}  // namespace quern::convert
