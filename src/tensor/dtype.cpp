#include "tensor/dtype.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "base/check.h"
#include "base/checked.h"

namespace quern {
namespace {

constexpr std::array<DTypeInfo, std::size_t(DType::count_)> table{{
    {DType::f32, "f32", 0, 1, 4},
    {DType::f16, "f16", 1, 1, 2},
    {DType::bf16, "bf16", 30, 1, 2},
    {DType::f64, "f64", 28, 1, 8},
    {DType::f8_e4m3, "f8_e4m3", -1, 1, 1},
    {DType::i8, "i8", 24, 1, 1},
    {DType::u8, "u8", -1, 1, 1},
    {DType::i16, "i16", 25, 1, 2},
    {DType::i32, "i32", 26, 1, 4},
    {DType::i64, "i64", 27, 1, 8},
    {DType::q4_0, "q4_0", 2, 32, 18},
    {DType::q4_1, "q4_1", 3, 32, 20},
    {DType::q5_0, "q5_0", 6, 32, 22},
    {DType::q5_1, "q5_1", 7, 32, 24},
    {DType::q8_0, "q8_0", 8, 32, 34},
    {DType::q8_1, "q8_1", 9, 32, 36},
    {DType::q2_k, "q2_k", 10, 256, 84},
    {DType::q3_k, "q3_k", 11, 256, 110},
    {DType::q4_k, "q4_k", 12, 256, 144},
    {DType::q5_k, "q5_k", 13, 256, 176},
    {DType::q6_k, "q6_k", 14, 256, 210},
    {DType::q8_k, "q8_k", 15, 256, 292},
    {DType::iq1_s, "iq1_s", 19, 256, 50},
    {DType::iq1_m, "iq1_m", 29, 256, 56},
    {DType::iq2_xxs, "iq2_xxs", 16, 256, 66},
    {DType::iq2_xs, "iq2_xs", 17, 256, 74},
    {DType::iq2_s, "iq2_s", 22, 256, 82},
    {DType::iq3_xxs, "iq3_xxs", 18, 256, 98},
    {DType::iq3_s, "iq3_s", 21, 256, 110},
    {DType::iq4_nl, "iq4_nl", 20, 32, 18},
    {DType::iq4_xs, "iq4_xs", 23, 256, 136},
    {DType::tq1_0, "tq1_0", 34, 256, 54},
    {DType::tq2_0, "tq2_0", 35, 256, 66},
    {DType::mxfp4, "mxfp4", 39, 32, 17},
    {DType::nvfp4, "nvfp4", 40, 64, 36},
    {DType::q1_0, "q1_0", 41, 128, 18},
    {DType::q2_0, "q2_0", 42, 64, 18},
    {DType::boolean, "bool", -1, 1, 1},
}};

constexpr bool in_order() {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (table[i].dtype != DType(i)) return false;
    return true;
}
static_assert(in_order());

}  // namespace

const DTypeInfo& info(DType dtype) {
    CHECK(dtype < DType::count_);
    return table[std::size_t(dtype)];
}

std::optional<DType> dtype_from_name(std::string_view name) {
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    for (const DTypeInfo& t : table)
        if (std::equal(name.begin(), name.end(), t.name.begin(), t.name.end(), same)) return t.dtype;
    return std::nullopt;
}

std::optional<DType> dtype_from_gguf(std::uint32_t number) {
    for (const DTypeInfo& t : table)
        if (t.gguf >= 0 && static_cast<std::uint32_t>(t.gguf) == number) return t.dtype;
    return std::nullopt;
}

std::int64_t row_bytes(DType dtype, std::int64_t n) {
    const DTypeInfo& t = info(dtype);
    CHECK(n >= 0 && n % t.block == 0);
    return checked_mul<std::int64_t>(n / t.block, t.bytes, "bytes of a row");
}

}  // namespace quern
