#include "tensor/quant/rows.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "tensor/quant/codec.h"

namespace quern {
namespace {

// Would catch: an element written past the end, a wrong count of blocks, a need for alignment.
TEST(Rows, GoThereAndBackAtAnyAddress) {
    const std::array<float, 3> in{1.0f, -2.5f, 0.0f};
    for (const DType d : {DType::f32, DType::f16, DType::bf16, DType::f8_e4m3}) {
        const auto bytes = std::size_t(row_bytes(d, 3));
        std::vector<std::byte> stored(bytes + 2, std::byte{0x5a});
        std::array<float, 4> out{9, 9, 9, 9};
        encode_row(d, in.data(), stored.data() + 1, 3);
        decode_row(d, stored.data() + 1, out.data(), 3);
        EXPECT_EQ(out, (std::array<float, 4>{1.0f, -2.5f, 0.0f, 9.0f})) << info(d).name;
        EXPECT_EQ(stored.front(), std::byte{0x5a});
        EXPECT_EQ(stored.back(), std::byte{0x5a});
    }
}

// Would catch: a call through a null pointer, an error that does not say which format.
TEST(Rows, NameTheFormatTheyCannotHandle) {
    std::array<std::byte, 8> stored{};
    std::array<float, 8> values{};
    ASSERT_EQ(codec(DType::i32).decode, nullptr);
    ASSERT_EQ(codec(DType::i32).encode, nullptr);
    const auto refused = [](auto call) {
        try {
            call();
        } catch (const Error& e) {
            EXPECT_EQ(e.code, Code::unsupported);
            return std::string(e.what());
        }
        return std::string();
    };
    EXPECT_NE(refused([&] { decode_row(DType::i32, stored.data(), values.data(), 2); }).find("i32"), std::string::npos);
    EXPECT_NE(refused([&] { encode_row(DType::i32, values.data(), stored.data(), 2); }).find("i32"), std::string::npos);
}

TEST(RowsDeath, PartOfABlockIsOurBug) {
    std::array<std::byte, 64> stored{};
    std::array<float, 64> values{};
    EXPECT_DEATH(decode_row(DType::q4_0, stored.data(), values.data(), 31), "block");
}

}  // namespace
}  // namespace quern
