#include "base/threads.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cgroup.h"
#include "base/check.h"

namespace quern {
namespace {

// About 20 microseconds on current machines: longer than the gap between two kernels of a step, shorter than a
// scheduler's time slice, so that an idle pool costs nothing.
constexpr int spins = 4000;

void pause() noexcept {
#if defined(__x86_64__)
    _mm_pause();
#endif
}

// Subnormal numbers are computed exactly, rounding is to nearest: the bits of a result must not depend on what the
// thread ran before.
void set_float_mode() noexcept {
#if defined(__x86_64__)
    _mm_setcsr(0x1f80);
#endif
}

// The futex itself, not std::atomic::wait, which also yields the processor: a step makes no other system call than
// these two, and these only when somebody sleeps.
void sleep_while(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    static_assert(sizeof word == sizeof(std::uint32_t));
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}
void wake_all(std::atomic<std::uint32_t>& word) noexcept {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

// While it lives, threads that are made deal with no signal: those are for the thread that waits for them. But a fault
// belongs to the thread that has it, and ends the process unheard where it is blocked.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        for (const int fault : {SIGSEGV, SIGILL, SIGFPE, SIGBUS}) sigdelset(&all, fault);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_;
};

}  // namespace

int usable_processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    // Rounded down: a pool that outruns its quota stands still, all of it, until the next period begins.
    const int quota = static_cast<int>(std::min(cgroup_limits().processors.value_or(allowed), double(allowed)));
    return std::max(1, std::min(allowed, quota));
}

ThreadPool::ThreadPool(int threads) {
    const int n = threads > 0 ? threads : usable_processors();
    // With more threads than processors spinning only steals time from the one that works; parking handles that too.
    workers_.reserve(static_cast<std::size_t>(n - 1));
    const SignalsBlocked blocked;
    for (int i = 1; i < n; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
    stop_.store(true);
    job_.fetch_add(1);
    wake_all(job_);
    for (std::thread& t : workers_) t.join();
}

void ThreadPool::run(std::int64_t items, std::int64_t grain, Function f, void* context) {
    CHECK(grain > 0);
    if (items <= 0) return;
    set_float_mode();
    if (workers_.empty() || items <= grain) {
        f(context, 0, items, 0);
        return;
    }
    function_ = f;
    context_ = context;
    items_ = items;
    grain_ = grain;
    next_.store(0, std::memory_order_relaxed);
    running_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
    // All orders are sequentially consistent: either a worker going to sleep sees the new job, or we see it parked.
    job_.fetch_add(1);
    if (parked_.load() > 0) wake_all(job_);
    drain(0);
    for (int i = 0; i < spins && running_.load() != 0; ++i) pause();
    waiting_.store(true);
    for (std::uint32_t left; (left = running_.load()) != 0;) sleep_while(running_, left);
    waiting_.store(false);
}

void ThreadPool::drain(int worker) {
    for (;;) {
        const std::int64_t begin = next_.fetch_add(grain_, std::memory_order_relaxed);
        if (begin >= items_) return;
        function_(context_, begin, std::min(begin + grain_, items_), worker);
    }
}

void ThreadPool::work(int worker) {
    set_float_mode();
    std::uint32_t seen = 0;
    for (;;) {
        for (int i = 0; i < spins && job_.load() == seen; ++i) pause();
        parked_.fetch_add(1);
        while (job_.load() == seen) sleep_while(job_, seen);
        parked_.fetch_sub(1);
        seen = job_.load();
        if (stop_.load()) return;
        drain(worker);
        if (running_.fetch_sub(1) == 1 && waiting_.load()) wake_all(running_);
    }
}

}  // namespace quern
