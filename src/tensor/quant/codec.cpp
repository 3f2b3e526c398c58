#include "tensor/quant/codec.h"

#include <array>

#include "base/check.h"
#include "tensor/quant/iq1_m.h"
#include "tensor/quant/iq1_s.h"
#include "tensor/quant/iq2_s.h"
#include "tensor/quant/iq2_xs.h"
#include "tensor/quant/iq2_xxs.h"
#include "tensor/quant/iq3_s.h"
#include "tensor/quant/iq3_xxs.h"
#include "tensor/quant/iq4_nl.h"
#include "tensor/quant/iq4_xs.h"
#include "tensor/quant/mxfp4.h"
#include "tensor/quant/nvfp4.h"
#include "tensor/quant/plain.h"
#include "tensor/quant/q2_k.h"
#include "tensor/quant/q3_k.h"
#include "tensor/quant/q4_0.h"
#include "tensor/quant/q4_1.h"
#include "tensor/quant/q4_k.h"
#include "tensor/quant/q5_0.h"
#include "tensor/quant/q5_1.h"
#include "tensor/quant/q5_k.h"
#include "tensor/quant/q6_k.h"
#include "tensor/quant/q8_0.h"
#include "tensor/quant/q8_1.h"
#include "tensor/quant/q8_k.h"
#include "tensor/quant/tq1_0.h"
#include "tensor/quant/tq2_0.h"

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
    set(DType::q4_0, decode_q4_0, encode_q4_0);
    set(DType::q4_1, decode_q4_1, encode_q4_1);
    set(DType::q5_0, decode_q5_0, encode_q5_0);
    set(DType::q5_1, decode_q5_1, encode_q5_1);
    set(DType::q8_0, decode_q8_0, encode_q8_0);
    set(DType::q8_1, decode_q8_1, encode_q8_1);
    set(DType::q2_k, decode_q2_k, nullptr);
    set(DType::q3_k, decode_q3_k, nullptr);
    set(DType::q4_k, decode_q4_k, encode_q4_k);
    set(DType::q5_k, decode_q5_k, encode_q5_k);
    set(DType::q6_k, decode_q6_k, encode_q6_k);
    set(DType::q8_k, decode_q8_k, encode_q8_k);
    set(DType::iq1_s, decode_iq1_s, nullptr);
    set(DType::iq1_m, decode_iq1_m, nullptr);
    set(DType::iq2_xxs, decode_iq2_xxs, nullptr);
    set(DType::iq2_xs, decode_iq2_xs, nullptr);
    set(DType::iq2_s, decode_iq2_s, nullptr);
    set(DType::iq3_xxs, decode_iq3_xxs, nullptr);
    set(DType::iq3_s, decode_iq3_s, nullptr);
    set(DType::iq4_nl, decode_iq4_nl, nullptr);
    set(DType::iq4_xs, decode_iq4_xs, nullptr);
    set(DType::tq1_0, decode_tq1_0, nullptr);
    set(DType::tq2_0, decode_tq2_0, nullptr);
    set(DType::mxfp4, decode_mxfp4, encode_mxfp4);
    set(DType::nvfp4, decode_nvfp4, nullptr);
    return table;
}

constexpr Table table = make_table();

}  // namespace

const Codec& codec(DType dtype) {
    CHECK(dtype < DType::count_);
    return table[std::size_t(dtype)];
}

}  // namespace quern
