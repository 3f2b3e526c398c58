// Every element and block type Quern knows by name, with its size. The numbers of GGUF's tensor types stand here too,
// because files, reports and kernels must agree on one table. How a block is laid out and decoded: tensor/quant/.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace quern {

enum class DType : std::uint8_t {
    f32,
    f16,
    bf16,
    f64,
    f8_e4m3,
    i8,
    u8,
    i16,
    i32,
    i64,
    q4_0,
    q4_1,
    q5_0,
    q5_1,
    q8_0,
    q8_1,
    q2_k,
    q3_k,
    q4_k,
    q5_k,
    q6_k,
    q8_k,
    iq1_s,
    iq1_m,
    iq2_xxs,
    iq2_xs,
    iq2_s,
    iq3_xxs,
    iq3_s,
    iq4_nl,
    iq4_xs,
    tq1_0,
    tq2_0,
    mxfp4,
    nvfp4,
    q1_0,
    q2_0,
    boolean,
    count_,
};

struct DTypeInfo {
    DType dtype;
    std::string_view name;  // "q4_k", as in options, kernel ids and reports
    int gguf;               // GGUF's tensor type number, or -1 where GGUF has none
    int block;              // weights in one block; 1 for plain elements
    int bytes;              // bytes of one block
};

// Total for every enumerator below count_.
const DTypeInfo& info(DType dtype);

std::optional<DType> dtype_from_name(std::string_view name);  // case does not matter
std::optional<DType> dtype_from_gguf(std::uint32_t number);

// Bytes of n elements in one row; n must be a multiple of the block (CHECK). Throws Error when the product does not
// fit.
std::int64_t row_bytes(DType dtype, std::int64_t n);

}  // namespace quern
