// The kernels that write and read paged state: store, compress, recur, and a prompt cut into steps.
#include "ops/attend.h"

#include <gtest/gtest.h>
#include "dispatch/proof/support.h"
#include "ops/recurrent.h"

namespace quern::proof {
namespace {

const KernelSpec& kernel(const char* id) { return *find_kernel(id); }

TEST(Store, PutsEachRowWhereItsTokenBelongs) {
    const std::int64_t width = 64;
    for (const DType dtype : formats(kernel("store.reference").state)) {
        Step step({62, 0, 130, 5}, {5, 70, 0, 1});
        Paged got(dtype, width, 1, 4, 200), want(dtype, width, 1, 4, 200);
        Floats rows = normal(step.rows() * width, 1);
        const StoreArgs a{view_of(rows, {step.rows(), 4, 16}), got.view(), step.ragged()};
        ASSERT_EQ(run(kernel("store.reference"), &a, 7), Status::ok);
        for (std::int64_t t = 0; t < step.rows(); ++t)
            want.put(step.sequence[std::size_t(t)], step.ragged().index(t), rows.data() + t * width);
        EXPECT_EQ(got.memory(), want.memory()) << info(dtype).name;  // and nothing else was written
    }
}

TEST(Store, ReadsHeadsThatDoNotLieSideBySide) {
    Step step({0}, {3});
    Paged got(DType::f16, 12, 1, 1, 10), want(DType::f16, 12, 1, 1, 10);
    Floats wide = normal(3 * 20, 1);  // heads of 4 in rows of 20, every 5th element unused
    View rows = view_of(wide, {3, 3, 4});
    rows.stride = {80, 20};
    const StoreArgs a{rows, got.view(), step.ragged()};
    ASSERT_EQ(run(kernel("store.reference"), &a), Status::ok);
    for (std::int64_t t = 0; t < 3; ++t) {
        Floats row;
        for (std::int64_t h = 0; h < 3; ++h)
            row.insert(row.end(), wide.begin() + t * 20 + h * 5, wide.begin() + t * 20 + h * 5 + 4);
        want.put(0, t, row.data());
    }
    EXPECT_EQ(got.memory(), want.memory());
}

TEST(Store, CompressedRowsGoWhereTheirGroupBelongs) {
    const std::int64_t width = 8;
    Step step({3, 0, 6, 7}, {1, 3, 10, 1});  // 1, 0, 3 and 1 rows of four tokens
    Paged got(DType::f32, width, 4, 4, 20), want(DType::f32, width, 4, 4, 20);
    Floats rows = normal(5 * width, 1);
    const StoreArgs a{view_of(rows, {5, width}), got.view(), step.ragged()};
    ASSERT_EQ(run(kernel("store.reference"), &a, 5), Status::ok);
    const std::pair<int, int> place[] = {{0, 0}, {2, 1}, {2, 2}, {2, 3}, {3, 1}};
    for (int r = 0; r < 5; ++r) want.put(place[r].first, place[r].second, rows.data() + r * width);
    EXPECT_EQ(got.memory(), want.memory());
}

TEST(Compress, IsTheMeanOfEachGroup) {
    const std::int64_t width = 10;
    Step step({62, 1, 9}, {3, 2, 4});  // groups of four: 1 row (across a page), 0 rows, 1 row
    Paged state(DType::f32, width, 1, 3, 70);
    Floats tokens = normal(3 * 70 * width, 1);
    const std::int64_t lengths[] = {65, 3, 13};
    for (std::int32_t s = 0; s < 3; ++s)
        for (std::int64_t r = 0; r < lengths[s]; ++r) state.put(s, r, tokens.data() + (s * 70 + r) * width);
    Output y(2, width);
    const CompressArgs a{state.view(), y.view(), 4, step.ragged()};
    ASSERT_EQ(run(kernel("compress.reference"), &a, 2), Status::ok);
    EXPECT_FALSE(y.overrun());
    const std::pair<int, int> group[] = {{0, 60}, {2, 8}};
    for (int r = 0; r < 2; ++r)
        for (std::int64_t i = 0; i < width; ++i) {
            double mean = 0;
            for (int j = 0; j < 4; ++j)
                mean += double(tokens[std::size_t((group[r].first * 70 + group[r].second + j) * width + i)]) / 4;
            EXPECT_NEAR(y.values()[std::size_t(r * width + i)], mean, 1e-6);
        }
}

// Runs a sequence of `tokens` rows in steps of `chunk`, with a second sequence beside it.
Floats recur_in_steps(std::int32_t tokens, std::int32_t chunk, std::int64_t parts) {
    const std::int64_t width = 130;
    Floats x = normal(tokens * width, 1), gate = normal(tokens * width, 2), other = normal(2 * width, 3);
    Paged state(DType::f32, width, 1, 2, 1, 1);
    Floats out;
    for (std::int32_t done = 0; done < tokens; done += chunk) {
        const std::int32_t n = std::min(chunk, tokens - done);
        Step step({done * 2 / chunk, done}, {2, n});
        Floats xs = other, gates = other;
        xs.insert(xs.end(), x.begin() + done * width, x.begin() + (done + n) * width);
        gates.insert(gates.end(), gate.begin() + done * width, gate.begin() + (done + n) * width);
        Output y(n + 2, width);
        const RecurArgs a{view_of(xs, {n + 2, width}), view_of(gates, {n + 2, width}), y.view(), state.view(),
                          step.ragged()};
        EXPECT_EQ(run(kernel("recur.reference"), &a, parts), Status::ok);
        EXPECT_FALSE(y.overrun() || y.incomplete());
        const Floats got = y.values();
        out.insert(out.end(), got.begin() + 2 * width, got.end());
    }
    return out;
}

TEST(Recur, FollowsTheRecurrenceFromZeroWhateverTheSlotHeld) {
    const Floats got = recur_in_steps(5, 5, 1), x = normal(5 * 130, 1), gate = normal(5 * 130, 2);
    for (std::size_t i = 0; i < 130; ++i) {
        double h = 0;
        for (std::size_t t = 0; t < 5; ++t) {
            const double keep = 1 / (1 + std::exp(-double(gate[t * 130 + i])));
            h = keep * h + (1 - keep) * double(x[t * 130 + i]);
            EXPECT_NEAR(got[t * 130 + i], h, 1e-6);
        }
    }
}

TEST(Recur, DoesNotDependOnHowAPromptIsCut) {
    const Floats whole = recur_in_steps(65, 65, 1);
    for (const std::int32_t chunk : {1, 3, 7, 64}) EXPECT_EQ(differ(recur_in_steps(65, chunk, 5), whole), "") << chunk;
}

// A prompt of 150 tokens through store and attend in steps of `chunk`, over a window and rows of four tokens' means.
// Gives all y, then all lse.
Floats attend_in_steps(const KernelSpec& attend, std::int32_t chunk, DType dtype) {
    const std::int64_t heads = 4, kv_heads = 2, head_dim = 24, width = kv_heads * head_dim;
    const std::int32_t tokens = 150;
    Floats q = normal(tokens * heads * head_dim, 1), k = normal(tokens * width, 2), v = normal(tokens * width, 3);
    Paged keys(dtype, width, 1, 1, tokens), values(dtype, width, 1, 1, tokens);
    Paged mean_keys(dtype, width, 4, 1, tokens), mean_values(dtype, width, 4, 1, tokens);
    Floats out, sums;
    for (std::int32_t done = 0; done < tokens; done += chunk) {
        const std::int32_t n = std::min(chunk, tokens - done);
        const Step step({done}, {n});
        for (const auto& [rows, state, means] : {std::tuple{&k, &keys, &mean_keys}, {&v, &values, &mean_values}}) {
            StoreArgs put{dense_view(rows->data() + done * width, DType::f32, {n, width}), state->view(),
                          step.ragged()};
            EXPECT_EQ(run(kernel("store.reference"), &put), Status::ok);
            Output mean(step.ragged().emitted(0, 4), width, 0);
            const CompressArgs fold{state->view(), mean.view(), 4, step.ragged()};
            EXPECT_EQ(run(kernel("compress.reference"), &fold), Status::ok);
            put = {mean.view(), means->view(), step.ragged()};
            EXPECT_EQ(run(kernel("store.reference"), &put), Status::ok);
        }
        Output y(n, heads * head_dim), lse(n, heads);
        AttendArgs a{};
        a.q = dense_view(q.data() + done * heads * head_dim, DType::f32, {n, heads, head_dim});
        a.y = y.view(heads);
        a.lse = lse.view();
        a.source = {AttendSource{keys.view(), values.view(), 33}, {mean_keys.view(), mean_values.view(), 0}};
        a.sources = 2;
        a.kv_heads = kv_heads;
        a.scale = 0.2f;
        a.ragged = step.ragged();
        EXPECT_EQ(run(attend, &a), Status::ok);
        const Floats rows = y.values(), row_sums = lse.values();
        out.insert(out.end(), rows.begin(), rows.end());
        sums.insert(sums.end(), row_sums.begin(), row_sums.end());
    }
    out.insert(out.end(), sums.begin(), sums.end());
    return out;
}

TEST(Attend, APromptHasTheSameBitsHoweverItIsCut) {
    for (const KernelSpec* k : kernels_of(Op::attend, Numerics::f32x16))
        for (const DType dtype : {DType::f32, DType::bf16}) {
            const Floats whole = attend_in_steps(*k, 150, dtype);
            for (const std::int32_t chunk : {1, 3, 7, 64})
                EXPECT_EQ(differ(attend_in_steps(*k, chunk, dtype), whole), "") << k->id << chunk;
        }
}

}  // namespace
}  // namespace quern::proof
