#include "state/pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <random>
#include <set>
#include <string>

#include "base/error.h"
#include "base/hash.h"
#include "tensor/view.h"

namespace {
std::atomic<std::int64_t> allocations{0};
}

// Every allocation of this program is counted, so that a test can see that there is none. Not inlined, because GCC
// takes one half inlined for a mismatched pair.
[[gnu::noinline]] void* operator new(std::size_t n) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* p = std::malloc(n ? n : 1)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace quern {
namespace {

StateGroup per_token(std::int64_t width = 8) {
    return {.name = "kv",
            .kind = StateKind::per_token,
            .members = {{"k", DType::f32, width}, {"v", DType::f16, width + 3}}};
}
StateGroup ring(std::int64_t window) {
    return {.name = "swa",
            .kind = StateKind::ring,
            .window = window,
            .members = {{"k", DType::f32, 5}, {"v", DType::q8_0, 32}}};
}
StateGroup compressed(std::int64_t ratio) {
    return {.name = "ckv", .kind = StateKind::compressed, .ratio = ratio, .members = {{"c", DType::f32, 4}}};
}
StateGroup slot() {
    return {.name = "rec", .kind = StateKind::slot, .members = {{"h", DType::f32, 7}, {"conv", DType::f32, 3}}};
}

std::byte* row_at(const Pages& pages, int group, int member, int sequence, std::int64_t row) {
    PagedView v = pages.storage(group, member);
    v.tables = pages.table(group, sequence);
    EXPECT_GE(v.tables[row / v.rows_per_page], 0) << "group " << group << " row " << row << " is not held";
    return v.row(0, row);
}
std::size_t row_size(const Pages& pages, int group, int member) {
    return std::size_t(pages.storage(group, member).row_stride);
}

void write_row(const Pages& pages, int group, int sequence, std::int64_t row, std::uint64_t value) {
    for (int m = 0; m < int(pages.groups()[std::size_t(group)].members.size()); ++m) {
        std::uint64_t seed = value * 8 + std::uint64_t(m);
        std::byte* p = row_at(pages, group, m, sequence, row);
        for (std::size_t i = 0; i < row_size(pages, group, m); ++i) p[i] = std::byte(seed = splitmix64(seed));
    }
}
bool row_is(const Pages& pages, int group, int sequence, std::int64_t row, std::uint64_t value) {
    for (int m = 0; m < int(pages.groups()[std::size_t(group)].members.size()); ++m) {
        std::uint64_t seed = value * 8 + std::uint64_t(m);
        const std::byte* p = row_at(pages, group, m, sequence, row);
        for (std::size_t i = 0; i < row_size(pages, group, m); ++i)
            if (p[i] != std::byte(seed = splitmix64(seed))) return false;
    }
    return true;
}

std::set<std::int64_t> held(const Pages& pages, int group, int sequence) {
    std::set<std::int64_t> out;
    for (std::int64_t i = 0; i < pages.table_stride(group); ++i)
        if (pages.table(group, sequence)[i] >= 0) out.insert(i);
    return out;
}
std::set<std::int64_t> pages_of_rows(std::int64_t begin, std::int64_t end) {
    std::set<std::int64_t> out;
    for (std::int64_t r = std::max<std::int64_t>(0, begin); r < end; ++r) out.insert(r / page_rows);
    return out;
}

template <class F>
Code code_of(F&& f, std::string& text) {
    try {
        f();
    } catch (const Error& e) {
        text = e.what();
        return e.code;
    }
    ADD_FAILURE() << "no Error";
    return Code::cancelled;
}

// The oracle: what every row of a sequence holds, kept for ever and never shared.
struct Naive {
    std::int64_t length = 0;
    std::vector<std::map<std::int64_t, std::uint64_t>> rows;  // by group
};

void expect_same(const Pages& pages, int sequence, const Naive& naive) {
    ASSERT_EQ(pages.length(sequence), naive.length);
    for (int g = 0; g < int(pages.groups().size()); ++g) {
        const StateGroup& group = pages.groups()[std::size_t(g)];
        const std::int64_t end = group.rows_at(naive.length);
        const std::int64_t begin =
            group.kind == StateKind::ring ? std::max<std::int64_t>(0, naive.length - group.window + 1) : 0;
        for (std::int64_t r = begin; r < end; ++r)
            ASSERT_TRUE(row_is(pages, g, sequence, r, naive.rows[std::size_t(g)].at(r)))
                << "group " << group.name << " row " << r << " of " << naive.length << " tokens";
        if (group.kind == StateKind::slot) continue;
        // A half-full page that nobody sees may stay to be filled (window 1).
        const auto have = held(pages, g, sequence), need = pages_of_rows(begin, end);
        ASSERT_TRUE(have == need || (group.window == 1 && have == pages_of_rows(end - 1, end))) << group.name;
    }
}

// A step that writes all rows of n tokens and keeps m of them.
void step(Pages& pages, int sequence, Naive& naive, std::int64_t n, std::int64_t m, std::uint64_t& value) {
    for (int g = 0; g < int(pages.groups().size()); ++g) {
        const StateGroup& group = pages.groups()[std::size_t(g)];
        const bool is_slot = group.kind == StateKind::slot;
        for (std::int64_t r = is_slot ? 0 : group.rows_at(naive.length); r < group.rows_at(naive.length + n); ++r) {
            write_row(pages, g, sequence, r, ++value);
            naive.rows[std::size_t(g)][r] = value;
        }
    }
    pages.advance(sequence, m);
    naive.length += m;
}

bool naive_can_truncate(const Pages& pages, const Naive& naive, std::int64_t to) {
    if (to == 0 || to == naive.length) return true;
    for (int g = 0; g < int(pages.groups().size()); ++g) {
        const StateGroup& group = pages.groups()[std::size_t(g)];
        if (group.kind == StateKind::slot) return false;
        if (group.kind != StateKind::ring) continue;
        const auto kept = pages_of_rows(naive.length - group.window + 1, naive.length);
        for (const std::int64_t page : pages_of_rows(to - group.window + 1, to))
            if (!kept.contains(page)) return false;
    }
    return true;
}

void storm(const std::vector<StateGroup>& groups, const Capacity& capacity, unsigned seed) {
    Pages pages(groups, capacity);
    std::map<int, Naive> open;
    std::mt19937 random(seed);
    const auto below = [&](std::int64_t n) { return std::int64_t(random() % std::uint64_t(n)); };
    std::uint64_t value = 0;
    int refused = 0, truncated = 0, not_truncatable = 0, restored = 0;
    std::map<int, std::pair<Pages::Checkpoint, Naive>> checkpoints;
    bool has_slot = false;
    for (const StateGroup& g : groups) has_slot |= g.kind == StateKind::slot;
    for (int i = 0; i < 4000; ++i) {
        const std::int64_t what = below(20);
        if (open.empty() || (what == 0 && int(open.size()) < capacity.max_sequences)) {
            const int s = pages.open();
            ASSERT_FALSE(open.contains(s));
            open[s].rows.resize(groups.size());
            for (int g = 0; g < int(groups.size()); ++g) {
                if (groups[std::size_t(g)].kind != StateKind::slot) continue;
                for (std::size_t b = 0; b < row_size(pages, g, 0); ++b)
                    ASSERT_EQ(row_at(pages, g, 0, s, 0)[b], std::byte(0)) << "a slot is zero at first";
                write_row(pages, g, s, 0, ++value);
                open[s].rows[std::size_t(g)][0] = value;
            }
            continue;
        }
        auto it = open.begin();
        std::advance(it, below(std::int64_t(open.size())));
        const int s = it->first;
        Naive& naive = it->second;
        if (what == 1) {
            pages.close(s);
            open.erase(it);
            checkpoints.erase(s);
        } else if (what <= 4) {
            const std::int64_t back = what == 2 ? below(4) : below(naive.length + 1);
            const std::int64_t to = std::max<std::int64_t>(0, naive.length - back);
            ASSERT_EQ(pages.can_truncate(s, to), naive_can_truncate(pages, naive, to)) << naive.length << " to " << to;
            ASSERT_FALSE(pages.can_truncate(s, naive.length + 1));
            if (!pages.can_truncate(s, to)) {
                ++not_truncatable;
                continue;
            }
            pages.truncate(s, to);
            ++truncated;
            naive.length = to;
            for (int g = 0; g < int(groups.size()) && to == 0; ++g)
                if (groups[std::size_t(g)].kind == StateKind::slot) {
                    write_row(pages, g, s, 0, ++value);
                    naive.rows[std::size_t(g)][0] = value;
                }
            if (checkpoints.contains(s)) {
                const bool alive = checkpoints[s].second.length <= to;
                ASSERT_EQ(pages.can_restore(s, checkpoints[s].first), alive);
                if (!alive) checkpoints.erase(s);
            }
        } else if (what == 5) {
            checkpoints[s] = {pages.checkpoint(s), naive};
        } else if (what == 6 && checkpoints.contains(s)) {
            ASSERT_TRUE(pages.can_restore(s, checkpoints[s].first));
            try {
                pages.restore(s, checkpoints[s].first);
                naive = checkpoints[s].second;
                ++restored;
            } catch (const Error& e) {
                ASSERT_EQ(e.code, Code::no_memory);
            }
        } else {
            const std::int64_t n =
                std::min(1 + below(below(3) ? 4 : 130), capacity.max_tokens_per_sequence - naive.length);
            const std::int64_t most = pages.available(s);
            try {
                pages.reserve(s, n);
                ASSERT_LE(n, most);
            } catch (const Error& e) {
                ASSERT_EQ(e.code, Code::no_memory) << e.what();
                ASSERT_GT(n, most);
                ++refused;
                expect_same(pages, s, naive);  // all or nothing
                continue;
            }
            step(pages, s, naive, n, has_slot ? n : below(4) ? n : below(n + 1), value);
        }
        if (!open.contains(s)) continue;
        expect_same(pages, s, naive);
        if (i % 50 == 0)
            for (const auto& [other, its] : open) expect_same(pages, other, its);
        if (testing::Test::HasFatalFailure()) return;
    }
    EXPECT_GT(truncated, 20);
    EXPECT_GT(restored, 20);
    EXPECT_TRUE(!has_slot || not_truncatable > 20);
    EXPECT_TRUE(!capacity.total_tokens || refused > 20) << "the storm never ran out of pages";
    for (const auto& [s, naive] : open) pages.close(s);
    for (int g = 0; g < int(groups.size()); ++g) EXPECT_EQ(pages.free_pages(g), pages.total_pages(g));
}

// Catches pages shared by accident, released early, leaked, or found in the wrong place.
TEST(Pages, StormOfTruncatableGroups) {
    storm({per_token(), compressed(4), compressed(128)},
          {.max_sequences = 6, .max_tokens_per_sequence = 700, .max_step_rows = 130, .total_tokens = 700}, 1);
}
TEST(Pages, StormWithRings) {
    storm({per_token(), ring(1), ring(64), ring(100), compressed(3)},
          {.max_sequences = 5, .max_tokens_per_sequence = 900, .max_step_rows = 130, .total_tokens = 700}, 2);
}
TEST(Pages, StormWithEveryKind) {
    storm({slot(), per_token(), ring(63), compressed(4)},
          {.max_sequences = 5, .max_tokens_per_sequence = 900, .max_step_rows = 130, .total_tokens = 900}, 3);
}
TEST(Pages, StormWithRoomForAll) {
    storm({slot(), ring(65), per_token()},
          {.max_sequences = 4, .max_tokens_per_sequence = 500, .max_step_rows = 130, .total_tokens = {}}, 4);
}

// A page that goes one row too early is read by the next token; one that goes late is a ring that grows.
TEST(Pages, RingsLetGoExactlyWhatNoLaterTokenSees) {
    for (const std::int64_t window : {1, 63, 64, 65, 100})
        for (const std::int64_t rows : {1, 3, 64, 130}) {
            const Capacity capacity{
                .max_sequences = 1, .max_tokens_per_sequence = 2000, .max_step_rows = rows, .total_tokens = {}};
            Pages pages({ring(window)}, capacity);
            const int s = pages.open();
            std::int64_t most = 0;
            for (std::int64_t length = 0; length + rows <= 2000; length += rows) {
                pages.reserve(s, rows);  // must never run out: the plan was for this
                ASSERT_EQ(held(pages, 0, s), pages_of_rows(length - window + 1, length + rows));
                most = std::max(most, pages.total_pages(0) - pages.free_pages(0));
                pages.advance(s, rows);
                const std::int64_t now = length + rows;
                // With window 1 nobody sees the last page, but it stays while it can be filled.
                const std::int64_t first = window == 1 && now % page_rows ? now - 1 : now - window + 1;
                ASSERT_EQ(held(pages, 0, s), pages_of_rows(first, now))
                    << "window " << window << ", steps of " << rows << " at " << length;
            }
            EXPECT_LE(pages.total_pages(0), (window + rows) / page_rows + 2);
            EXPECT_GE(most, pages.total_pages(0) - 1) << "planned for more than it can use";
        }
}

// The plan must hold for every division of a step among sequences, else serving fails under load only.
TEST(Pages, NeverRunsOutWithinCapacity) {
    const Capacity capacity{
        .max_sequences = 7, .max_tokens_per_sequence = 400, .max_step_rows = 90, .total_tokens = 1300};
    Pages pages({per_token(), ring(70), compressed(4), compressed(3)}, capacity);
    std::mt19937 random(5);
    std::vector<int> open;
    for (int i = 0; i < 7; ++i) open.push_back(pages.open());
    for (int round = 0; round < 3000; ++round) {
        std::int64_t rows = 90, total = 0;
        for (const int s : open) total += pages.length(s);
        std::vector<std::pair<int, std::int64_t>> grants;
        for (const int s : open) {
            const std::int64_t most = std::min({rows, 1300 - total, 400 - pages.length(s)});
            const std::int64_t n = random() % 3 ? std::int64_t(random() % std::uint64_t(most + 1)) : most;
            ASSERT_NO_THROW(pages.reserve(s, n));
            grants.emplace_back(s, n);
            rows -= n;
            total += n;
        }
        for (const auto& [s, n] : grants) pages.advance(s, n);
        std::shuffle(open.begin(), open.end(), random);
        if (total == 1300 || random() % 8 == 0) {
            pages.close(open.back());
            open.back() = pages.open();
        }
    }
}

TEST(Pages, OutOfPagesIsAllOrNothing) {
    // Sequence a of `first` holds all but a few of the pages; kv runs out before the others.
    Pages pages({slot(), per_token(), compressed(2)},
                {.max_sequences = 2, .max_tokens_per_sequence = 1000, .max_step_rows = 1000, .total_tokens = 1000});
    const int a = pages.open(), b = pages.open();
    pages.reserve(a, 900);
    pages.advance(a, 900);
    const std::int64_t kv = pages.free_pages(1), ckv = pages.free_pages(2);
    std::string text;
    EXPECT_EQ(code_of([&] { pages.reserve(b, 500); }, text), Code::no_memory);
    EXPECT_NE(text.find("500 tokens"), std::string::npos) << text;
    EXPECT_NE(text.find("pages for " + std::to_string(pages.available(b))), std::string::npos) << text;
    EXPECT_EQ(pages.free_pages(1), kv);
    EXPECT_EQ(pages.free_pages(2), ckv);
    EXPECT_TRUE(held(pages, 1, b).empty());
    pages.reserve(b, pages.available(b));
    EXPECT_EQ(code_of([&] { pages.reserve(b, pages.available(b) + 1); }, text), Code::no_memory);
    pages.close(a);
    pages.reserve(b, 500);
    EXPECT_EQ(code_of([&] { pages.reserve(b, 1001); }, text), Code::bad_request);
    EXPECT_NE(text.find("the context is 1000 tokens"), std::string::npos) << text;
    EXPECT_EQ(held(pages, 1, b), pages_of_rows(0, 500));
    const int c = pages.open();
    EXPECT_EQ(code_of([&] { pages.open(); }, text), Code::no_memory);
    pages.close(c);
}

TEST(Pages, TenThousandSequencesLeaveThePoolWhole) {
    const std::vector<StateGroup> groups{slot(), per_token(), ring(100), compressed(4)};
    Pages pages(groups, {.max_sequences = 3, .max_tokens_per_sequence = 300, .max_step_rows = 200, .total_tokens = {}});
    std::mt19937 random(7);
    for (int i = 0; i < 10000; ++i) {
        const int s = pages.open(), t = pages.open();
        const std::int64_t n = 1 + std::int64_t(random() % 200);
        pages.reserve(s, n);
        pages.advance(s, n);
        pages.reserve(t, 64);
        ASSERT_NE(pages.table(1, s)[0], pages.table(1, t)[0]);
        pages.close(i % 2 ? s : t);  // t with its reservation not used
        pages.close(i % 2 ? t : s);
    }
    for (int g = 0; g < int(groups.size()); ++g) EXPECT_EQ(pages.free_pages(g), pages.total_pages(g));
    EXPECT_EQ(pages.open_sequences(), 0);
}

TEST(Pages, CheckpointBringsBackEqualBytes) {
    for (const std::int64_t length : {0, 1, 63, 64, 65, 128, 200, 333}) {
        const Capacity capacity{
            .max_sequences = 2, .max_tokens_per_sequence = 1000, .max_step_rows = 400, .total_tokens = {}};
        Pages pages({slot(), per_token(), ring(100), compressed(4)}, capacity);
        const int s = pages.open(), other = pages.open();
        std::uint64_t value = 0;
        Naive naive, ignored;
        naive.rows.resize(4);
        ignored.rows.resize(4);
        pages.reserve(s, length);
        step(pages, s, naive, length, length, value);
        const Pages::Checkpoint checkpoint = pages.checkpoint(s);
        EXPECT_EQ(checkpoint.length(), length);
        const std::int64_t first = std::max<std::int64_t>(0, length - 99) / page_rows * page_rows;
        EXPECT_EQ(checkpoint.bytes(), 40 + (length - first) * (20 + 34));
        EXPECT_FALSE(pages.can_restore(other, checkpoint));
        EXPECT_FALSE(pages.can_restore(s, {}));
        for (int round = 0; round < 3; ++round) {
            Naive later = naive;
            for (const std::int64_t n : {5, 300, 1}) {
                pages.reserve(s, n);
                step(pages, s, later, n, n, value);
                pages.reserve(other, 64);
                step(pages, other, ignored, 64, 64, value);
            }
            ASSERT_TRUE(pages.can_restore(s, checkpoint));
            pages.restore(s, checkpoint);
            expect_same(pages, s, naive);
            pages.reserve(s, 4);  // a step that failed after its kernels ran
            Naive failed = naive;
            step(pages, s, failed, 4, 0, value);
            pages.restore(s, checkpoint);
            expect_same(pages, s, naive);
            pages.truncate(other, 0);
            ignored.length = 0;
        }
        pages.close(s);
        EXPECT_FALSE(pages.can_restore(pages.open(), checkpoint)) << "the id is the same, the sequence is not";
    }
}

// Rows below the checkpoint would be other tokens' rows.
TEST(Pages, CuttingBelowACheckpointEndsIt) {
    const Capacity capacity{
        .max_sequences = 1, .max_tokens_per_sequence = 500, .max_step_rows = 400, .total_tokens = {}};
    Pages pages({per_token()}, capacity);
    const int s = pages.open();
    pages.reserve(s, 100);
    pages.advance(s, 100);
    const auto at_100 = pages.checkpoint(s);
    pages.reserve(s, 100);
    pages.advance(s, 100);
    const auto at_200 = pages.checkpoint(s);
    pages.truncate(s, 150);
    EXPECT_FALSE(pages.can_restore(s, at_200));
    EXPECT_TRUE(pages.can_restore(s, at_100));
    pages.reserve(s, 100);
    pages.advance(s, 100);
    EXPECT_FALSE(pages.can_restore(s, at_200));
    pages.restore(s, at_100);
    EXPECT_EQ(pages.length(s), 100);
}

TEST(Pages, SlotsAreZeroedWhenTheSequenceIsEmpty) {
    Pages pages({slot()}, {.max_sequences = 1, .max_tokens_per_sequence = 10, .max_step_rows = 4, .total_tokens = {}});
    const auto zero = [&](int s) {
        for (int m = 0; m < 2; ++m)
            for (std::size_t i = 0; i < row_size(pages, 0, m); ++i)
                if (row_at(pages, 0, m, s, 0)[i] != std::byte(0)) return false;
        return true;
    };
    int s = pages.open();
    EXPECT_TRUE(zero(s));
    write_row(pages, 0, s, 0, 1);  // a first step that failed
    pages.truncate(s, 0);
    EXPECT_TRUE(zero(s));
    write_row(pages, 0, s, 0, 1);
    EXPECT_FALSE(zero(s));
    pages.close(s);
    s = pages.open();
    EXPECT_TRUE(zero(s));
    pages.reserve(s, 3);
    pages.advance(s, 3);
    EXPECT_FALSE(pages.can_truncate(s, 2));
    EXPECT_TRUE(pages.can_truncate(s, 3));
    EXPECT_TRUE(pages.can_truncate(s, 0));
}

// CI's allocation hook looks at whole steps; this one names the culprit.
TEST(Pages, NothingIsAllocatedInSteadyState) {
    const Capacity capacity{
        .max_sequences = 4, .max_tokens_per_sequence = 400, .max_step_rows = 128, .total_tokens = {}};
    Pages pages({slot(), per_token(), ring(100), compressed(4)}, capacity);
    Pages::Checkpoint checkpoint;
    const auto work = [&] {
        const int s = pages.open(), t = pages.open();
        for (int i = 0; i < 100; ++i) {
            pages.reserve(s, 3);
            pages.reserve(t, 1);
            pages.advance(s, 3);
            pages.advance(t, 1);
        }
        (void)pages.table(1, s);
        pages.truncate(t, 0);
        pages.close(s);
        pages.close(t);
    };
    std::int64_t before = allocations.load();
    work();
    EXPECT_EQ(allocations.load(), before);
    const int s = pages.open();
    checkpoint = pages.checkpoint(s);
    EXPECT_GT(allocations.load(), before) << "the counter does not count";
    pages.reserve(s, 128);
    pages.advance(s, 128);
    before = allocations.load();
    pages.restore(s, checkpoint);
    EXPECT_EQ(allocations.load(), before);
}

TEST(Pages, LaysOutMembersAligned) {
    const std::vector<StateGroup> groups{per_token(), slot()};
    const Capacity capacity{
        .max_sequences = 2, .max_tokens_per_sequence = 100, .max_step_rows = 10, .total_tokens = {}};
    const Pages pages(groups, capacity);
    const PagedView k = pages.storage(0, 0), v = pages.storage(0, 1), conv = pages.storage(1, 1);
    EXPECT_EQ(k.row_stride, 32);
    EXPECT_EQ(v.row_stride, 22);
    EXPECT_EQ(v.base - k.base, 64 * 32);
    EXPECT_EQ(k.page_stride, 64 * 32 + 64 * 22);
    EXPECT_EQ(k.dtype, DType::f32);
    EXPECT_EQ(v.width, 11);
    EXPECT_EQ(k.table_stride, 2);
    EXPECT_EQ(conv.rows_per_page, 1);
    EXPECT_EQ(conv.base - pages.storage(1, 0).base, 64);
    EXPECT_EQ(conv.page_stride, 128);
    for (const PagedView& view : {k, v, conv})
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.base) % buffer_alignment, 0u);
    EXPECT_EQ(pages.bytes(), Pages::planned_bytes(groups, capacity));
    EXPECT_EQ(pages.bytes(), 4096 * 4 + 4096);  // 4 pages of 3456 bytes, 2 of 128
    EXPECT_EQ(pages.total_pages(0), 4);
}

TEST(Pages, SaysWhatIsWrongWithACapacity) {
    std::string text;
    const std::vector<StateGroup> groups{per_token()};
    const Capacity good{.max_sequences = 2, .max_tokens_per_sequence = 100, .max_step_rows = 10, .total_tokens = {}};
    const auto with = [&](auto&& change) {
        Capacity c = good;
        change(c);
        return code_of([&] { Pages::planned_bytes(groups, c); }, text);
    };
    EXPECT_EQ(with([](Capacity& c) { c.max_sequences = 0; }), Code::bad_request);
    EXPECT_EQ(with([](Capacity& c) { c.max_tokens_per_sequence = -1; }), Code::bad_request);
    EXPECT_EQ(with([](Capacity& c) { c.max_tokens_per_sequence = std::int64_t(1) << 31; }), Code::bad_request);
    EXPECT_EQ(with([](Capacity& c) { c.max_step_rows = 0; }), Code::bad_request);
    EXPECT_EQ(with([](Capacity& c) { c.total_tokens = 0; }), Code::bad_request);
    const auto group = [&](StateGroup g) { return code_of([&] { Pages::planned_bytes({g}, good); }, text); };
    EXPECT_EQ(group(ring(0)), Code::bad_file);
    EXPECT_EQ(group(compressed(0)), Code::bad_file);
    EXPECT_EQ(group(per_token(0)), Code::bad_file);
    EXPECT_EQ(group({.name = "q", .members = {{"k", DType::q8_0, 33}}}), Code::bad_file);
    EXPECT_NE(text.find("33 elements"), std::string::npos) << text;
    EXPECT_EQ(group(per_token(std::int64_t(1) << 60)), Code::bad_file);
    // Fits a size, not a machine: the system's refusal is an Error.
    EXPECT_EQ(code_of([&] { Pages({per_token(std::int64_t(1) << 46)}, good); }, text), Code::no_memory);
}

TEST(PagesDeathTest, MisuseIsCaught) {
    const Capacity capacity{
        .max_sequences = 2, .max_tokens_per_sequence = 100, .max_step_rows = 10, .total_tokens = {}};
    Pages pages({per_token(), ring(2)}, capacity);
    const int s = pages.open();
    EXPECT_DEATH(pages.advance(s, 1), "reserved");  // rows that no page was there for
    EXPECT_DEATH(pages.truncate(s, 1), "can_truncate");
    pages.close(s);
    EXPECT_DEATH(pages.close(s), "is_open");
    EXPECT_DEATH(pages.length(7), "is_open");
}

}  // namespace
}  // namespace quern
