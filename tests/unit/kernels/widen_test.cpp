// The vector decoders of stored weights against the scalar ones, which are the definition: equal bits on random bits,
// which bring NaN, infinite, subnormal and negative scales, at every address, and on counts with a tail.
#include "kernels/x86/widen.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "kernels/cpu.h"
#include "tensor/quant/codec.h"

namespace quern {
namespace {

// Like bits, but that a NaN may be any NaN: which of two a sum keeps is the compiler's choice in the scalar code.
bool same(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (a != a && b != b);
}

// The first element that differs for `blocks` blocks at `from`, or -1; -2 if something past the end was written.
std::int64_t difference(DType dtype, const std::byte* from, std::int64_t blocks) {
    const std::int64_t n = blocks * info(dtype).block;
    const float guard = 12345;
    std::vector<float> want(std::size_t(n), 0.0f), got(std::size_t(n) + 16, guard);
    codec(dtype).decode(from, want.data(), blocks);
    x86::widen(dtype, from, got.data(), n);
    for (std::int64_t i = 0; i < n; ++i)
        if (!same(want[std::size_t(i)], got[std::size_t(i)])) return i;
    for (std::size_t i = std::size_t(n); i < got.size(); ++i)
        if (got[i] != guard) return -2;
    return -1;
}

TEST(Widen, EveryFormatHasTheScalarDecodersBits) {
    if (!covers(cpu_isa(), Isa::avx2_fma)) GTEST_SKIP() << "this processor has no AVX2";
    std::mt19937 random(7);
    std::vector<std::byte> bytes(1 << 20);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    int formats = 0;
    for (int i = 0; i < int(DType::count_); ++i) {
        const DType dtype = static_cast<DType>(i);
        if (!codec(dtype).decode) continue;
        ++formats;
        const DTypeInfo& type = info(dtype);
        const std::int64_t most = std::int64_t(bytes.size() - 64) / type.bytes;
        EXPECT_EQ(difference(dtype, bytes.data(), most), -1) << type.name;
        for (std::int64_t blocks = 0; blocks < 20; ++blocks)
            EXPECT_EQ(difference(dtype, bytes.data() + 1 + blocks, blocks), -1) << type.name << " " << blocks;
    }
    EXPECT_GE(formats, 27);
}

// The comparison itself: one wrong weight in a block is found.
TEST(Widen, TheComparisonFindsASingleWrongWeight) {
    EXPECT_FALSE(same(0.0f, -0.0f));
    EXPECT_FALSE(same(1.0f, std::nextafter(1.0f, 2.0f)));
    EXPECT_FALSE(same(std::numeric_limits<float>::quiet_NaN(), 1.0f));
}

}  // namespace
}  // namespace quern
