// embed: y[t] = weight[ids[t]]: a row of the table for each token, decoded to f32.
//   ids    i32 [T]
//   weight any decodable format [vocab, dim]
//   y      f32 [T, dim]
// An id outside [0, vocab) ends the step with bad_token_id.
#pragma once

#include "ops/op.h"

namespace quern {

struct EmbedAttr {
    static constexpr Op op = Op::embed;
};
struct EmbedArgs {
    View ids, weight, y;
};
std::vector<TypeOf> infer(const EmbedAttr&, std::span<const TypeOf> in);  // ids, weight
EmbedArgs bind(const EmbedAttr&, const Operands& o);

// select_rows: y[r] = x[rows[r]]: the rows whose logits are wanted, so that the head multiplies only those.
//   x f32 [T, dim], rows i32 [R], y f32 [R, dim]
struct SelectRowsAttr {
    static constexpr Op op = Op::select_rows;
};
struct SelectRowsArgs {
    View x, rows, y;
};
std::vector<TypeOf> infer(const SelectRowsAttr&, std::span<const TypeOf> in);  // x, rows
SelectRowsArgs bind(const SelectRowsAttr&, const Operands& o);

}  // namespace quern
