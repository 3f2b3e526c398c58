// Activations in int8: the quantiser's bits on wild data, every kernel of linear_q8 against its class's model over edge
// shapes and all formats it declares, the class against double sums, and the whole numbers of the k-quants against the
// formats' decoders.
#include "ops/linear_q8.h"

#include <gtest/gtest.h>

#include <random>

#include "dispatch/proof/q8_cases.h"
#include "tensor/quant/k_parts.h"

namespace quern::proof {
namespace {

const KernelSpec& model() { return *find_kernel("linear_q8.i8.model"); }
const DType k_quants[] = {DType::q2_k, DType::q3_k, DType::q4_k, DType::q5_k, DType::q6_k};

TEST(Quantize, EveryKernelHasTheReferencesBytes) {
    const KernelSpec& reference = *find_kernel("quantize.reference");
    for (const KernelSpec* k : kernels_of(Op::quantize, Numerics::plain))
        for (const Data data : all_data)
            for (const std::int64_t rows : {1, 2, 7}) EXPECT_EQ(check_quantize(*k, reference, {rows, 1280, data}), "");
}

// Tiny and huge values, ties between roundings, equal magnitudes of both signs, and whatever floats random bits are.
TEST(Quantize, EveryKernelHasTheReferencesBytesAtTheEdges) {
    std::mt19937 random(3);
    Floats x(256 * 64);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t kind = i / 256 % 4;
        const auto half = static_cast<float>(static_cast<int>(random() % 509) - 254) * 0.5f;
        if (kind == 0) x[i] = half;                                                        // 127 is there, too: scale 1
        if (kind == 1) x[i] = std::ldexp(half, -148);                                      // subnormal scales
        if (kind == 2) x[i] = random() % 2 == 0 ? 3.5f : -3.5f;                            // the first decides the sign
        if (kind == 3) x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(random()));  // a few NaN among them
    }
    for (const KernelSpec* k : kernels_of(Op::quantize, Numerics::plain)) {
        Q8Rows want(64, 256), got(64, 256);
        EXPECT_EQ(quantize_with(*find_kernel("quantize.reference"), x, want), "");
        EXPECT_EQ(quantize_with(*k, x, got), "");
        for (std::size_t i = 0; i < 64; ++i) {
            BlockQ8_K a, b;
            std::memcpy(&a, &want.bytes[i * sizeof a], sizeof a);
            std::memcpy(&b, &got.bytes[i * sizeof b], sizeof b);
            EXPECT_TRUE(a.d == b.d || (std::isnan(a.d) && std::isnan(b.d))) << k->id << " block " << i;
            EXPECT_EQ(std::memcmp(a.qs, b.qs, sizeof a.qs), 0) << k->id << " block " << i;
            EXPECT_EQ(std::memcmp(a.sums, b.sums, sizeof a.sums), 0) << k->id << " block " << i;
        }
    }
}

TEST(LinearQ8, WholeNumbersMakeTheDecodersWeights) {
    std::mt19937 random(5);
    for (const DType dtype : k_quants)
        for (int round = 0; round < 200; ++round) {
            std::vector<std::byte> block(std::size_t(info(dtype).bytes));
            for (std::byte& b : block) b = static_cast<std::byte>(random());
            float decoded[256];
            codec(dtype).decode(block.data(), decoded, 1);
            const KParts p = k_parts(dtype, block.data());
            for (int j = 0; j < 256; ++j) {
                const int sixteen = j / 16;
                const float scaled = (p.d * static_cast<float>(p.scale[sixteen])) * static_cast<float>(p.q[j]);
                const float w = p.mins ? scaled - p.dmin * static_cast<float>(p.min[sixteen]) : scaled;
                ASSERT_TRUE(w == decoded[j] || (std::isnan(w) && std::isnan(decoded[j])))
                    << info(dtype).name << " " << j;
            }
        }
}

TEST(LinearQ8, EveryKernelHasTheModelsBits) {
    for (const KernelSpec* k : kernels_of(Op::linear_q8, Numerics::i8))
        for (const DType dtype : formats(k->weight)) {
            for (const std::int64_t rows : {1, 2, 3, 9})
                for (const std::int64_t n : {1, 7, 8, 9, 16, 19})
                    EXPECT_EQ(check_linear_q8(*k, model(), {rows, n, 768, dtype, Data::normal, n % 2 == 1}), "");
            for (const Data data : all_data) EXPECT_EQ(check_linear_q8(*k, model(), {5, 17, 512, dtype, data}), "");
            EXPECT_EQ(check_linear_q8(*k, model(), {131, 21, 2304, dtype, Data::normal, true}), "");
            EXPECT_EQ(check_linear_q8(*k, model(), {34, 141, 512, dtype, Data::normal, true}), "");
        }
}

// Largest magnitudes everywhere, where products of 16 bits could overflow: all bits set but those of the scales.
TEST(LinearQ8, SumsDoNotOverflow) {
    for (const KernelSpec* k : kernels_of(Op::linear_q8, Numerics::i8))
        for (const DType dtype : formats(k->weight)) {
            LinearQ8World w({2, 8, 256, dtype, Data::all_equal});
            for (std::int64_t n = 0; n < 8; ++n) {
                std::byte* row = w.weight.bytes.data() + n * info(dtype).bytes;
                const std::int64_t scale_at = dtype == DType::q4_k || dtype == DType::q5_k ? 0 : info(dtype).bytes - 2;
                for (std::int64_t i = 0; i < info(dtype).bytes; ++i)
                    if (i / 2 * 2 != scale_at) row[i] = std::byte{0xff};
            }
            std::string trouble;
            EXPECT_EQ(differ(linear_q8_with(*k, w, trouble), linear_q8_with(model(), w, trouble)), "") << k->id;
            EXPECT_EQ(trouble, "");
        }
}

TEST(LinearQ8, TheClassIsNearDoubleSums) {
    const KernelSpec& reference = *find_kernel("linear_q8.reference");
    for (const DType dtype : k_quants)
        for (const std::int64_t k : {256, 2048, 20480}) {
            LinearQ8World w({3, 5, k, dtype, Data::normal, true});
            std::string trouble;
            const Floats got = linear_q8_with(model(), w, trouble), want = linear_q8_with(reference, w, trouble);
            EXPECT_EQ(trouble, "");
            Floats x(static_cast<std::size_t>(3 * k));
            decode_q8_k(w.x.bytes.data(), x.data(), 3 * k / 256);
            for (std::int64_t t = 0; t < 3; ++t)
                for (std::int64_t n = 0; n < 5; ++n) {
                    double xx = 0, ww = 0;
                    for (std::int64_t i = 0; i < k; ++i) {
                        xx += std::pow(double(x[std::size_t(t * k + i)]), 2);
                        ww += std::pow(double(w.weight.decoded[std::size_t(n * k + i)]), 2);
                    }
                    const auto at = std::size_t(t * 5 + n);
                    EXPECT_LE(std::abs(double(got[at]) - double(want[at])), 1e-5 * (std::sqrt(xx * ww) + 1))
                        << info(dtype).name << " " << k;
                }
        }
}

// The test of the test: a kernel that is slightly off in one element.
Status slightly_off(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const LinearQ8Args*>(args);
    const Status s = model().run(args, work);
    if (work.begin == 0) a.y.row(0)[0] += 1e-3f;
    return s;
}
TEST(LinearQ8, BrokenKernelsAreFound) {
    KernelSpec broken = model();
    broken.id = "linear_q8.i8.broken";
    broken.run = slightly_off;
    EXPECT_NE(check_linear_q8(broken, model(), {3, 17, 512, DType::q4_k}), "");
    EXPECT_EQ(check_linear_q8(model(), model(), {3, 17, 512, DType::q4_k}), "");
}

}  // namespace
}  // namespace quern::proof
