// The kernels of compress and recur.
#include "ops/recurrent.h"

#include <algorithm>

#include "kernels/math.h"
#include "kernels/paged.h"
#include "kernels/spec.h"
#include "tensor/quant/codec.h"

namespace quern {
namespace {

std::int64_t compress_items(const void* args) noexcept { return static_cast<const CompressArgs*>(args)->y.rows(); }
std::size_t compress_workspace(const void* args) noexcept {  // sums, and one decoded row
    const auto width = static_cast<std::size_t>(static_cast<const CompressArgs*>(args)->state.width);
    return width * (sizeof(double) + sizeof(float));
}

Status compress(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const CompressArgs*>(args);
    const std::int64_t width = a.state.width;
    auto* sum = reinterpret_cast<double*>(work.workspace);
    auto* row = reinterpret_cast<float*>(sum + width);
    EmittedRow group(a.ragged, a.ratio, work.begin);
    for (std::int64_t r = work.begin; r < work.end && group.exists(); ++r, group.advance()) {
        std::fill(sum, sum + width, 0.0);
        for (std::int64_t j = group.row() * a.ratio; j < (group.row() + 1) * a.ratio; ++j) {
            codec(a.state.dtype).decode(a.state.row(group.sequence(), j), row, width / info(a.state.dtype).block);
            for (std::int64_t i = 0; i < width; ++i) sum[i] += double(row[i]);
        }
        for (std::int64_t i = 0; i < width; ++i)
            a.y.row(r)[i] = static_cast<float>(sum[i] / static_cast<double>(a.ratio));
    }
    return Status::ok;
}

constexpr std::int64_t recur_block = 64;  // elements of an item

std::int64_t recur_items(const void* args) noexcept {
    const auto& a = *static_cast<const RecurArgs*>(args);
    return a.ragged.sequences * ((a.y.last() + recur_block - 1) / recur_block);
}

Status recur(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const RecurArgs*>(args);
    const std::int64_t blocks = (a.y.last() + recur_block - 1) / recur_block;
    for (std::int64_t item = work.begin; item < work.end; ++item) {
        const auto s = static_cast<std::int32_t>(item / blocks);
        if (a.ragged.new_rows(s) == 0) continue;
        const std::int64_t first = item % blocks * recur_block, last = std::min(first + recur_block, a.y.last());
        auto* state = reinterpret_cast<float*>(a.state.row(s, 0));
        for (std::int64_t i = first; i < last; ++i) {
            float h = a.ragged.past[s] == 0 ? 0.0f : state[i];
            for (std::int64_t t = a.ragged.row_begin[s]; t < a.ragged.row_begin[s + 1]; ++t) {
                const double keep = math::sigmoid(double(a.gate.row(t)[i]));
                h = static_cast<float>(keep * double(h) + (1 - keep) * double(a.x.row(t)[i]));
                a.y.row(t)[i] = h;
            }
            state[i] = h;
        }
    }
    return Status::ok;
}

constexpr KernelSpec compress_spec{.id = "compress.reference",
                                   .op = Op::compress,
                                   .state = {DType::f32, DType::f16, DType::bf16, DType::q8_0},
                                   .items = compress_items,
                                   .workspace = compress_workspace,
                                   .run = compress};
// Only f32: a state rounded between steps would make the result depend on how a prompt was cut into steps.
constexpr KernelSpec recur_spec{
    .id = "recur.reference", .op = Op::recur, .state = {DType::f32}, .items = recur_items, .run = recur};
const Registered registered_compress{compress_spec}, registered_recur{recur_spec};

}  // namespace
}  // namespace quern
