// The kernels of the ops that work on each element alone: glu, add, scale, softcap, gate_rows.
#include "ops/rowwise.h"

#include "kernels/act.h"
#include "kernels/math.h"
#include "kernels/rows.h"

namespace quern {
namespace {

template <class Args>
std::int64_t items(const void* args) noexcept {
    return count_items(static_cast<const Args*>(args)->y);
}

Status glu(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const GluArgs*>(args);
    for_each_item(a.y, work, [&](std::int64_t row, std::int64_t first, std::int64_t last) {
        const float *gate = row_at(a.gate, row), *up = row_at(a.up, row);
        float* y = row_at(a.y, row);
        for (std::int64_t i = first; i < last; ++i) y[i] = gated(a.act, gate[i], up[i]);
    });
    return Status::ok;
}

Status add(const void* args, const Work& work) noexcept {
    const auto& arg = *static_cast<const AddArgs*>(args);
    for_each_item(arg.y, work, [&](std::int64_t row, std::int64_t first, std::int64_t last) {
        const float *a = row_at(arg.a, row), *b = row_at(arg.b, row);
        float* y = row_at(arg.y, row);
        for (std::int64_t i = first; i < last; ++i) y[i] = a[i] + b[i];
    });
    return Status::ok;
}

Status scale(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const ScaleArgs*>(args);
    for_each_item(a.y, work, [&](std::int64_t row, std::int64_t first, std::int64_t last) {
        const float* x = row_at(a.x, row);
        float* y = row_at(a.y, row);
        for (std::int64_t i = first; i < last; ++i) y[i] = x[i] * a.factor;
    });
    return Status::ok;
}

Status softcap(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const SoftcapArgs*>(args);
    const double cap = double(a.cap);
    for_each_item(a.y, work, [&](std::int64_t row, std::int64_t first, std::int64_t last) {
        const float* x = row_at(a.x, row);
        float* y = row_at(a.y, row);
        for (std::int64_t i = first; i < last; ++i) y[i] = static_cast<float>(cap * math::tanh(double(x[i]) / cap));
    });
    return Status::ok;
}

Status gate_rows(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const GateRowsArgs*>(args);
    for_each_item(a.y, work, [&](std::int64_t row, std::int64_t first, std::int64_t last) {
        const float* x = row_at(a.x, row);
        float* y = row_at(a.y, row);
        const double gate = math::sigmoid(double(*row_at(a.gate, row)));
        for (std::int64_t i = first; i < last; ++i) y[i] = static_cast<float>(double(x[i]) * gate);
    });
    return Status::ok;
}

constexpr KernelSpec specs[] = {
    {.id = "glu.reference", .op = Op::glu, .items = items<GluArgs>, .run = glu},
    {.id = "add.reference", .op = Op::add, .items = items<AddArgs>, .run = add},
    {.id = "scale.reference", .op = Op::scale, .items = items<ScaleArgs>, .run = scale},
    {.id = "softcap.reference", .op = Op::softcap, .items = items<SoftcapArgs>, .run = softcap},
    {.id = "gate_rows.reference", .op = Op::gate_rows, .items = items<GateRowsArgs>, .run = gate_rows},
};
const Registered registered_rowwise[] = {Registered{specs[0]}, Registered{specs[1]}, Registered{specs[2]},
                                         Registered{specs[3]}, Registered{specs[4]}};

}  // namespace
}  // namespace quern
