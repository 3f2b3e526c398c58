// The kernels of the ops that work on each row or element alone: the definition of their bits.
#include "kernels/plain.h"

namespace quern {
namespace {

#define X(op, Args, items, workspace) \
    Status op(const void* args, const Work& work) noexcept { return plain::op(*static_cast<const Args*>(args), work); }
QUERN_PLAIN_OPS(X)
#undef X

constexpr KernelSpec specs[] = {
#define X(name, Args, count, space) \
    {.id = #name ".reference", .op = Op::name, .speed = {2, 4}, .items = count, .workspace = space, .run = name},
    QUERN_PLAIN_OPS(X)
#undef X
};
const Registered registered_plain[] = {Registered{specs[0]}, Registered{specs[1]}, Registered{specs[2]},
                                       Registered{specs[3]}, Registered{specs[4]}, Registered{specs[5]},
                                       Registered{specs[6]}, Registered{specs[7]}};

}  // namespace
}  // namespace quern
