// Every op's attributes as one type. The alternative held says which op a node is.
#pragma once

#include <variant>

#include "ops/attend.h"
#include "ops/embed.h"
#include "ops/linear.h"
#include "ops/linear_q8.h"
#include "ops/moe.h"
#include "ops/norm.h"
#include "ops/recurrent.h"
#include "ops/rope.h"
#include "ops/rowwise.h"

namespace quern {

using Attr = std::variant<EmbedAttr, SelectRowsAttr, NormAttr, LinearAttr, RopeAttr, StoreAttr, AttendAttr, GluAttr,
                          AddAttr, ScaleAttr, SoftcapAttr, GateRowsAttr, RouteAttr, MoeAttr, MoeGroupAttr, MoeInnerAttr,
                          MoeDownAttr, MoeCombineAttr, CompressAttr, RecurAttr, QuantizeAttr, LinearQ8Attr>;

inline Op op_of(const Attr& attr) {
    return std::visit([](const auto& a) { return a.op; }, attr);
}

}  // namespace quern
