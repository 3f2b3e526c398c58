// linear: every kernel against its class's model, and the class against double sums, over edge shapes, every weight
// format, wild data, cuts of the work, and rows alone.
#include "ops/linear.h"

#include <gtest/gtest.h>

#include "dispatch/proof/linear_cases.h"

namespace quern::proof {
namespace {

const KernelSpec& model() { return *find_kernel("linear.f32x16.model"); }

std::int64_t fitting(DType dtype, std::int64_t k) {
    return std::max<std::int64_t>(1, k / info(dtype).block) * info(dtype).block;
}

TEST(Linear, EveryKernelHasTheModelsBitsAtEveryEdgeShape) {
    for (const KernelSpec* kernel : kernels_of(Op::linear, Numerics::f32x16)) {
        for (const std::int64_t k : {1, 15, 16, 17, 32, 1023, 1024, 1025, 2049})
            for (const std::int64_t rows : {1, 2, 3, 7, 8, 9, 33})
                for (const std::int64_t n : {1, 5, 16, 19})
                    EXPECT_EQ(check_linear(*kernel, model(), {rows, n, k, DType::f32, Data::normal, n % 2 == 1}), "");
        // Past the stripes in which a kernel may take rows of x.
        EXPECT_EQ(check_linear(*kernel, model(), {131, 21, 2080, DType::bf16, Data::normal, true}), "");
    }
}

TEST(Linear, EveryKernelReadsEveryWeightFormatItDeclares) {
    for (const KernelSpec* kernel : kernels_of(Op::linear, Numerics::f32x16))
        for (const DType dtype : formats(kernel->weight)) {
            ASSERT_NE(codec(dtype).decode, nullptr) << info(dtype).name << " is declared but has no decoder";
            for (const std::int64_t k : {32, 256, 1024, 1280, 2304})
                for (const std::int64_t rows : {1, 4, 9})
                    EXPECT_EQ(check_linear(*kernel, model(), {rows, 18, fitting(dtype, k), dtype, Data::normal, true}),
                              "");
        }
}

TEST(Linear, EveryKernelHasTheModelsBitsForWildData) {
    for (const KernelSpec* kernel : kernels_of(Op::linear, Numerics::f32x16))
        for (const Data data : all_data)
            for (const DType dtype : {DType::f32, DType::f16, DType::bf16})
                for (const std::int64_t k : {7, 1040, 3000})
                    EXPECT_EQ(check_linear(*kernel, model(), {5, 17, k, dtype, data, false}), "");
}

TEST(Linear, TheClassIsCloseToDoubleSums) {
    const KernelSpec& reference = *find_kernel("linear.reference");
    for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_k})
        for (const std::int64_t k : {1, 17, 1025, 2049, 20000})
            for (const Data data : {Data::normal, Data::one_huge, Data::all_equal, Data::zeros}) {
                if (dtype != DType::f32 && data == Data::one_huge) continue;  // infinite in half
                const LinearCase c{3, 5, fitting(dtype, k), dtype, data, true};
                EXPECT_EQ(check_bound(model(), c), "");
                EXPECT_EQ(check_bound(reference, c), "");
            }
}

}  // namespace
}  // namespace quern::proof
