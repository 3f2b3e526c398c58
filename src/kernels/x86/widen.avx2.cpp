#include "kernels/x86/widen.h"

#include <immintrin.h>

#include "tensor/quant/codec.h"

namespace quern::x86 {
namespace {

// The processor's conversion makes NaNs quiet and keeps subnormals, as tensor/half.h does.
[[gnu::target("avx2,f16c")]] void widen_f16(const std::byte* from, float* to, std::int64_t n) {
    for (std::int64_t i = 0; i < n; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2 * i))));
}

}  // namespace

void widen(DType dtype, const std::byte* from, float* to, std::int64_t n) noexcept {
    std::int64_t done = 0;
    if (dtype == DType::f16) {
        done = n / 8 * 8;
        widen_f16(from, to, done);
    }
    const DTypeInfo& type = info(dtype);
    codec(dtype).decode(from + done / type.block * type.bytes, to + done, (n - done) / type.block);
}

}  // namespace quern::x86
