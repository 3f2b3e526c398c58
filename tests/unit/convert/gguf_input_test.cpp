// GGUF files as input: what of them is refused.
#include <gmock/gmock.h>

#include "convert/convert.h"
#include "format/gguf/file.h"
#include "format/gguf/writer.h"
#include "models_for_tests.h"

namespace quern::convert {
namespace {

using testing::HasSubstr;

// The tiny Llama as a GGUF file with something changed.
std::string refused(const std::function<void(gguf::Metadata&, std::vector<gguf::TensorSpec>&)>& change) {
    const Folder folder;
    TinyLlama().write(folder / "in");
    convert(folder / "in", folder / "good.gguf", {.type = DType::f32});
    const gguf::File good = gguf::File::open(folder / "good.gguf");
    gguf::Metadata meta = good.metadata();
    std::vector<gguf::TensorSpec> specs;
    for (const gguf::TensorInfo& t : good.tensors()) specs.push_back({t.name, t.dtype, t.dims});
    change(meta, specs);
    gguf::Writer writer(folder / "bad.gguf", meta, specs);
    for (const gguf::TensorSpec& s : specs) {
        std::int64_t n = 1;
        for (const std::int64_t d : s.dims) n *= d;
        const std::vector<std::byte> zeros(static_cast<std::size_t>(row_bytes(s.dtype, n)));
        if (!zeros.empty()) writer.write(s.name, zeros);
    }
    writer.commit();
    return refusal([&] { convert(folder / "bad.gguf", folder / "out.gguf", {.type = DType::f16}); });
}

TEST(GgufInput, UnknownArchitecturesAreNamed) {
    EXPECT_THAT(refused([](auto& meta, auto&) { meta.set("general.architecture", std::string("mamba")); }),
                HasSubstr("\"mamba\""));
}

TEST(GgufInput, TensorsThatNobodyUsesAreNamed) {
    EXPECT_THAT(refused([](auto&, auto& specs) {
                    specs.push_back({"blk.0.attn_sinks.weight", DType::f32, {2}});
                }),
                HasSubstr("blk.0.attn_sinks.weight"));
}

TEST(GgufInput, MissingAndMisshapenTensorsAreNamed) {
    EXPECT_THAT(refused([](auto&, auto& specs) {
                    std::erase_if(specs, [](const auto& s) { return s.name == "blk.1.attn_v.weight"; });
                }),
                HasSubstr("blk.1.attn_v.weight"));
    EXPECT_THAT(refused([](auto&, auto& specs) {
                    std::ranges::reverse(specs[4].dims);
                    specs[4].dims.push_back(1);
                }),
                HasSubstr("checking that the result would load"));
}

TEST(GgufInput, MissingKeysAreNamed) {
    EXPECT_THAT(refused([](auto& meta, auto&) { meta.set("llama.block_count", std::uint32_t{0}); }),
                HasSubstr("llama.block_count"));
}

TEST(GgufInput, FormatsThatCannotBeReadAreNamed) {
    EXPECT_THAT(refused([](auto&, auto& specs) { specs[3].dtype = DType::i32; }), HasSubstr("i32"));
}

}  // namespace
}  // namespace quern::convert
