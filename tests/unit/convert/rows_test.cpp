// Rows from one format to another: the same bytes however they are shared out, bits kept where nothing changes.
#include "convert/rows.h"

#include <gmock/gmock.h>

#include <random>

#include "base/error.h"
#include "tensor/quant/rows.h"

namespace quern::convert {
namespace {

std::vector<std::byte> all(const Tensor& t, DType type, ThreadPool* threads) {
    std::vector<std::byte> out;
    encode_tensor(t, type, threads, [&](std::span<const std::byte> b) { out.insert(out.end(), b.begin(), b.end()); });
    return out;
}

Tensor tensor(const std::vector<float>& values, std::vector<std::int64_t> dims) {
    Tensor t;
    t.name = "t";
    t.dims = std::move(dims);
    t.pieces = {std::as_bytes(std::span(values))};
    return t;
}

std::vector<float> numbers(std::size_t n) {
    std::mt19937 random(7);
    std::vector<float> out(n);
    for (float& v : out) v = static_cast<float>(random()) / 4e9f - 0.5f;
    return out;
}

// More rows than a chunk has, so that chunks' borders are crossed.
TEST(Rows, ThreadsAndChunksDoNotChangeTheBytes) {
    constexpr std::int64_t rows = 5003, k = 512;
    const std::vector<float> values = numbers(rows * k);
    const Tensor t = tensor(values, {rows, k});
    std::vector<std::byte> want(static_cast<std::size_t>(row_bytes(DType::q8_0, rows * k)));
    encode_row(DType::q8_0, values.data(), want.data(), rows * k);
    ThreadPool three(3);
    EXPECT_EQ(all(t, DType::q8_0, nullptr), want);
    EXPECT_EQ(all(t, DType::q8_0, &three), want);
    EXPECT_EQ(tensor_bytes(t, DType::q8_0), want.size());
}

// NaNs that are not quiet would change on their way through floats.
TEST(Rows, TheSameFormatKeepsEveryBit) {
    std::vector<std::uint16_t> halves(64);
    for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(0x7c01 + i);
    Tensor t;
    t.dims = {2, 32};
    t.source = DType::f16;
    t.pieces = {std::as_bytes(std::span(halves).first(32)), std::as_bytes(std::span(halves).last(32))};
    const auto bytes = std::as_bytes(std::span(halves));
    EXPECT_THAT(all(t, DType::f16, nullptr), testing::ElementsAreArray(bytes.begin(), bytes.end()));
}

TEST(Rows, PiecesFollowEachOther) {
    const std::vector<float> a = numbers(8), b{1, 2, 3, 4, 5, 6, 7, 8};
    Tensor t;
    t.dims = {2, 2, 4};
    t.pieces = {std::as_bytes(std::span(a)), std::as_bytes(std::span(b))};
    std::vector<float> want = a;
    want.insert(want.end(), b.begin(), b.end());
    EXPECT_EQ(decode_all(t), want);
}

TEST(Rows, AFormatWithoutADecoderIsNamed) {
    Tensor t;
    t.name = "odd.weight";
    t.dims = {1, 4};
    t.source = DType::i32;
    const std::vector<std::byte> bytes(16);
    t.pieces = {bytes};
    try {
        all(t, DType::f16, nullptr);
        FAIL() << "it was encoded";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("odd.weight"), testing::HasSubstr("i32")));
    }
}

}  // namespace
}  // namespace quern::convert
