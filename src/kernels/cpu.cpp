#include "kernels/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace quern {
namespace {

#if defined(__x86_64__)
// F16C came before AVX2 in every processor, but is a bit of its own, and clang's builtin does not know its name.
bool has_f16c() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

}  // namespace

Isa cpu_isa() {
#if defined(__x86_64__)
    // The builtin asks the processor, and the operating system whether it saves the wide registers.
    static const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    static const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return avx512 ? Isa::avx512 : avx2 ? Isa::avx2_fma : Isa::none;
#else
    return Isa::none;
#endif
}

}  // namespace quern
