// The kernels of route and moe_group; the double-sum reference and the scalar model of moe_inner and
// moe_down.
#include "ops/moe.h"

#include <cmath>

#include "kernels/act.h"
#include "kernels/math.h"
#include "kernels/matrix.h"
#include "kernels/reference/dot.h"

namespace quern {
namespace {

std::int64_t route_items(const void* args) noexcept { return static_cast<const RouteArgs*>(args)->logits.rows(); }
std::size_t route_workspace(const void* args) noexcept {
    return static_cast<std::size_t>(static_cast<const RouteArgs*>(args)->logits.last()) * sizeof(double);
}

// Softmax of a row. False when a logit was no number or all were -infinity.
bool softmax(const float* logits, double* p, std::int64_t n) {
    double highest = -std::numeric_limits<double>::infinity();
    for (std::int64_t e = 0; e < n; ++e) highest = double(logits[e]) > highest ? double(logits[e]) : highest;
    double sum = 0;
    for (std::int64_t e = 0; e < n; ++e) sum += p[e] = math::exp(double(logits[e]) - highest);
    for (std::int64_t e = 0; e < n; ++e) p[e] /= sum;
    return sum > 0;  // false for NaN
}

Status route(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const RouteArgs*>(args);
    const std::int64_t experts = a.logits.last(), top_k = a.ids.last();
    auto* p = reinterpret_cast<double*>(work.workspace);
    for (std::int64_t t = work.begin; t < work.end; ++t) {
        if (!softmax(a.logits.row(t), p, experts)) return Status::bad_routing;
        auto* ids = a.ids.row<std::int32_t>(t);
        float* weights = a.weights.row(t);
        const auto better = [p](std::int64_t e, std::int64_t than) {
            return p[e] > p[than] || (p[e] == p[than] && e < than);
        };
        // The c-th choice is the best of those that are not better than the choice before it.
        double chosen = 0;
        for (std::int64_t c = 0; c < top_k; ++c) {
            std::int64_t best = -1;
            for (std::int64_t e = 0; e < experts; ++e)
                if ((c == 0 || better(ids[c - 1], e)) && (best < 0 || better(e, best))) best = e;
            ids[c] = static_cast<std::int32_t>(best);
            chosen += p[best];
        }
        const double divisor = a.renormalise == Renormalise::yes ? chosen : 1;
        for (std::int64_t c = 0; c < top_k; ++c) weights[c] = static_cast<float>(p[ids[c]] / divisor);
    }
    return Status::ok;
}

std::int64_t one_item(const void*) noexcept { return 1; }

// A counting sort; it keeps slots of an expert in order.
Status moe_group(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const MoeGroupArgs*>(args);
    if (work.begin == work.end) return Status::ok;
    const std::int64_t experts = a.begin.dim[0] - 1, rows = a.ids.rows(), top_k = a.ids.last();
    auto *begin = a.begin.row<std::int32_t>(0), *slots = a.slots.row<std::int32_t>(0);
    std::fill(begin, begin + experts + 1, 0);
    for (std::int64_t t = 0; t < rows; ++t)
        for (std::int64_t c = 0; c < top_k; ++c) {
            const std::int32_t e = a.ids.row<std::int32_t>(t)[c];
            if (e < 0 || e >= experts) return Status::bad_routing;
            ++begin[e + 1];
        }
    for (std::int64_t e = 0; e < experts; ++e) begin[e + 1] += begin[e];
    // begin[e] counts up to the start of e + 1 while slots are dealt out, and is then moved back by one.
    for (std::int64_t t = 0; t < rows; ++t)
        for (std::int64_t c = 0; c < top_k; ++c)
            slots[begin[a.ids.row<std::int32_t>(t)[c]]++] = static_cast<std::int32_t>(t * top_k + c);
    for (std::int64_t e = experts; e > 0; --e) begin[e] = begin[e - 1];
    begin[0] = 0;
    return Status::ok;
}

std::int64_t inner_items(const void* args) noexcept {
    return expert_items(static_cast<const MoeInnerArgs*>(args)->gate);
}
std::size_t inner_workspace(const void* args) noexcept {
    return 2 * static_cast<std::size_t>(static_cast<const MoeInnerArgs*>(args)->gate.k) * sizeof(float);
}

template <auto dot>
Status moe_inner(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const MoeInnerArgs*>(args);
    const std::int64_t k = a.gate.k;
    auto* gate_row = reinterpret_cast<float*>(work.workspace);
    float* up_row = gate_row + k;
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const ExpertItem item = expert_item(a.gate, a.begin, a.slots, i);
        if (item.count == 0) continue;
        const Matrix gate = matrix_of(a.gate, item.expert), up = matrix_of(a.up, item.expert);
        if (!gate.data || !up.data) return Status::weights_failed;
        const Rows x = rows_of(a.x, item.slots, a.top_k), y = rows_of(a.inner, item.slots);
        for (std::int64_t n = item.first_row; n < item.last_row; ++n) {
            gate.decode(n, 0, k, gate_row);
            up.decode(n, 0, k, up_row);
            for (std::int64_t s = 0; s < item.count; ++s) {
                const auto g = dot(x.at(s), gate_row, k), u = dot(x.at(s), up_row, k);
                y.at(s)[n] = static_cast<float>(activate(a.act, double(g)) * double(u));
            }
        }
    }
    return Status::ok;
}

std::int64_t down_items(const void* args) noexcept { return expert_items(static_cast<const MoeDownArgs*>(args)->down); }
std::size_t down_workspace(const void* args) noexcept {
    return static_cast<std::size_t>(static_cast<const MoeDownArgs*>(args)->down.k) * sizeof(float);
}

template <auto dot>
Status moe_down(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const MoeDownArgs*>(args);
    auto* w = reinterpret_cast<float*>(work.workspace);
    for (std::int64_t i = work.begin; i < work.end; ++i) {
        const ExpertItem item = expert_item(a.down, a.begin, a.slots, i);
        if (item.count == 0) continue;
        const Matrix down = matrix_of(a.down, item.expert);
        if (!down.data) return Status::weights_failed;
        const Rows x = rows_of(a.inner, item.slots), y = rows_of(a.outs, item.slots);
        for (std::int64_t n = item.first_row; n < item.last_row; ++n) {
            down.decode(n, 0, down.k, w);
            for (std::int64_t s = 0; s < item.count; ++s) y.at(s)[n] = static_cast<float>(dot(x.at(s), w, down.k));
        }
    }
    return Status::ok;
}

constexpr KernelSpec specs[] = {
    {.id = "route.reference", .op = Op::route, .items = route_items, .workspace = route_workspace, .run = route},
    {.id = "moe_group.reference", .op = Op::moe_group, .items = one_item, .run = moe_group},
    {.id = "moe_inner.reference",
     .op = Op::moe_inner,
     .weight = decodable(),
     .numerics = Numerics::double_sum,
     .items = inner_items,
     .workspace = inner_workspace,
     .run = moe_inner<dot_double>},
    {.id = "moe_inner.f32x16.model",
     .op = Op::moe_inner,
     .weight = decodable(),
     .numerics = Numerics::f32x16,
     .items = inner_items,
     .workspace = inner_workspace,
     .run = moe_inner<dot_f32x16>},
    {.id = "moe_down.reference",
     .op = Op::moe_down,
     .weight = decodable(),
     .numerics = Numerics::double_sum,
     .items = down_items,
     .workspace = down_workspace,
     .run = moe_down<dot_double>},
    {.id = "moe_down.f32x16.model",
     .op = Op::moe_down,
     .weight = decodable(),
     .numerics = Numerics::f32x16,
     .items = down_items,
     .workspace = down_workspace,
     .run = moe_down<dot_f32x16>},
};
const Registered registered_moe[] = {Registered{specs[0]}, Registered{specs[1]}, Registered{specs[2]},
                                     Registered{specs[3]}, Registered{specs[4]}, Registered{specs[5]}};

}  // namespace
}  // namespace quern
