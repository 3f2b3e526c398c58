// The hash of hash_weights.h against numbers from hash_weights.py. Would catch a changed constant, another element
// order, a fused multiply-add or a second rounding: each makes every golden of tests/parity worthless.
#include "parity/hash_weights.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quern::parity {
namespace {

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
    std::vector<std::uint32_t> out;
    for (const float v : values) out.push_back(std::bit_cast<std::uint32_t>(v));
    return out;
}

TEST(HashWeights, NamesHashAsInPython) {
    EXPECT_EQ(fnv1a("model.embed_tokens.weight"), 0xa88fd795d5c6d156u);
    EXPECT_EQ(fnv1a("model.norm.weight"), 0xd6d6e5afd11604e4u);
    EXPECT_EQ(fnv1a("\xc3\xb6"), 0x0ac20007b717f6ecu) << "bytes above 127 must not be sign-extended";
}

TEST(HashWeights, BitsAsInPython) {
    const std::uint64_t key = weight_key("model.embed_tokens.weight", 1);
    const std::vector<std::uint32_t> expected = {11477942, 2621366, 15126850, 3817046, 5666228, 5228146};
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(weight_bits(key, i), expected[i]) << i;
}

TEST(HashWeights, ValuesHaveTheBitsOfPython) {
    using Bits = std::vector<std::uint32_t>;
    EXPECT_EQ(bits_of(weight_values("model.embed_tokens.weight", 1, 6, 0.0f, 1.7320507764816284f)),
              (Bits{0x3f234bc7, 0xbf986c24, 0x3fb215c1, 0xbf71a4c3, 0xbf0fe649, 0xbf270e41}));
    EXPECT_EQ(bits_of(weight_values("model.norm.weight", 42, 4, 1.0f, 0.3f)),
              (Bits{0x3f9d803a, 0x3f91a074, 0x3f96dae7, 0x3fa317d8}));
    EXPECT_EQ(bits_of(weight_values("\xc3\xb6", 7, 3, -0.25f, 0.1f)), (Bits{0xbe81d8f4, 0xbea9a572, 0xbe94f3bc}));
}

TEST(HashWeights, HundredThousandValuesHaveTheBitsOfPython) {
    const std::vector<float> values = weight_values("model.norm.weight", 42, 100000, 1.0f, 0.3f);
    EXPECT_EQ(fnv1a(std::as_bytes(std::span(values))), 0x11883ef2d644d1e9u) << "FNV-1a of the little-endian bytes";
}

TEST(HashWeights, NameSeedAndIndexAllMatter) {
    EXPECT_NE(weight_key("a", 1), weight_key("b", 1));
    EXPECT_NE(weight_key("a", 1), weight_key("a", 2));
    EXPECT_NE(weight_bits(weight_key("a", 1), 0), weight_bits(weight_key("a", 1), 1));
}

}  // namespace
}  // namespace quern::parity
