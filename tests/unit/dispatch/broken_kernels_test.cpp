// The test of the tests: kernels that are broken on purpose, each with one fault that has been seen somewhere, under
// the name and limits of a kernel of this build. Every one must be disproved, for the reason that it has. None is
// registered.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>

#include "dispatch/proof/prove.h"
#include "ops/linear.h"
#include "ops/moe.h"
#include "ops/norm.h"
#include "ops/rope.h"
#include "ops/rowwise.h"

namespace quern::dispatch {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

Status model(std::string_view id, const void* args, const Work& work) { return find_kernel(id)->run(args, work); }
Status linear_model(const void* args, const Work& work) { return model("linear.f32x16.model", args, work); }
const LinearArgs& linear(const void* args) { return *static_cast<const LinearArgs*>(args); }

// A grouped product with wider token tiles that every check had tried with one row on each expert only.
Status zeros_past_row_32(const void* args, const Work& work) noexcept {
    const Status s = model("moe_inner.f32x16.model", args, work);
    const auto& a = *static_cast<const MoeInnerArgs*>(args);
    const auto* begin = a.begin.row<std::int32_t>(0);
    for (std::int64_t e = 0; e < a.gate.experts; ++e)
        for (std::int32_t i = begin[e] + 32; i < begin[e + 1]; ++i)
            std::memset(a.inner.row(a.slots.row<std::int32_t>(0)[i]), 0, std::size_t(a.gate.rows) * sizeof(float));
    return s;
}
Status reads_experts_without_rows(const void* args, const Work& work) noexcept {
    MoeInnerArgs a = *static_cast<const MoeInnerArgs*>(args);
    for (std::int64_t e = 0; e < a.gate.experts; ++e)
        if (*a.gate.slab[e] == std::byte{1}) a.act = Act::gelu_tanh;
    return model("moe_inner.f32x16.model", &a, work);
}
Status gives_nan(const void* args, const Work& work) noexcept {
    const Status s = linear_model(args, work);
    if (work.begin == 0) linear(args).y.row(0)[0] = nan;
    return s;
}
Status writes_one_too_many(const void* args, const Work& work) noexcept {
    const Status s = linear_model(args, work);
    linear(args).y.row(0)[linear(args).y.last()] = 0;
    return s;
}
Status writes_past_its_workspace(const void* args, const Work& work) noexcept {
    const Status s = linear_model(args, work);
    const KernelSpec& k = *find_kernel("linear.f32x16.model");
    work.workspace[k.workspace ? k.workspace(args) : 0] = std::byte{7};
    return s;
}
Status skips_a_row(const void* args, const Work& work) noexcept {
    LinearArgs a = linear(args);
    if (a.x.rows() > 5) --a.x.dim[0];
    return linear_model(&a, work);
}
Status last_bit_depends_on_the_batch(const void* args, const Work& work) noexcept {
    const Status s = linear_model(args, work);
    const LinearArgs& a = linear(args);
    if (work.begin == 0 && a.x.rows() > 4) a.y.row(4)[0] = std::nextafter(a.y.row(4)[0], 1e30f);
    return s;
}
Status keeps_scratch_between_calls(const void* args, const Work& work) noexcept {
    static float left = 0;  // of the call before
    const Status s = linear_model(args, work);
    float& y = linear(args).y.row(0)[0];
    const float right = y;
    y += left * 1e-3f;
    left = right;
    return s;
}
Status forgets_the_tail_of_k(const void* args, const Work& work) noexcept {
    const LinearArgs& a = linear(args);
    const Status s = linear_model(args, work);
    if (a.x.last() % 16 == 0) return s;
    LinearArgs shorter = a;
    shorter.x.dim[1] = shorter.weight.dim[1] = a.x.last() / 16 * 16;
    return linear_model(&shorter, work);
}
Status forgets_the_last_outputs(const void* args, const Work& work) noexcept {
    const Status s = linear_model(args, work);
    const View& y = linear(args).y;
    for (std::int64_t t = 0; t < y.rows(); ++t)
        for (std::int64_t n = y.last() / 8 * 8; n < y.last(); ++n) y.row(t)[n] = 0;
    return s;
}
Status leaves_out_the_bias(const void* args, const Work& work) noexcept {
    LinearArgs a = linear(args);
    a.bias = {};
    return linear_model(&a, work);
}
Status does_nothing(const void*, const Work&) noexcept { return Status::ok; }
Status crashes(const void*, const Work&) noexcept {
    std::signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return Status::ok;
}
Status hangs(const void*, const Work&) noexcept {
    for (;;) pause();
}
Status fails(const void*, const Work&) noexcept { return Status::weights_failed; }

Status takes_the_other_rope(const void* args, const Work& work) noexcept {
    RopeArgs a = *static_cast<const RopeArgs*>(args);
    a.style = a.style == RopeStyle::half ? RopeStyle::interleaved : RopeStyle::half;
    return model("rope.reference", &a, work);
}
Status drops_what_rope_passes_through(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const RopeArgs*>(args);
    const Status s = model("rope.reference", args, work);
    for (std::int64_t t = work.begin; t < work.end; ++t)
        for (std::int64_t h = 0; h < a.x.dim[1]; ++h)
            for (std::int64_t i = 2 * a.pairs; i < a.x.dim[2]; ++i) a.y.row(t, h)[i] = 0;
    return s;
}
Status sums_in_float(const void* args, const Work& work) noexcept {
    const auto& a = *static_cast<const NormArgs*>(args);
    const Status s = model("norm.reference", args, work);
    if (a.x.rank != 2) return s;
    for (std::int64_t r = work.begin; r < work.end; ++r) {
        float sum = 0;
        for (std::int64_t i = 0; i < a.x.last(); ++i) sum += a.x.row(r)[i] * a.x.row(r)[i];
        const float inverse = 1 / std::sqrt(sum / static_cast<float>(a.x.last()) + a.eps);
        for (std::int64_t i = 0; i < a.x.last(); ++i)
            a.y.row(r)[i] = a.x.row(r)[i] * inverse * (a.weight ? a.weight.row(0)[i] : 1.0f);
    }
    return s;
}
Status gelu_for_silu(const void* args, const Work& work) noexcept {
    GluArgs a = *static_cast<const GluArgs*>(args);
    a.act = Act::gelu_tanh;
    return model("glu.reference", &a, work);
}

struct Broken {
    const char* name;
    const char* like;  // whose name and limits it has
    quern::Run run;
    const char* trouble;  // part of the sentence
};
const Broken broken[] = {
    {"zeros_past_row_32", "moe_inner.f32x16.model", zeros_past_row_32, "33 rows to 1 of 4 experts"},
    {"reads_experts_without_rows", "moe_inner.f32x16.model", reads_experts_without_rows, "signal 11"},
    {"gives_nan", "linear.f32x16.model", gives_nan, "nan"},
    {"writes_one_too_many", "linear.f32x16.model", writes_one_too_many, "outside its output"},
    {"writes_past_its_workspace", "linear.f32x16.model", writes_past_its_workspace, "past the workspace"},
    {"skips_a_row", "linear.f32x16.model", skips_a_row, "unwritten"},
    {"last_bit_depends_on_the_batch", "linear.f32x16.model", last_bit_depends_on_the_batch, "model"},
    {"keeps_scratch_between_calls", "linear.f32x16.model", keeps_scratch_between_calls, ""},
    {"forgets_the_tail_of_k", "linear.f32x16.model", forgets_the_tail_of_k, "model"},
    {"forgets_the_last_outputs", "linear.f32x16.model", forgets_the_last_outputs, "model"},
    {"leaves_out_the_bias", "linear.f32x16.model", leaves_out_the_bias, "bias"},
    {"does_nothing", "linear.f32x16.model", does_nothing, "unwritten"},
    {"crashes", "linear.f32x16.model", crashes, "signal 11"},
    {"hangs", "linear.f32x16.model", hangs, "did not end in time"},
    {"fails", "linear.f32x16.model", fails, "did not end well"},
    {"takes_the_other_rope", "rope.reference", takes_the_other_rope, "definition"},
    {"drops_what_rope_passes_through", "rope.reference", drops_what_rope_passes_through, "definition"},
    {"sums_in_float", "norm.reference", sums_in_float, "definition"},
    {"gelu_for_silu", "glu.reference", gelu_for_silu, "definition"},
};

Request request_like(const KernelSpec& k) {
    Request r{.node = "blk.0", .op = k.op};
    if (k.op == Op::linear) r.weights = {DType::f32}, r.k = 1030;
    if (k.op == Op::moe_inner) r.weights = {DType::q8_0}, r.k = 256;
    return r;
}

class BrokenKernels : public testing::TestWithParam<Broken> {};

TEST_P(BrokenKernels, AreDisproved) {
    const Broken& b = GetParam();
    KernelSpec k = *find_kernel(b.like);
    ASSERT_TRUE(prove(k, request_like(k)).holds);
    k.id = "broken";
    k.home = Home::x86;  // else it would be the definition itself
    k.run = b.run;
    const auto patience = std::chrono::milliseconds(b.run == hangs ? 300 : 20'000);
    const Verdict v = prove(k, request_like(k), {.patience = patience});
    EXPECT_FALSE(v.holds);
    EXPECT_NE(v.trouble.find(b.trouble), std::string::npos) << v.trouble;
    EXPECT_EQ(v.trouble.find("broken: "), 0u) << v.trouble;
    // The case is known whatever it did, and is enough to see it again.
    ASSERT_GE(v.failed, 0);
    if (b.run != keeps_scratch_between_calls) {
        EXPECT_FALSE(prove(k, request_like(k), {.patience = patience, .only = v.failed}).holds);
    }
}

INSTANTIATE_TEST_SUITE_P(All, BrokenKernels, testing::ValuesIn(broken),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace quern::dispatch
