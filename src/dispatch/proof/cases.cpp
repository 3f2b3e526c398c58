#include "dispatch/proof/cases.h"

#include <set>

#include "dispatch/proof/attend_cases.h"
#include "dispatch/proof/embed_cases.h"
#include "dispatch/proof/linear_cases.h"
#include "dispatch/proof/moe_cases.h"
#include "dispatch/proof/plain_cases.h"
#include "dispatch/proof/q8_cases.h"
#include "kernels/matrix.h"

namespace quern::dispatch {
namespace {

using namespace proof;

// Two blocks of output rows and a tail; the real k for a few rows, one block of it for many.
std::vector<LinearCase> linear_cases(const Request& r, Extent extent) {
    const DType dtype = r.weights.at(0);
    const std::int64_t n = 2 * rows_per_item + 3, little = std::min<std::int64_t>(r.k, std::max(32, info(dtype).block));
    const bool tame = dtype != DType::f32 && dtype != DType::bf16;  // others have no room for an outlier
    std::vector<LinearCase> cases{{8, n, r.k, dtype, Data::normal, true}, {1, n, r.k, dtype, Data::normal, false}};
    for (const Data data : {Data::one_huge, Data::not_numbers})
        cases.push_back({3, rows_per_item + 1, little, dtype, data, false, tame});
    for (const std::int64_t rows : {2, 5, 6, 7, 33, 61, 129})
        cases.push_back({rows, rows_per_item + 3, little, dtype, Data::normal, rows % 2 == 1});
    if (extent == Extent::full)
        cases.push_back({9, std::max<std::int64_t>(r.width, 1), r.k, dtype, Data::normal, true});
    return cases;
}

// As linear's, with rows of x that hold whole blocks.
std::vector<LinearQ8Case> linear_q8_cases(const Request& r, Extent extent) {
    const DType dtype = r.weights.at(0);
    std::vector<LinearQ8Case> cases{{8, 2 * rows_per_item + 3, r.k, dtype, Data::normal, true},
                                    {1, 2 * rows_per_item + 3, r.k, dtype, Data::normal, false}};
    for (const Data data : {Data::one_huge, Data::not_numbers})
        cases.push_back({3, rows_per_item + 1, 512, dtype, data, false});
    for (const std::int64_t rows : {2, 7, 33, 129})
        cases.push_back({rows, rows_per_item + 3, 256, dtype, Data::normal, rows % 2 == 1});
    if (extent == Extent::full)
        cases.push_back({9, std::max<std::int64_t>(r.width, 1), r.k, dtype, Data::normal, true});
    return cases;
}

std::vector<QuantizeCase> quantize_cases() {
    std::vector<QuantizeCase> cases;
    for (const Data data : all_data) cases.push_back({3, 768, data});
    cases.push_back({1, 256, Data::normal});
    return cases;
}

// Every way rows can spread at the real k, and on one expert every count around a tile boundary in use.
std::vector<MoeCase> moe_cases(const Request& r, Extent extent) {
    std::vector<MoeCase> cases;
    for (const DType dtype : std::set<DType>(r.weights.begin(), r.weights.end())) {
        const std::int64_t n = rows_per_item + 3, little = std::min<std::int64_t>(r.k, std::max(32, info(dtype).block));
        const auto sized = [&](MoeCase c, std::int64_t k, std::int64_t width = 0) {
            c.dtype = dtype;
            c.experts = 4;
            c.dim = r.op == Op::moe_inner ? k : std::max(width, n);
            c.ff = r.op == Op::moe_inner ? std::max(width, n) : k;
            return c;
        };
        if (extent == Extent::full) cases.push_back(sized({.rows = 9, .spread = Spread::zipf}, r.k, r.width));
        cases.push_back(sized({.rows = 5}, r.k));
        for (const Spread spread : all_spreads) cases.push_back(sized({.rows = 9, .spread = spread}, little));
        for (const std::int64_t rows : {1, 31, 32, 33, 63, 64, 65, 127, 128, 129})
            cases.push_back(sized({.rows = rows, .top_k = 1, .spread = Spread::one_expert}, little));
    }
    return cases;
}

std::vector<AttendCase> attend_cases(const Request& r, Extent extent) {
    std::vector<AttendCase> cases;
    for (const AttendCase& c : {AttendCase{.past = {0, 62}, .gained = {5, 4}}, AttendCase{.past = {130}, .gained = {1}},
                                AttendCase{.past = {60, 3}, .gained = {6, 2}, .sources = {{7, 1}}, .softcap = 2},
                                AttendCase{.past = {3}, .gained = {2}, .data = Data::not_numbers}}) {
        cases.push_back(c);
        cases.back().head_dim = r.head_dim;
        cases.back().dtype = r.states.at(0);
    }
    if (extent == Extent::full)
        cases.push_back({.head_dim = r.head_dim, .past = {4000, 0}, .gained = {3, 130}, .dtype = r.states.at(0)});
    return cases;
}

// Rows of the table are read in whole blocks, so that widths are multiples of one.
std::vector<EmbedCase> embed_cases(const Request& r) {
    std::vector<EmbedCase> cases;
    const DType dtype = r.weights.at(0);
    const std::int64_t block = info(dtype).block;
    const bool whole = block > 1;
    for (const std::int64_t blocks :
         whole ? std::vector<std::int64_t>{1, 2, 3, 9} : std::vector<std::int64_t>{1, 7, 8, 17, 100})
        cases.push_back({dtype, blocks * block, Data::normal});
    if (dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16)
        cases.push_back({dtype, 33, Data::not_numbers});
    return cases;
}

template <class Case>
std::vector<ProofCase> with_check(const std::vector<Case>& cases,
                                  std::string (*check)(const KernelSpec&, const KernelSpec&, const Case&)) {
    std::vector<ProofCase> list;
    for (const Case& c : cases)
        list.push_back(
            {c.text(), [c, check](const KernelSpec& k, const KernelSpec& model) { return check(k, model, c); }});
    return list;
}

}  // namespace

std::vector<ProofCase> proof_cases(const Request& r, Extent extent) {
    switch (r.op) {
        case Op::linear:
            return with_check(linear_cases(r, extent), check_linear);
        case Op::linear_q8:
            return with_check(linear_q8_cases(r, extent), check_linear_q8);
        case Op::quantize:
            return with_check(quantize_cases(), check_quantize);
        case Op::moe_inner:
        case Op::moe_down:
            return with_check(moe_cases(r, extent), check_moe);
        case Op::attend:
            return with_check(attend_cases(r, extent), check_attend);
        case Op::embed:
            return with_check(embed_cases(r), check_embed);
        case Op::norm:
        case Op::rope:
        case Op::glu:
        case Op::add:
        case Op::scale:
        case Op::softcap:
        case Op::gate_rows:
        case Op::moe_combine:
            return with_check(plain_cases(r.op), check_plain);
        default:
            return {};
    }
}

}  // namespace quern::dispatch
