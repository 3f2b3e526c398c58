// attend against its class's model and the double-sum reference: windows, ratios, grouped heads, odd head sizes, ragged
// batches, several sources, stale and released pages.
#include <gtest/gtest.h>

#include "dispatch/proof/attend_cases.h"

namespace quern::proof {
namespace {

std::vector<AttendCase> cases() {
    std::vector<AttendCase> all;
    for (const std::int64_t head_dim : {1, 7, 15, 16, 17, 40, 64, 80, 96, 100, 128, 256, 1030})
        all.push_back({.heads = 2, .kv_heads = 1, .head_dim = head_dim, .past = {63}, .gained = {3}});
    for (const auto& [heads, kv] : {std::pair{1, 1}, {4, 4}, {4, 1}, {6, 2}, {12, 4}, {7, 1}, {16, 2}})
        all.push_back({.heads = heads, .kv_heads = kv, .head_dim = 24, .past = {60}, .gained = {9}});
    for (const std::int64_t window : {0, 1, 5, 63, 64, 65, 1000})
        for (const std::int32_t past : {0, 1, 63, 64, 65, 200})
            all.push_back({.head_dim = 16, .past = {past}, .gained = {10}, .sources = {{window, 1}}});
    for (const DType dtype : {DType::f32, DType::f16, DType::bf16})
        for (const float softcap : {0.0f, 0.5f, 30.0f})
            all.push_back({.head_dim = 48, .past = {130}, .gained = {4}, .dtype = dtype, .softcap = softcap});
    for (const Data data : all_data)
        for (const float softcap : {0.0f, 3.0f})
            all.push_back({.head_dim = 20, .past = {70}, .gained = {3}, .softcap = softcap, .data = data});
    // Several sources: a window and compressed rows of the whole past, seen only once their last token has come.
    all.push_back({.head_dim = 32, .past = {0}, .gained = {150}, .sources = {{8, 1}, {0, 4}}});
    all.push_back({.head_dim = 32, .past = {301, 2}, .gained = {3, 9}, .sources = {{64, 1}, {0, 4}, {0, 1}}});
    all.push_back({.head_dim = 32, .past = {0, 1}, .gained = {3, 2}, .sources = {{0, 4}}});  // some rows see nothing
    // Ragged: prompts, decodes, sequences without rows.
    all.push_back({.past = {0, 64, 7, 200, 63}, .gained = {17, 1, 0, 1, 2}});
    all.push_back({.heads = 8, .kv_heads = 1, .past = {5, 64, 129}, .gained = {1, 1, 1}, .dtype = DType::f16});
    all.push_back({.heads = 32, .kv_heads = 4, .head_dim = 16, .past = {100}, .gained = {70}, .sources = {{33, 1}}});
    return all;
}

const KernelSpec& model() { return *find_kernel("attend.tile64.model"); }

TEST(Attend, EveryKernelOfTheClassHasTheModelsBits) {
    for (const KernelSpec* k : kernels_of(Op::attend, Numerics::f32x16))
        for (const AttendCase& c : cases()) EXPECT_EQ(check_attend(*k, model(), c), "");
}

TEST(Attend, TheClassIsCloseToDoubleSums) {
    for (const AttendCase& c : cases()) {
        if (c.data == Data::not_numbers || c.data == Data::one_huge) continue;
        AttendWorld w(c);
        const Attended got = attend_with(model(), w, c);
        const Attended want = attend_with(*find_kernel("attend.reference"), w, c);
        ASSERT_EQ(want.trouble, "") << c.text();
        const std::vector<double> bound(got.y.size(), 1e-5 * 5);  // the largest |v| of these is about 5
        EXPECT_EQ(beyond(got.y, {want.y.begin(), want.y.end()}, bound), "") << c.text();
        for (std::size_t i = 0; i < got.lse.size(); ++i) {
            if (got.lse[i] == want.lse[i]) continue;  // both -infinity, for one
            EXPECT_NEAR(got.lse[i], want.lse[i], 1e-5 * (1 + std::abs(want.lse[i]))) << c.text();
        }
    }
}

}  // namespace
}  // namespace quern::proof
