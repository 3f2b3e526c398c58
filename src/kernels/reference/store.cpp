// The kernel of store.
#include "kernels/paged.h"
#include "kernels/spec.h"
#include "ops/attend.h"
#include "tensor/quant/codec.h"

namespace quern {
namespace {

std::int64_t store_items(const void* args) noexcept { return static_cast<const StoreArgs*>(args)->rows.rows(); }

Status store(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const StoreArgs*>(args);
    const View& rows = a.rows;
    const DTypeInfo& type = info(a.state.dtype);
    const Encode encode = codec(a.state.dtype).encode;
    // Heads that lie side by side are one row; blocks of a quantised state may then cross heads.
    const bool dense = rows.rank != 3 || rows.stride[1] == rows.dim[2] * std::int64_t(sizeof(float));
    const std::int64_t pieces = dense ? 1 : rows.dim[1];
    const std::int64_t blocks = a.state.width / pieces / type.block;
    EmittedRow to(a.ragged, a.state.ratio, work.begin);
    for (std::int64_t r = work.begin; r < work.end && to.exists(); ++r, to.advance()) {
        if (!has_page(a.state, to.sequence(), to.row())) continue;  // let go already: nobody will read it
        std::byte* at = a.state.row(to.sequence(), to.row());
        for (std::int64_t p = 0; p < pieces; ++p)
            encode(dense ? rows.row(r) : rows.row(r, p), at + p * blocks * type.bytes, blocks);
    }
    return Status::ok;
}

constexpr KernelSpec spec{.id = "store.reference",
                          .op = Op::store,
                          .state = {DType::f32, DType::f16, DType::bf16, DType::q8_0},
                          .items = store_items,
                          .run = store};
const Registered registered_store{spec};

}  // namespace
}  // namespace quern
