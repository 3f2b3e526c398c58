// The register blocks of class "f32x16" with AVX2 and FMA: 16 lanes are two registers, so that six dots fit.
#include "kernels/x86/dot16.avx2.h"
#include "kernels/x86/product.h"

namespace quern::x86 {

constexpr RegisterBlocks avx2_blocks{.columns = 3,
                                     .rows = {0, 4, 2, 2},
                                     .dots = {{},
                                              {nullptr, dots<1, 1>, dots<1, 2>, dots<1, 3>},
                                              {nullptr, dots<2, 1>, dots<2, 2>, dots<2, 3>},
                                              {},
                                              {nullptr, dots<4, 1>}}};

}  // namespace quern::x86
