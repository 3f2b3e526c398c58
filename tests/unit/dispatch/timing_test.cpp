// Times of kernels: what is made of samples, what the ledger keeps of them, what it refuses, and how they order
// candidates. Costs change the order within a class and nothing else.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/file.h"
#include "dispatch/ledger.h"
#include "kernels/cpu.h"

namespace quern::dispatch {
namespace {

Request request() {
    return {.node = "blk.0.attn_q",
            .op = Op::linear,
            .weights = {DType::q8_0},
            .k = 256,
            .rows = 8,
            .width = 64,
            .flops = 1e6,
            .bytes = 1e5};
}

struct Folder {
    Path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "quern-timing-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

TEST(Timing, IsMadeOfMedians) {
    const Timing t = timing_of({10, 11, 9, 10, 100});
    EXPECT_EQ(t.n, 5);
    EXPECT_EQ(t.median, 10);
    EXPECT_EQ(t.mad, 1);
    EXPECT_TRUE(t.stable());
    EXPECT_FALSE(timing_of({10, 20, 5, 15, 2}).stable());
    EXPECT_EQ(timing_of({}).n, 0);
}

TEST(Timing, IsKeptPerSizeAndUnstableOnesAreNotTrusted) {
    const Folder folder;
    const KernelSpec& k = *find_kernel("linear.f32x16.model");
    const Request r = request();
    Request wider = r;
    wider.width = 128;
    {
        Ledger ledger(folder.path / "ledger.db");
        ledger.keep(k, r, {.n = 9, .median = 50, .mad = 1, .p95 = 60});
        ledger.keep(k, wider, {.n = 9, .median = 50, .mad = 6, .p95 = 60});
    }
    Ledger again(folder.path / "ledger.db");
    ASSERT_TRUE(again.timing(k, r).has_value());
    EXPECT_EQ(again.timing(k, r)->median, 50);
    EXPECT_EQ(again.timing(k, r)->n, 9);
    EXPECT_FALSE(again.timing(k, wider).has_value()) << "more than a tenth off";
    Request more = r;
    more.threads = 2;
    EXPECT_FALSE(again.timing(k, more).has_value()) << "another number of threads";
}

TEST(Timing, RecordsThatMakeNoSenseAreAsGoodAsNone) {
    const KernelSpec& k = *find_kernel("linear.f32x16.model");
    for (const char* damage : {"n = 0", "n = 'many'", "median = -1.0", "median = 'fast'", "mad = -1.0", "mad = NULL",
                               "p95 = 1.0", "p95 = 9e99", "build = 'another'", "hardware = 'another'", "schema = 99"}) {
        const Folder folder;
        const Path file = folder.path / "ledger.db";
        Ledger(file).keep(k, request(), {.n = 9, .median = 50, .mad = 1, .p95 = 60});
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
        const std::string sql = std::string("UPDATE timings SET ") + damage;
        EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
        sqlite3_close(db);
        Ledger ledger(file);
        EXPECT_FALSE(ledger.timing(k, request()).has_value()) << damage;
        ledger.keep(k, request(), {.n = 9, .median = 40, .mad = 1, .p95 = 60});
        EXPECT_EQ(Ledger(file).timing(k, request())->median, 40) << "made anew after " << damage;
    }
}

TEST(Timing, OrdersTheClassWhereItIsKnownAndDeclaredSpeedElsewhere) {
    if (!covers(cpu_isa(), Isa::avx2_fma)) GTEST_SKIP() << "this processor has one kernel only";
    const KernelSpec &model = *find_kernel("linear.f32x16.model"), &avx2 = *find_kernel("linear.f32x16.avx2");
    const Policy policy{.isa = Isa::avx2_fma};
    Ledger ledger;
    EXPECT_EQ(choose(request(), policy, &ledger).kernel, &avx2);
    ledger.keep(model, request(), {.n = 9, .median = 10, .mad = 0, .p95 = 11});
    ledger.keep(avx2, request(), {.n = 9, .median = 20, .mad = 0, .p95 = 21});
    EXPECT_EQ(choose(request(), policy, &ledger).kernel, &model);
    ledger.keep(avx2, request(), {.n = 9, .median = 5, .mad = 0, .p95 = 21});
    EXPECT_EQ(choose(request(), policy, &ledger).kernel, &avx2);
    // The reference of another class would win by its times, and stays out.
    ledger.keep(*find_kernel("linear.reference"), request(), {.n = 9, .median = 1, .mad = 0, .p95 = 1});
    EXPECT_EQ(choose(request(), policy, &ledger).kernel, &avx2);
}

}  // namespace
}  // namespace quern::dispatch
