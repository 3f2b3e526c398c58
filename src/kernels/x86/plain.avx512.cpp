// The ops that work on each row or element alone, as the compiler makes them with AVX-512.
#include "kernels/plain.h"

namespace quern::x86 {
namespace {

#define X(op, Args, items, workspace)                                                                          \
    [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]] Status op(const void* args,            \
                                                                                  const Work& work) noexcept { \
        return plain::op(*static_cast<const Args*>(args), work);                                               \
    }
QUERN_PLAIN_OPS(X)
#undef X

constexpr KernelSpec specs[] = {
#define X(name, Args, count, space) \
    {.id = #name ".avx512",         \
     .op = Op::name,                \
     .home = Home::x86,             \
     .needs = Isa::avx512,          \
     .speed = {8, 12},              \
     .items = count,                \
     .workspace = space,            \
     .run = name},
    QUERN_PLAIN_OPS(X)
#undef X
};
const Registered registered_plain[] = {Registered{specs[0]}, Registered{specs[1]}, Registered{specs[2]},
                                       Registered{specs[3]}, Registered{specs[4]}, Registered{specs[5]},
                                       Registered{specs[6]}, Registered{specs[7]}};

}  // namespace
}  // namespace quern::x86
