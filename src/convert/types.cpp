#include "convert/types.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "convert/convert.h"
#include "tensor/quant/codec.h"

namespace quern::convert {
namespace {

struct FileType {
    DType dtype;
    std::uint32_t number;
};

// llama.cpp's LLAMA_FTYPE numbers; of families with several mixtures (_S, _M, _L), the purest.
constexpr FileType file_types[] = {
    {DType::f32, 0},    {DType::f16, 1},     {DType::q4_0, 2},     {DType::q4_1, 3},    {DType::q8_0, 7},
    {DType::q5_0, 8},   {DType::q5_1, 9},    {DType::q2_k, 10},    {DType::q3_k, 11},   {DType::q4_k, 14},
    {DType::q5_k, 16},  {DType::q6_k, 18},   {DType::iq2_xxs, 19}, {DType::iq2_xs, 20}, {DType::iq3_xxs, 23},
    {DType::iq1_s, 24}, {DType::iq4_nl, 25}, {DType::iq3_s, 26},   {DType::iq2_s, 28},  {DType::iq4_xs, 30},
    {DType::iq1_m, 31}, {DType::bf16, 32},   {DType::tq1_0, 36},   {DType::tq2_0, 37},  {DType::mxfp4, 38},
};

}  // namespace

std::optional<std::uint32_t> file_type(DType dtype) {
    const auto it = std::ranges::find(file_types, dtype, &FileType::dtype);
    if (it == std::end(file_types)) return std::nullopt;
    return it->number;
}

std::vector<DType> writable_types() {
    std::vector<DType> out;
    for (const FileType& t : file_types)
        if (codec(t.dtype).encode) out.push_back(t.dtype);
    return out;
}

void check_writable(DType wanted) {
    std::string known;
    for (const DType t : writable_types()) {
        if (t == wanted) return;
        known.append(known.empty() ? "" : ", ").append(info(t).name);
    }
    throw Error(Code::bad_request, "the type {} cannot be written by this build; types that can are {}",
                info(wanted).name, known);
}

DType choose_type(std::string_view name, std::span<const std::int64_t> dims, DType wanted) {
    const bool kept = dims.size() < 2 || name.ends_with("_norm.weight") || !name.ends_with(".weight") ||
                      name.find("ffn_gate_inp") != name.npos;
    if (kept) return DType::f32;
    const std::int64_t k = dims.back();
    if (k % info(wanted).block == 0) return wanted;
    return info(wanted).block > 32 && k % 32 == 0 ? DType::q8_0 : DType::f16;
}

}  // namespace quern::convert
