// The tests of the tests: comparators on what fools careless ones, and checks on kernels that are broken on purpose.
// Each broken kernel is the model of its op with one fault; none is registered in the product.
#include "dispatch/proof/support.h"

#include <gtest/gtest.h>

#include "dispatch/proof/attend_cases.h"
#include "dispatch/proof/linear_cases.h"
#include "dispatch/proof/moe_cases.h"

namespace quern::proof {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST(Comparators, BoundsAreNotFooled) {
    EXPECT_EQ(beyond({1, 2}, {1, 2}, {0, 0}), "");
    EXPECT_NE(beyond({nan}, {1}, {1e30}), "");
    EXPECT_NE(beyond({1}, {double(nan)}, {1e30}), "");
    EXPECT_NE(beyond({infinity}, {1}, {1e30}), "");
    EXPECT_NE(beyond({-1}, {-2}, {0.5}), "");
    EXPECT_NE(beyond({1}, {1}, {double(nan)}), "");
    EXPECT_NE(beyond({1}, {1, 2}, {0, 0}), "");
}

TEST(Comparators, BitsAreBits) {
    EXPECT_EQ(differ({1, nan, -0.0f}, {1, nan, -0.0f}), "");
    EXPECT_NE(differ({0.0f}, {-0.0f}), "");
    EXPECT_NE(differ({1.0f}, {std::nextafter(1.0f, 2.0f)}), "");
    EXPECT_NE(differ({nan}, {1}), "");
    EXPECT_NE(differ({1}, {nan}), "");
    EXPECT_NE(differ({1}, {1, 1}), "");
}

TEST(Comparators, OutputsNoticeWhatWasAndWasNotWritten) {
    Output y(2, 3, 1);
    EXPECT_TRUE(y.untouched());
    for (std::int64_t r = 0; r < 2; ++r)
        for (int i = 0; i < 3; ++i) y.view().row(r)[i] = nan;  // arithmetic's NaN is not poison
    EXPECT_FALSE(y.overrun() || y.incomplete() || y.untouched());
    y.view().row(0)[3] = 0;  // the gap between rows
    EXPECT_TRUE(y.overrun());
    Output behind(1, 3, 0);
    behind.view().row(0)[3] = 0;
    EXPECT_TRUE(behind.overrun());
}

// ---- broken kernels of linear ----

const KernelSpec& model(const char* id) { return *find_kernel(id); }
const LinearArgs& linear(const void* args) { return *static_cast<const LinearArgs*>(args); }

Status linear_nan(const void* args, const Work& work) noexcept {
    const Status s = model("linear.f32x16.model").run(args, work);
    if (work.begin == 0 && linear(args).y.rows() > 1) linear(args).y.row(1)[0] = nan;
    return s;
}
Status linear_overrun(const void* args, const Work& work) noexcept {
    const Status s = model("linear.f32x16.model").run(args, work);
    const View& y = linear(args).y;
    y.row(y.rows() - 1)[y.last()] = 0;
    return s;
}
Status linear_skips_last_row(const void* args, const Work& work) noexcept {
    LinearArgs a = linear(args);
    if (a.x.rows() > 8) --a.x.dim[0];
    return model("linear.f32x16.model").run(&a, work);
}
// Right to all but the last bit, and only when rows come together.
Status linear_depends_on_batch(const void* args, const Work& work) noexcept {
    const Status s = model("linear.f32x16.model").run(args, work);
    const View& y = linear(args).y;
    if (work.begin == 0 && y.rows() >= 3) y.row(2)[0] = std::nextafter(y.row(2)[0], infinity);
    return s;
}
// Depends on how the work was cut.
Status linear_depends_on_cut(const void* args, const Work& work) noexcept {
    const Status s = model("linear.f32x16.model").run(args, work);
    const View& y = linear(args).y;
    const std::int64_t n = work.begin * 16;
    if (work.begin > 0 && n < y.last()) y.row(0)[n] = std::nextafter(y.row(0)[n], infinity);
    return s;
}
// Adds in another order: within any bound, but of another class.
Status linear_in_order(const void* args, const Work& work) noexcept {
    const LinearArgs& a = linear(args);
    for (std::int64_t n = work.begin * 16; n < std::min(work.end * 16, a.y.last()); ++n)
        for (std::int64_t t = 0; t < a.x.rows(); ++t) {
            float sum = 0;
            for (std::int64_t i = 0; i < a.x.last(); ++i) sum = std::fma(a.x.row(t)[i], a.weight.row(n)[i], sum);
            a.y.row(t)[n] = sum;
        }
    return Status::ok;
}
// Takes the last element of k for a whole vector of them and reads on.
Status linear_reads_on(const void* args, const Work& work) noexcept {
    const Status s = model("linear.f32x16.model").run(args, work);
    const LinearArgs& a = linear(args);
    if (work.begin == 0) a.y.row(0)[0] += 0 * a.x.row(0)[a.x.last()];
    return s;
}

KernelSpec broken(const char* id, quern::Run fault) {
    KernelSpec k = model(id);
    k.id = "broken";
    k.run = fault;
    return k;
}

TEST(BrokenKernels, OfLinearAreCaught) {
    const LinearCase c{9, 33, 1050, DType::f32, Data::normal, false};
    const KernelSpec& good = model("linear.f32x16.model");
    ASSERT_EQ(check_linear(good, good, c), "");
    for (const quern::Run fault : {linear_nan, linear_overrun, linear_skips_last_row, linear_depends_on_batch,
                                   linear_depends_on_cut, linear_in_order, linear_reads_on})
        EXPECT_NE(check_linear(broken("linear.f32x16.model", fault), good, c), "");
    EXPECT_EQ(check_bound(broken("linear.f32x16.model", linear_in_order), c), "");
    EXPECT_NE(check_bound(broken("linear.f32x16.model", linear_nan), c), "");
    EXPECT_NE(check_bound(broken("linear.f32x16.model", linear_skips_last_row), c), "");
}

// A kernel that is wrong in the same way whatever the batch is caught by the model alone, and the other way round.
TEST(BrokenKernels, OfLinearAreCaughtByRowsAloneWithoutAModel) {
    const LinearCase c{9, 33, 20, DType::f32, Data::normal, false};
    for (const quern::Run fault : {linear_depends_on_batch, linear_depends_on_cut}) {
        const KernelSpec k = broken("linear.f32x16.model", fault);
        EXPECT_NE(check_linear(k, k, c), "");
    }
}

// Writes one byte more than the workspace it asked for.
Status linear_overruns_workspace(const void* args, const Work& work) noexcept {
    const KernelSpec& good = model("linear.f32x16.model");
    work.workspace[good.workspace(args)] = std::byte{0};
    return good.run(args, work);
}

TEST(BrokenKernels, ThatOverrunTheirWorkspaceAreCaught) {
    LinearWorld w({2, 3, 5, DType::f32, Data::normal, false});
    EXPECT_EQ(linear_with(broken("linear.f32x16.model", linear_overruns_workspace), w).trouble,
              "wrote past the workspace it asked for");
}

// ---- broken kernels of attend ----

const AttendArgs& attend(const void* args) { return *static_cast<const AttendArgs*>(args); }
Status attend_changed(AttendArgs a, const Work& work) { return model("attend.tile64.model").run(&a, work); }

Status attend_forgets_window(const void* args, const Work& work) noexcept {
    AttendArgs a = attend(args);
    if (a.source[0].window > 0) ++a.source[0].window;
    return attend_changed(a, work);
}
Status attend_forgets_softcap(const void* args, const Work& work) noexcept {
    AttendArgs a = attend(args);
    a.softcap = 0;
    return attend_changed(a, work);
}
Status attend_forgets_last_source(const void* args, const Work& work) noexcept {
    AttendArgs a = attend(args);
    if (a.sources > 1) --a.sources;
    return attend_changed(a, work);
}
// Takes every row of a batch for one of the first sequence.
Status attend_mixes_sequences(const void* args, const Work& work) noexcept {
    AttendArgs a = attend(args);
    for (AttendSource& s : a.source) s.k.table_stride = 0;
    return attend_changed(a, work);
}
// Rounds differently when a step has several rows.
Status attend_depends_on_batch(const void* args, const Work& work) noexcept {
    AttendArgs a = attend(args);
    const Status s = attend_changed(a, work);
    if (work.begin == 0 && a.y.rows() > 1) a.y.row(1, 0)[0] = std::nextafter(a.y.row(1, 0)[0], infinity);
    return s;
}
Status attend_drops_lse(const void* args, const Work& work) noexcept {
    AttendArgs a = attend(args);
    a.lse = {};
    return attend_changed(a, work);
}
// Looks one row into the future, which in a prompt exists and in the last row is stale.
Status attend_sees_the_future(const void* args, const Work& work) noexcept {
    AttendArgs a = attend(args);
    std::vector<std::int32_t> past(a.ragged.past, a.ragged.past + a.ragged.sequences);
    for (std::int32_t& p : past) ++p;
    a.ragged.past = past.data();
    return attend_changed(a, work);
}

TEST(BrokenKernels, OfAttendAreCaught) {
    const AttendCase c{.head_dim = 16, .past = {60, 3}, .gained = {6, 2}, .sources = {{7, 1}, {0, 4}}, .softcap = 2};
    const KernelSpec& good = model("attend.tile64.model");
    ASSERT_EQ(check_attend(good, good, c), "");
    for (const quern::Run fault :
         {attend_forgets_window, attend_forgets_softcap, attend_forgets_last_source, attend_mixes_sequences,
          attend_depends_on_batch, attend_drops_lse, attend_sees_the_future})
        EXPECT_NE(check_attend(broken("attend.tile64.model", fault), good, c), "");
}

// ---- broken kernels of experts ----

const MoeInnerArgs& inner(const void* args) { return *static_cast<const MoeInnerArgs*>(args); }

Status inner_swaps_gate_and_up(const void* args, const Work& work) noexcept {
    MoeInnerArgs a = inner(args);
    std::swap(a.gate, a.up);
    return model("moe_inner.f32x16.model").run(&a, work);
}
Status inner_takes_slots_for_rows(const void* args, const Work& work) noexcept {
    MoeInnerArgs a = inner(args);
    ++a.top_k;
    return model("moe_inner.f32x16.model").run(&a, work);
}
Status inner_skips_last_expert(const void* args, const Work& work) noexcept {
    const MoeInnerArgs& a = inner(args);
    const std::int64_t blocks = (a.gate.rows + 15) / 16;
    return model("moe_inner.f32x16.model")
        .run(args, {work.begin, std::min(work.end, (a.gate.experts - 1) * blocks), 0, work.workspace});
}
TEST(BrokenKernels, OfExpertsAreCaught) {
    const MoeCase c{.rows = 9, .spread = Spread::one_expert};
    const KernelSpec& good = model("moe_inner.f32x16.model");
    ASSERT_EQ(check_moe(good, good, c), "");
    for (const quern::Run fault : {inner_swaps_gate_and_up, inner_takes_slots_for_rows, inner_skips_last_expert})
        EXPECT_NE(check_moe(broken("moe_inner.f32x16.model", fault), good, c), "");
}

}  // namespace
}  // namespace quern::proof
