// A step with resident weights, once warm, neither allocates nor makes system calls: allocation hooks, and a seccomp
// filter in a forked child that kills the process for any call but futex (waking and parking workers) and exit.
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>

#include "allocations.h"
#include "toy.h"

namespace quern::test {
namespace {

// A step whose batch is filled by hand, since the harness makes vectors.
struct Fixed {
    HashWeights weights = Toy::weights();
    Harness toy;
    int sequence = 0;
    std::vector<const std::int32_t*> tables;
    std::vector<std::int32_t> tokens = hashed_tokens("quiet", 20, Toy::vocab);

    explicit Fixed(int threads) : toy(weights, Toy::record, {.threads = threads}) {
        sequence = toy.pages->open();
        tables.resize(toy.graph.states().size());
    }
    void step(std::size_t n) {
        toy.pages->reserve(sequence, static_cast<std::int64_t>(n));
        for (std::size_t g = 0; g < tables.size(); ++g) tables[g] = toy.pages->table(static_cast<int>(g), sequence);
        const std::int32_t last = static_cast<std::int32_t>(n) - 1;
        toy.executor->batch().clear();
        toy.executor->batch().add({tokens.data(), n}, static_cast<std::int32_t>(toy.pages->length(sequence)), tables,
                                  {&last, 1});
        toy.executor->run();
        toy.pages->advance(sequence, static_cast<std::int64_t>(n));
    }
    void warm_up() {
        for (const std::size_t n : {20u, 1u, 7u, 1u, 20u}) step(n);
    }
};

TEST(Quiet, StepsDoNotAllocate) {
    if (!counts_allocations) GTEST_SKIP() << "the sanitizer has allocation functions of its own";
    Fixed f(2);
    f.warm_up();
    const long before = allocations();
    for (int i = 0; i < 20; ++i) f.step(i % 3 == 0 ? 9 : 1);
    EXPECT_EQ(allocations(), before);
    // The hook does count.
    std::vector<int>* v = new std::vector<int>(10);
    EXPECT_GT(allocations(), before);
    delete v;
}

bool forbid_system_calls() {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof code / sizeof code[0], code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

// Runs in a forked child: 0 all well, 3 no filter to be had; killed by SIGSYS when a step made a system call.
int in_child(bool with_a_call) {
    const pid_t child = fork();
    if (child == 0) {
        Fixed f(2);
        f.warm_up();
        if (!forbid_system_calls()) _exit(3);
        for (int i = 0; i < 20; ++i) f.step(i % 3 == 0 ? 9 : 1);
        if (with_a_call) static_cast<void>(getppid());
        syscall(SYS_exit_group, 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

TEST(Quiet, StepsMakeNoSystemCallButFutex) {
    if (!counts_allocations) GTEST_SKIP() << "the sanitizer's run-time makes system calls of its own";
    const int status = in_child(false);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 3) GTEST_SKIP() << "this system allows no seccomp filter";
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
        << "status " << status << ", signal " << WTERMSIG(status);
    // The filter does see a call.
    const int caught = in_child(true);
    EXPECT_TRUE(WIFSIGNALED(caught) && WTERMSIG(caught) == SIGSYS);
}

}  // namespace
}  // namespace quern::test
