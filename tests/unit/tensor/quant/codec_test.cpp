#include "tensor/quant/codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <set>
#include <vector>

#include "tensor/quant/rows.h"
#include "unit/tensor/quant/golden.h"

namespace quern {
namespace {

std::vector<DType> all_dtypes() {
    std::vector<DType> out;
    for (int i = 0; i < int(DType::count_); ++i) out.push_back(DType(i));
    return out;
}

std::vector<std::byte> random_bytes(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::byte> out(n);
    for (std::byte& b : out) b = std::byte(random() & 255u);
    return out;
}

std::vector<float> decoded(DType dtype, const std::vector<std::byte>& blocks) {
    const std::size_t n = blocks.size() / std::size_t(info(dtype).bytes);
    std::vector<float> out(n * std::size_t(info(dtype).block));
    codec(dtype).decode(blocks.data(), out.data(), std::int64_t(n));
    return out;
}

std::vector<std::byte> encoded(DType dtype, const std::vector<float>& weights) {
    const std::size_t n = weights.size() / std::size_t(info(dtype).block);
    std::vector<std::byte> out(n * std::size_t(info(dtype).bytes));
    codec(dtype).encode(weights.data(), out.data(), std::int64_t(n));
    return out;
}

// Would catch: a format added without a golden file (reading it fails), and any wrong bit, order, scale or sign in a
// decoder. All formats are held to equal bits: a half times small integers is exact in float, so that only the
// subtraction of a min rounds, once, in whatever order the factors are taken.
TEST(Codec, EveryDecoderMatchesItsGolden) {
    int checked = 0;
    for (const DType d : all_dtypes()) {
        if (!codec(d).decode) continue;
        SCOPED_TRACE(info(d).name);
        const Golden g = read_golden(d);
        ASSERT_FALSE(g.blocks.empty());
        const std::vector<float> ours = decoded(d, g.blocks);
        const std::int64_t at = first_difference(ours, g.values);
        EXPECT_EQ(at, -1) << "block " << at / info(d).block << " weight " << at % info(d).block << ": "
                          << ours[std::size_t(at)] << ", expected " << g.values[std::size_t(at)];
        ++checked;
    }
    EXPECT_EQ(checked, 29);
}

// The three whose bytes nobody else defines: their quality is measured in scale_search_test.cpp.
const std::set<DType> searched{DType::q4_k, DType::q5_k, DType::q6_k};

// Would catch: another rounding, tie or order in an encoder than in the package that others write files with.
TEST(Codec, EveryPlainEncoderMatchesItsGoldenByteForByte) {
    for (const DType d : all_dtypes()) {
        if (!codec(d).encode || searched.contains(d)) continue;
        SCOPED_TRACE(info(d).name);
        const Golden g = read_golden(d);
        ASSERT_FALSE(g.weights.empty());
        const std::vector<std::byte> ours = encoded(d, g.weights);
        const auto [a, b] = std::mismatch(ours.begin(), ours.end(), g.encoded.begin(), g.encoded.end());
        EXPECT_TRUE(a == ours.end() && b == g.encoded.end())
            << "block " << (a - ours.begin()) / info(d).bytes << " byte " << (a - ours.begin()) % info(d).bytes;
    }
}

// Would catch: a comparison that lets a wrong nibble order, a NaN, a sign of zero or a last bit pass.
TEST(CodecGolden, ComparisonSeesSmallMistakes) {
    const Golden g = read_golden(DType::q4_0);
    std::vector<std::byte> swapped = g.blocks;
    for (std::size_t i = 0; i < swapped.size(); ++i)
        if (i % 18 >= 2) swapped[i] = (swapped[i] << 4) | (swapped[i] >> 4);
    EXPECT_GE(first_difference(decoded(DType::q4_0, swapped), g.values), 0);

    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    EXPECT_TRUE(same(nan, -nan));
    EXPECT_FALSE(same(nan, 1.0f));
    EXPECT_FALSE(same(1.0f, nan));
    EXPECT_FALSE(same(inf, -inf));
    EXPECT_FALSE(same(inf, nan));
    EXPECT_FALSE(same(0.0f, -0.0f));
    EXPECT_FALSE(same(1.0f, std::nextafter(1.0f, 2.0f)));
    EXPECT_EQ(first_difference({1, 2, 3}, {1, 2, 3}), -1);
    EXPECT_EQ(first_difference({1, 2, 3}, {1, 2, 4}), 2);
    EXPECT_EQ(first_difference({1, 2}, {1, 2, 3}), 2);
}

// Would catch: undefined behaviour on hostile bits (under sanitizers), a weight not written or one too many, a need for
// alignment, a result that depends on where a row is cut.
TEST(Codec, AnyBitsDecodeAtAnyAddress) {
    constexpr std::int64_t blocks = 37;
    for (const DType d : all_dtypes()) {
        if (!codec(d).decode) continue;
        SCOPED_TRACE(info(d).name);
        const std::int64_t weights = blocks * info(d).block;
        const std::vector<std::byte> stored = random_bytes(std::size_t(blocks * info(d).bytes) + 1, unsigned(d) + 1u);
        const float guard = std::bit_cast<float>(0x7fa5a5a5u);
        std::vector<float> first(std::size_t(weights) + 1, guard), second(std::size_t(weights) + 1, 7.0f);
        decode_row(d, stored.data() + 1, first.data(), weights);
        for (std::int64_t i = 0; i < blocks; ++i)
            codec(d).decode(stored.data() + 1 + i * info(d).bytes, second.data() + i * info(d).block, 1);
        EXPECT_EQ(std::bit_cast<std::uint32_t>(first.back()), 0x7fa5a5a5u);
        EXPECT_EQ(second.back(), 7.0f);
        second.back() = guard;
        EXPECT_EQ(first_difference(first, second), -1);
        const auto untouched = [](float f) { return std::bit_cast<std::uint32_t>(f) == 0x7fa5a5a5u; };
        EXPECT_EQ(std::count_if(first.begin(), first.end(), untouched), 1);
    }
}

// Would catch: undefined behaviour in an encoder for weights that no model should have, and blocks written past the
// end.
TEST(Codec, AnyWeightsEncode) {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const float huge = std::numeric_limits<float>::max(), tiny = std::numeric_limits<float>::denorm_min();
    std::mt19937 random(11);
    std::vector<std::vector<float>> rows;
    for (const float special : {nan, inf, -inf, huge, -huge, tiny, 65520.0f * 127.0f, 1e-8f, 0.0f, -0.0f}) {
        rows.emplace_back(256, special);
        std::vector<float> mixed(256, 0.5f);
        for (std::size_t i = 0; i < 256; i += 5) mixed[i] = i % 2 ? special : -special;
        rows.push_back(mixed);
    }
    for (int r = 0; r < 50; ++r) {
        std::vector<float> row(256);
        for (float& f : row) f = std::bit_cast<float>(std::uint32_t(random()));
        rows.push_back(row);
    }
    for (const DType d : all_dtypes()) {
        if (!codec(d).encode) continue;
        SCOPED_TRACE(info(d).name);
        const auto bytes = std::size_t(row_bytes(d, 256));
        for (const std::vector<float>& row : rows) {
            std::vector<std::byte> stored(bytes + 1, std::byte{0x5a}), again(bytes, std::byte{0});
            std::vector<float> out(256, 9.0f);
            encode_row(d, row.data(), stored.data(), 256);
            encode_row(d, row.data(), again.data(), 256);
            EXPECT_EQ(stored.back(), std::byte{0x5a});
            EXPECT_TRUE(std::equal(again.begin(), again.end(), stored.begin()));
            decode_row(d, stored.data(), out.data(), 256);
        }
    }
}

// Would catch: an encoder and decoder of one format that disagree. The bound is half a step of the coarsest grid that
// the format promises, for weights within [-1, 1]; f32 must come back as it was.
TEST(Codec, EncodedWeightsComeBack) {
    struct Bound {
        DType dtype;
        float largest;
    };
    constexpr std::array<Bound, 16> bounds{{{DType::f32, 0.0f},
                                            {DType::f16, 0x1p-12f},
                                            {DType::bf16, 0x1p-9f},
                                            {DType::f8_e4m3, 0x1p-5f},
                                            {DType::q4_0, 0.13f},
                                            {DType::q4_1, 0.07f},
                                            {DType::q5_0, 0.07f},
                                            {DType::q5_1, 0.035f},
                                            {DType::q8_0, 0.005f},
                                            {DType::q8_1, 0.005f},
                                            {DType::q8_k, 0.004f},
                                            {DType::q4_k, 0.12f},
                                            {DType::q5_k, 0.06f},
                                            {DType::q6_k, 0.04f},
                                            {DType::mxfp4, 0.25f},
                                            {DType::count_, 0.0f}}};
    std::mt19937 random(3);
    std::vector<float> row(1024);
    for (float& f : row) f = float(random()) * 0x1p-31f - 1.0f;
    for (const DType d : all_dtypes()) {
        if (!codec(d).encode) continue;
        const auto bound = std::find_if(bounds.begin(), bounds.end(), [d](const Bound& b) { return b.dtype == d; });
        ASSERT_NE(bound, bounds.end()) << info(d).name << " has an encoder and no bound here";
        const std::vector<float> out = decoded(d, encoded(d, row));
        float largest = 0.0f;
        for (std::size_t i = 0; i < row.size(); ++i) largest = std::max(largest, std::fabs(out[i] - row[i]));
        EXPECT_TRUE(largest <= bound->largest) << info(d).name << " is off by " << largest;
    }
}

}  // namespace
}  // namespace quern
