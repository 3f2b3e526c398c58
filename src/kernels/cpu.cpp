#include "kernels/cpu.h"

namespace quern {

Isa cpu_isa() {
#if defined(__x86_64__)
    // The builtin asks cpuid and xgetbv. F16C came before AVX2 in every processor, but is a bit of its own.
    static const bool avx2 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    return avx2 ? Isa::avx2_fma : Isa::none;
#else
    return Isa::none;
#endif
}

}  // namespace quern
