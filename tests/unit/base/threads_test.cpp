#include "base/threads.h"

#include <gtest/gtest.h>

#include <vector>

namespace quern {
namespace {

struct Counts {
    std::vector<std::atomic<int>> seen;
    explicit Counts(std::size_t n) : seen(n) {}
};

void count(void* context, std::int64_t begin, std::int64_t end, int) noexcept {
    auto& seen = static_cast<Counts*>(context)->seen;
    for (std::int64_t i = begin; i < end; ++i) seen[std::size_t(i)].fetch_add(1);
}

// Would catch: an item skipped or done twice, a worker that misses a job posted while it parks.
TEST(ThreadPool, DoesEveryItemOnceForManyJobsAndSizes) {
    for (const int threads : {1, 2, 3, 8}) {
        ThreadPool pool(threads);
        EXPECT_EQ(pool.size(), threads);
        for (int job = 0; job < 300; ++job) {
            const std::int64_t n = job % 37;
            Counts counts(std::size_t(n) + 1);
            pool.run(n, 1 + job % 5, count, &counts);
            for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(counts.seen[std::size_t(i)], 1) << threads << " " << job;
            ASSERT_EQ(counts.seen[std::size_t(n)], 0);
        }
    }
}

TEST(ThreadPool, ZeroMeansTheProcessorsOfThisProcess) { EXPECT_GE(ThreadPool(0).size(), 1); }

}  // namespace
}  // namespace quern
