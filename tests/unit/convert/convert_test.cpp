// Whole conversions: every parity case loads, bits survive, quantised files are what the encoders make of the
// originals.
#include "convert/convert.h"

#include <gmock/gmock.h>

#include "base/threads.h"
#include "format/gguf/file.h"
#include "format/safetensors/file.h"
#include "models_for_tests.h"
#include "tensor/quant/rows.h"

namespace quern::convert {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::vector<std::string> case_names() {
    std::vector<std::string> out;
    const Json index = read_json(parity_folder() / "cases/index.json");
    for (const Json& c : index.at("cases")) out.push_back(c.at("name").get<std::string>());
    return out;
}

class EveryCase : public testing::TestWithParam<std::string> {};

// convert() records the model's graph over what it is about to write; converting the result again reads it back and
// does so once more, and must change nothing.
TEST_P(EveryCase, ConvertsAndLoadsAndConvertsToItself) {
    const Folder folder;
    const Path source = parity_folder() / "cases" / GetParam();
    const auto vocab = read_json(source / "config.json").at("vocab_size").get<std::uint32_t>();
    parity::write_hf_directory(source, vocab, folder / "in");
    const ConvertReport first = convert(folder / "in", folder / "once.gguf", {.type = DType::f32});
    const ConvertReport second = convert(folder / "once.gguf", folder / "twice.gguf", {.type = DType::f32});
    EXPECT_EQ(read_text(folder / "once.gguf"), read_text(folder / "twice.gguf"));
    EXPECT_EQ(first.tensors, second.tensors);
    EXPECT_EQ(first.bytes_out, second.bytes_in);
    EXPECT_EQ(second.architecture, first.architecture);
    EXPECT_NO_THROW(convert(folder / "in", folder / "small.gguf", {.type = DType::q8_0}));
}

INSTANTIATE_TEST_SUITE_P(Parity, EveryCase, testing::ValuesIn(case_names()), [](const auto& p) { return p.param; });

// The checkpoints' own types: no bit of a matrix that is not permuted may change.
TEST(Convert, OwnTypeKeepsEveryBit) {
    for (const auto& [name, type] : {std::pair("qwen3", DType::bf16), std::pair("llama_spm", DType::f16)}) {
        const Folder folder;
        convert(hf_model(name), folder / "out.gguf", {.type = type});
        const gguf::File out = gguf::File::open(folder / "out.gguf");
        const safetensors::File in = safetensors::File::open(hf_model(name));
        for (const auto& [gguf_name, hf_name] :
             {std::pair("token_embd.weight", "model.embed_tokens.weight"),
              std::pair("blk.1.ffn_down.weight", "model.layers.1.mlp.down_proj.weight"),
              std::pair("blk.0.attn_v.weight", "model.layers.0.self_attn.v_proj.weight")}) {
            const gguf::TensorInfo* a = out.find(gguf_name);
            const safetensors::TensorInfo* b = in.find(hf_name);
            ASSERT_TRUE(a && b) << hf_name;
            EXPECT_EQ(a->dtype, type);
            EXPECT_TRUE(std::ranges::equal(a->bytes, b->bytes)) << hf_name;
        }
        EXPECT_EQ(out.find("output_norm.weight")->dtype, DType::f32);
    }
}

TEST(Convert, GgufToGgufReencodesMatricesAndKeepsTheRest) {
    const Folder folder;
    convert(hf_model("qwen3"), folder / "f32.gguf", {.type = DType::f32});
    const ConvertReport report = convert(folder / "f32.gguf", folder / "q8.gguf", {.type = DType::q8_0});
    EXPECT_TRUE(report.notes.empty());
    const gguf::File a = gguf::File::open(folder / "f32.gguf"), b = gguf::File::open(folder / "q8.gguf");
    EXPECT_EQ(b.metadata().integer("general.file_type"), 7);
    EXPECT_EQ(b.metadata().integer("general.quantization_version"), 2);
    for (const gguf::Metadata::Entry& e : a.metadata().entries()) {
        if (e.key == "general.file_type") continue;
        ASSERT_TRUE(b.metadata().has(e.key)) << e.key;
        EXPECT_TRUE(*b.metadata().find(e.key) == e.value) << e.key;
    }
    const gguf::TensorInfo *from = a.find("blk.0.ffn_up.weight"), *to = b.find("blk.0.ffn_up.weight");
    std::vector<float> floats(static_cast<std::size_t>(from->elements()));
    decode_row(DType::f32, from->bytes.data(), floats.data(), from->elements());
    std::vector<std::byte> want(to->bytes.size());
    encode_row(DType::q8_0, floats.data(), want.data(), from->elements());
    EXPECT_TRUE(std::ranges::equal(to->bytes, want));
    EXPECT_EQ(b.find("blk.0.attn_q_norm.weight")->dtype, DType::f32);

    const ConvertReport again = convert(folder / "q8.gguf", folder / "again.gguf", {.type = DType::q8_0});
    EXPECT_EQ(read_text(folder / "again.gguf"), read_text(folder / "q8.gguf"));
    EXPECT_THAT(again.notes, testing::ElementsAre(HasSubstr("quantised already")));
}

TEST(Convert, EveryWritableTypeLoads) {
    const Folder folder;
    for (const DType type : writable_types()) {
        SCOPED_TRACE(std::string(info(type).name));
        convert(hf_model("llama3"), folder / "out.gguf", {.type = type});
        EXPECT_NO_THROW(convert(folder / "out.gguf", folder / "f32.gguf", {.type = DType::f32}));
    }
}

TEST(Convert, NotesWhatHasAnotherFormat) {
    const Folder folder;
    const ConvertReport report = convert(hf_model("qwen3"), folder / "out.gguf", {.type = DType::q4_k});
    EXPECT_THAT(report.notes,
                testing::Contains(AllOf(HasSubstr("rows of 64"), HasSubstr("blocks of 256"), HasSubstr("q8_0"))));
}

TEST(Convert, ThreadsDoNotChangeTheFileAndProgressEndsAtTheTotal) {
    const Folder folder;
    ThreadPool three(3);
    std::uint64_t last = 0, total = 0;
    const auto progress = [&](std::uint64_t done, std::uint64_t of) {
        EXPECT_GE(done, last);
        last = done;
        total = of;
    };
    convert(hf_model("qwen3moe"), folder / "one.gguf", {.type = DType::q8_0});
    convert(hf_model("qwen3moe"), folder / "three.gguf",
            {.type = DType::q8_0, .threads = &three, .progress = progress});
    EXPECT_EQ(read_text(folder / "one.gguf"), read_text(folder / "three.gguf"));
    EXPECT_GT(total, 0u);
    EXPECT_EQ(last, total);
}

TEST(Convert, RefusalsLeaveTheOutputAsItWas) {
    const Folder folder;
    write_file(folder / "out.gguf", "precious");
    copy_model(hf_model("llama3"), folder / "in");
    edit_json(folder / "in/config.json", [](Json& c) { c["hidden_size"] = 65; });
    EXPECT_THAT(refusal([&] { convert(folder / "in", folder / "out.gguf", {}); }), HasSubstr("converting "));
    EXPECT_EQ(read_text(folder / "out.gguf"), "precious");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2);
}

TEST(Convert, RefusesWhatIsNoModel) {
    const Folder folder;
    const auto refused = [&](const Path& in, DType type = DType::f16) {
        return refusal([&] { convert(in, folder / "out.gguf", {.type = type}); });
    };
    EXPECT_THAT(refused(folder.path()), HasSubstr("config.json"));
    EXPECT_THAT(refused(folder / "nothing"), HasSubstr("nothing"));
    EXPECT_THAT(refused(hf_model("llama3") / "model.safetensors"), HasSubstr("directory"));
    write_file(folder / "bad.gguf", "no model");
    EXPECT_THAT(refused(folder / "bad.gguf"), HasSubstr("bad.gguf"));
    EXPECT_THAT(refused(hf_model("llama3"), DType::q8_k), HasSubstr("q8_k"));
    copy_model(hf_model("llama3"), folder / "in");
    std::filesystem::remove(folder / "in/model.safetensors");
    EXPECT_THAT(refused(folder / "in"), HasSubstr("model.safetensors"));
    write_file(folder / "in/config.json", "[1, 2");
    EXPECT_THAT(refused(folder / "in"), HasSubstr("config.json"));
}

}  // namespace
}  // namespace quern::convert
