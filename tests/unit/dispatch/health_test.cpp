// The breaker: what opens it, what closes it, and that nothing else does.
#include "dispatch/health.h"

#include <gtest/gtest.h>

namespace quern::dispatch {
namespace {

using State = Health::State;
using namespace std::chrono_literals;
const Health::Time start{};

Health opened() {
    Health h;
    for (int i = 0; i < Health::faults_to_open; ++i) h.failed("a", start);
    return h;
}

TEST(Health, OpensAfterFaultsInARowOnly) {
    Health h;
    EXPECT_FALSE(h.failed("a", start));
    EXPECT_FALSE(h.failed("a", start));
    h.succeeded();
    EXPECT_TRUE(h.all_closed());
    EXPECT_FALSE(h.failed("a", start));
    EXPECT_FALSE(h.failed("b", start));
    EXPECT_FALSE(h.failed("a", start));
    EXPECT_EQ(h.state("a"), State::closed);
    EXPECT_TRUE(h.failed("a", start));
    EXPECT_EQ(h.state("a"), State::open);
    EXPECT_EQ(h.state("b"), State::closed);
}

TEST(Health, StaysOpenWhateverElseGoesWellUntilItsTime) {
    Health h = opened();
    h.succeeded();
    EXPECT_EQ(h.state("a"), State::open);
    EXPECT_FALSE(h.retry(start + Health::first_pause - 1s));
    EXPECT_TRUE(h.retry(start + Health::first_pause));
    EXPECT_EQ(h.state("a"), State::half_open);
    EXPECT_FALSE(h.retry(start + Health::first_pause)) << "one probe";
}

TEST(Health, AProbeThatGoesWellClosesIt) {
    Health h = opened();
    h.retry(start + Health::first_pause);
    h.succeeded();
    EXPECT_TRUE(h.all_closed());
    EXPECT_FALSE(h.failed("a", start)) << "counts anew";
}

TEST(Health, AProbeThatFailsOpensItForLonger) {
    Health h = opened();
    Health::Time now = start;
    std::chrono::seconds pause = Health::first_pause;
    for (int i = 0; i < 10; ++i) {
        EXPECT_FALSE(h.retry(now + pause - 1s));
        now += pause;
        EXPECT_TRUE(h.retry(now));
        EXPECT_TRUE(h.failed("a", now));
        pause = std::min(2 * pause, Health::longest_pause);
    }
    EXPECT_EQ(pause, Health::longest_pause);
}

}  // namespace
}  // namespace quern::dispatch
