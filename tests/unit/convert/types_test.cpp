// Which format a tensor gets.
#include "convert/types.h"

#include <gmock/gmock.h>

#include "convert/convert.h"
#include "models_for_tests.h"

namespace quern::convert {
namespace {

DType choose(std::string_view name, std::vector<std::int64_t> dims, DType wanted) {
    return choose_type(name, dims, wanted);
}

TEST(Types, VectorsNormsAndRoutersStayF32) {
    EXPECT_EQ(choose("output_norm.weight", {64}, DType::q4_0), DType::f32);
    EXPECT_EQ(choose("blk.0.attn_q.bias", {64}, DType::f16), DType::f32);
    EXPECT_EQ(choose("blk.0.ffn_gate_inp.weight", {8, 64}, DType::q8_0), DType::f32);
    EXPECT_EQ(choose("blk.0.ffn_gate_inp_shexp.weight", {1, 64}, DType::bf16), DType::f32);
    EXPECT_EQ(choose("rope_freqs.weight", {32}, DType::f16), DType::f32);
    EXPECT_EQ(choose("blk.0.attn_q_norm.weight", {2, 64}, DType::f16), DType::f32);
}

TEST(Types, RowsThatDoNotFillBlocksFallToOnesThatFit) {
    EXPECT_EQ(choose("output.weight", {10, 512}, DType::q4_k), DType::q4_k);
    EXPECT_EQ(choose("output.weight", {10, 320}, DType::q4_k), DType::q8_0);
    EXPECT_EQ(choose("output.weight", {10, 90}, DType::q4_k), DType::f16);
    EXPECT_EQ(choose("output.weight", {10, 90}, DType::q8_0), DType::f16);
    EXPECT_EQ(choose("output.weight", {10, 90}, DType::bf16), DType::bf16);
    EXPECT_EQ(choose("blk.0.ffn_up_exps.weight", {4, 10, 64}, DType::mxfp4), DType::mxfp4);
}

TEST(Types, AllThatCanBeWrittenHaveAFileType) {
    EXPECT_THAT(writable_types(), testing::IsSupersetOf({DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_0,
                                                         DType::q4_k, DType::q5_k, DType::q6_k, DType::mxfp4}));
    for (const DType t : writable_types()) EXPECT_NO_THROW(check_writable(t));
    EXPECT_EQ(file_type(DType::q8_0), 7u);
    EXPECT_EQ(file_type(DType::bf16), 32u);
}

// Formats of activations and of integers have codecs too, but no file holds a model in them.
TEST(Types, OthersAreRefusedByName) {
    for (const DType t : {DType::q8_k, DType::i32, DType::q2_k, DType::f8_e4m3})
        EXPECT_THAT(refusal([&] { check_writable(t); }), testing::HasSubstr(std::string(info(t).name)));
}

}  // namespace
}  // namespace quern::convert
