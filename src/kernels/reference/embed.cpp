// The kernels of embed and select_rows.
#include <cstring>

#include "kernels/spec.h"
#include "ops/embed.h"
#include "tensor/quant/codec.h"

namespace quern {
namespace {

std::int64_t embed_items(const void* args) noexcept { return static_cast<const EmbedArgs*>(args)->y.rows(); }

Status embed(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const EmbedArgs*>(args);
    const std::int64_t blocks = a.y.last() / info(a.weight.dtype).block;
    const auto* ids = a.ids.row<std::int32_t>(0);
    for (std::int64_t t = work.begin; t < work.end; ++t) {
        if (ids[t] < 0 || ids[t] >= a.weight.rows()) return Status::bad_token_id;
        codec(a.weight.dtype).decode(a.weight.row<std::byte>(ids[t]), a.y.row(t), blocks);
    }
    return Status::ok;
}

std::int64_t select_items(const void* args) noexcept { return static_cast<const SelectRowsArgs*>(args)->y.rows(); }

Status select_rows(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const SelectRowsArgs*>(args);
    const auto* rows = a.rows.row<std::int32_t>(0);
    for (std::int64_t r = work.begin; r < work.end; ++r)
        std::memcpy(a.y.row(r), a.x.row(rows[r]), static_cast<std::size_t>(a.y.last()) * sizeof(float));
    return Status::ok;
}

constexpr KernelSpec embed_spec{
    .id = "embed.reference", .op = Op::embed, .weight = decodable(), .items = embed_items, .run = embed};
constexpr KernelSpec select_spec{
    .id = "select_rows.reference", .op = Op::select_rows, .items = select_items, .run = select_rows};
const Registered registered_embed{embed_spec}, registered_select{select_spec};

}  // namespace
}  // namespace quern
