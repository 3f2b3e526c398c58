// Proofs and what is kept of them: a disproved kernel is passed over; verdicts are found
// again; a file that is no ledger costs nothing but the keeping.
#include "dispatch/ledger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "base/error.h"
#include "dispatch/failure.h"
#include "kernels/cpu.h"
#include "ops/linear.h"

namespace quern::dispatch {
namespace {

const KernelSpec& kernel(std::string_view id) {
    for (const Registered* r = registered(); r; r = r->next)
        if (r->spec.id == id) return r->spec;
    std::abort();
}
KernelSpec broken(std::string_view id, quern::Run run) {
    KernelSpec k = kernel(id);
    k.id = "broken";
    k.run = run;
    return k;
}
Request linear_request() { return {"blk.0.attn_q", Op::linear, {DType::q4_k}, {}, 1024, 0}; }

struct Folder {
    Path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "quern-ledger-XXXXXX").string();
        path = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

const LinearArgs& linear(const void* args) { return *static_cast<const LinearArgs*>(args); }
Status model_run(std::string_view id, const void* args, const Work& work) { return kernel(id).run(args, work); }

Status gives_nan(const void* args, const Work& work) noexcept {
    const Status s = model_run("linear.f32x16.model", args, work);
    if (work.begin == 0) linear(args).y.row(0)[0] = std::numeric_limits<float>::quiet_NaN();
    return s;
}
TEST(Prove, EveryKernelOfThisBuildHoldsHere) {
    for (const Registered* r = registered(); r; r = r->next) {
        if (!covers(cpu_isa(), r->spec.needs) || r->spec.numerics != node_class(r->spec.op)) continue;
        Request request{"node", r->spec.op, {}, {}, 0, 0};
        if (r->spec.op == Op::embed) request.weights = {DType::f16};
        if (r->spec.op == Op::linear || r->spec.op == Op::linear_q8) request = linear_request();
        request.op = r->spec.op;
        if (r->spec.op == Op::moe_inner || r->spec.op == Op::moe_down)
            request = {"node", r->spec.op, {DType::q8_0}, {}, 256, 0};
        if (r->spec.op == Op::attend) request = {"node", Op::attend, {}, {DType::f16, DType::f16}, 0, 64};
        const Verdict v = prove(r->spec, request);
        EXPECT_TRUE(v.holds) << v.trouble;
    }
}

TEST(Ledger, AVerdictIsMadeOnceAndFoundAgain) {
    if (!covers(cpu_isa(), Isa::avx2_fma)) GTEST_SKIP() << "this processor has nothing to prove";
    const Folder folder;
    const KernelSpec bad = broken("linear.f32x16.avx2", gives_nan);
    {
        Ledger ledger(folder.path / "sub" / "ledger.db");
        EXPECT_EQ(ledger.trouble(), "");
        EXPECT_TRUE(ledger.verdict(kernel("linear.f32x16.avx2"), linear_request()).holds);
        EXPECT_FALSE(ledger.verdict(bad, linear_request()).holds);
        ledger.verdict(bad, linear_request());
        EXPECT_EQ(ledger.proved(), 2);
    }
    Ledger again(folder.path / "sub" / "ledger.db");
    EXPECT_TRUE(again.verdict(kernel("linear.f32x16.avx2"), linear_request()).holds);
    const Verdict v = again.verdict(bad, linear_request());
    EXPECT_FALSE(v.holds);
    EXPECT_NE(v.trouble, "");
    EXPECT_EQ(again.proved(), 0);
    Request other = linear_request();
    other.k = 512;
    EXPECT_FALSE(again.known(kernel("linear.f32x16.avx2"), other).has_value()) << "another shape class";
    KernelSpec newer = kernel("linear.f32x16.avx2");
    ++newer.version;
    EXPECT_FALSE(again.known(newer, linear_request()).has_value()) << "another version";
}

TEST(Ledger, AFailedProofLeavesAFileThatRunsTheCaseAgain) {
    const Folder folder;
    Ledger ledger(folder.path / "ledger.db");
    KernelSpec bad = broken("linear.f32x16.model", gives_nan);
    bad.home = Home::x86;
    const Verdict v = ledger.verdict(bad, linear_request());
    ASSERT_FALSE(v.holds);
    const Failure f = read_failure(failure_file(ledger.failures(), bad, linear_request()));
    EXPECT_EQ(f.kernel, "broken");
    EXPECT_EQ(f.trouble, v.trouble);
    EXPECT_EQ(f.build, build_id());
    EXPECT_EQ(shape_class(f.request), shape_class(linear_request()));
    EXPECT_EQ(replay(f, bad).trouble, v.trouble);
    KernelSpec good = kernel("linear.f32x16.model");
    good.home = Home::x86;
    EXPECT_TRUE(replay(f, good).holds);
    Failure other = f;
    other.case_text = "what another build had";
    EXPECT_THROW(replay(other, bad), Error);
}

// A verdict that two ledgers in turn know of the same file: the second has it from disk.
bool keeps_verdicts(const Path& file) {
    if (!covers(cpu_isa(), Isa::avx2_fma)) return true;
    Ledger(file).verdict(kernel("linear.f32x16.avx2"), linear_request());
    return Ledger(file).known(kernel("linear.f32x16.avx2"), linear_request()).has_value();
}

TEST(Ledger, ADamagedFileIsSetAsideAndBegunAnew) {
    const Folder folder;
    const Path file = folder.path / "ledger.db", aside = folder.path / "ledger.db.damaged";
    std::ofstream(file) << std::string(5000, 'x');
    {
        Ledger ledger(file);
        EXPECT_EQ(ledger.trouble(), "");
        EXPECT_NE(ledger.notice().find("is begun anew; the old one is " + aside.string()), std::string::npos);
    }
    EXPECT_EQ(std::filesystem::file_size(aside), 5000u);
    EXPECT_EQ(Ledger(file).notice(), "");
    EXPECT_TRUE(keeps_verdicts(file));
}

// A database whose pages are damaged opens, and is found out when it is read.
TEST(Ledger, DamageThatIsFoundLaterIsTreatedTheSame) {
    if (!covers(cpu_isa(), Isa::avx2_fma)) GTEST_SKIP() << "this processor has nothing to prove";
    const Folder folder;
    const Path file = folder.path / "ledger.db";
    EXPECT_TRUE(keeps_verdicts(file));
    const auto bytes = std::filesystem::file_size(file);
    ASSERT_GT(bytes, 8192u);
    std::fstream(file, std::ios::in | std::ios::out).seekp(4096) << std::string(bytes - 4096, 'x');
    Ledger ledger(file);
    EXPECT_TRUE(ledger.verdict(kernel("linear.f32x16.avx2"), linear_request()).holds);
    EXPECT_EQ(ledger.trouble(), "");
    EXPECT_NE(ledger.notice(), "");
    EXPECT_TRUE(keeps_verdicts(file));
}

// Two that have the damaged file open: the second to find out takes the file that the first has begun.
TEST(Ledger, OneOfTwoSetsADamagedFileAside) {
    if (!covers(cpu_isa(), Isa::avx2_fma)) GTEST_SKIP() << "this processor has nothing to prove";
    const Folder folder;
    const Path file = folder.path / "ledger.db";
    EXPECT_TRUE(keeps_verdicts(file));
    const auto bytes = std::filesystem::file_size(file);
    std::fstream(file, std::ios::in | std::ios::out).seekp(4096) << std::string(bytes - 4096, 'x');
    Ledger first(file), second(file);
    first.verdict(kernel("linear.f32x16.avx2"), linear_request());
    first.verdict(kernel("linear.f32x16.model"), linear_request());
    EXPECT_NE(first.notice(), "");
    second.verdict(kernel("linear.f32x16.avx2"), linear_request());
    EXPECT_NE(second.notice(), "");
    EXPECT_EQ(std::filesystem::file_size(folder.path / "ledger.db.damaged"), bytes);
    EXPECT_EQ(Ledger(file).notice(), "");
    EXPECT_TRUE(Ledger(file).known(kernel("linear.f32x16.avx2"), linear_request()).has_value());
}

TEST(Ledger, WhereNoFileCanBeTheReasonIsTold) {
    Ledger nowhere("/proc/nowhere/ledger.db");
    EXPECT_NE(nowhere.trouble().find("/proc/nowhere/ledger.db"), std::string::npos) << nowhere.trouble();
    const bool here = covers(cpu_isa(), Isa::avx2_fma);
    EXPECT_TRUE(!here || nowhere.verdict(kernel("linear.f32x16.avx2"), linear_request()).holds);
}

TEST(Ledger, ADisprovedKernelIsPassedOver) {
    if (!covers(cpu_isa(), Isa::avx2_fma)) GTEST_SKIP() << "this processor has one kernel only";
    const Folder folder;
    Ledger ledger(folder.path / "ledger.db");
    const Policy policy = machine_policy();
    const KernelSpec& best = *choose(linear_request(), policy, &ledger).kernel;
    // The same kernel fails in a ledger where its proof was made to fail.
    KernelSpec liar = best;
    liar.run = gives_nan;
    Ledger other;
    ASSERT_FALSE(other.verdict(liar, linear_request()).holds);
    const Choice c = choose(linear_request(), policy, &other);
    EXPECT_NE(c.kernel->id, best.id);
    bool told = false;
    for (const Candidate& k : c.candidates)
        if (k.spec->id == best.id) told = k.reasons == std::vector{Reason::disproved};
    EXPECT_TRUE(told);
}

}  // namespace
}  // namespace quern::dispatch
