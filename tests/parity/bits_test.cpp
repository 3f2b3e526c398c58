// The bits of a token's logits depend on the tokens before it and on nothing else: not on how the prompt is cut into
// chunks, what shares the step, the number of threads, or the instruction set. On real architectures, with prompts that
// are longer than a tile, a window and a page.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/cpu.h"
#include "parity/hash_weights.h"
#include "parity/run.h"

namespace quern::parity {
namespace {

constexpr std::int64_t context = 160;

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && !a.empty() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(SameBits, SeesOneBitAMissingRowAndNothingAtAll) {
    const std::vector<float> a{1.0f, 2.0f};
    EXPECT_TRUE(same_bits(a, a));
    EXPECT_FALSE(same_bits(a, {1.0f, std::nextafter(2.0f, 3.0f)}));
    EXPECT_FALSE(same_bits({0.0f}, {-0.0f}));
    EXPECT_FALSE(same_bits(a, {1.0f}));
    EXPECT_FALSE(same_bits({}, {}));
}

class Bits : public testing::TestWithParam<const char*> {
protected:
    std::vector<std::int32_t> text(std::string_view name, std::size_t n) const {
        std::vector<std::int32_t> out(n);
        for (std::size_t i = 0; i < n; ++i)
            out[i] = static_cast<std::int32_t>(weight_bits(weight_key(name, 0), i) % parameter.vocab);
        return out;
    }
    const Case& parameter = find_case(GetParam());
    Folder folder;
    Path file = convert_case(parameter, folder);
    std::vector<std::int32_t> tokens = text("bits", 150);
    std::vector<float> expected = logits_of(*load(file, {.context = context, .threads = 2}), tokens);
};

// With one thread, since barriers would be most of the time of 150 small steps.
TEST_P(Bits, DoNotDependOnChunks) {
    const auto model = load(file, {.context = context, .threads = 1});
    for (const std::size_t chunk : {1u, 3u, 7u, 64u})
        EXPECT_TRUE(same_bits(logits_of(*model, tokens, chunk), expected)) << "chunks of " << chunk;
}

TEST_P(Bits, DoNotDependOnThreads) {
    for (const int threads : {1, 3, 8}) {
        const auto model = load(file, {.context = context, .threads = threads});
        EXPECT_TRUE(same_bits(logits_of(*model, tokens), expected)) << threads << " threads, whole";
        EXPECT_TRUE(same_bits(logits_of(*model, tokens, 32), expected)) << threads << " threads, chunks of 32";
    }
}

TEST_P(Bits, DoNotDependOnWhatSharesTheStep) {
    const auto model = load(file, {.context = context, .threads = 1, .sequences = 3});
    const std::vector<std::vector<std::int32_t>> texts{tokens, text("second", 90), text("third", 41)};
    const std::vector<std::size_t> chunks{16, 1, 5};
    const auto together = logits_together(*model, texts, chunks);
    for (std::size_t i = 0; i < texts.size(); ++i)
        EXPECT_TRUE(same_bits(together[i], logits_of(*model, texts[i]))) << "text " << i;
    EXPECT_TRUE(same_bits(together[0], expected));
}

TEST_P(Bits, DoNotDependOnTheInstructionSet) {
    if (cpu_isa() == Isa::none) GTEST_SKIP() << "this processor has no instruction set beyond the baseline";
    for (const IsaTier& tier : isa_tiers()) {
        if (!covers(cpu_isa(), tier.isa) || tier.isa == cpu_isa()) continue;
        const auto model = load(file, {.context = context, .threads = 1, .policy = {.isa = tier.isa}});
        EXPECT_TRUE(same_bits(logits_of(*model, tokens), expected)) << tier.name << ", whole";
        EXPECT_TRUE(same_bits(logits_of(*model, tokens, 1), expected)) << tier.name << ", one token at a time";
    }
}

// One of each kind: grouped heads, odd sizes, windows (ring states), experts with and without a shared one, both soft
// caps, two kinds of layers, a fused qkv with a part of each head turned.
INSTANTIATE_TEST_SUITE_P(Parity, Bits,
                         testing::Values("llama_gqa_hd64", "llama_odd_sizes", "llama_k320", "mistral_window_65",
                                         "mistral_window_1", "mixtral_window", "qwen2_window_layers", "qwen2moe_shared",
                                         "qwen3moe_yarn_tied", "gemma2_softcap", "gemma3_pattern", "phi3_gqa_window",
                                         "phi3_longrope_partial_tied"),
                         [](const auto& p) { return std::string(p.param); });

}  // namespace
}  // namespace quern::parity
