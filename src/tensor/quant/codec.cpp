#include "tensor/quant/codec.h"

#include <array>

#include "base/check.h"
#include "tensor/quant/plain.h"

namespace quern {
namespace {

using Table = std::array<Codec, std::size_t(DType::count_)>;

constexpr Table make_table() {
    Table table{};
    const auto set = [&table](DType dtype, Decode decode, Encode encode) {
        table[std::size_t(dtype)] = {decode, encode};
    };
    set(DType::f32, decode_f32, encode_f32);
    set(DType::f16, decode_f16, encode_f16);
    set(DType::bf16, decode_bf16, encode_bf16);
    set(DType::f8_e4m3, decode_f8_e4m3, encode_f8_e4m3);
    return table;
}

constexpr Table table = make_table();

}  // namespace

const Codec& codec(DType dtype) {
    CHECK(dtype < DType::count_);
    return table[std::size_t(dtype)];
}

}  // namespace quern
