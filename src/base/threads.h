// One pool of threads for all kernels. A job is a number of items and a function; workers (the caller is worker 0) take
// items through an atomic counter, so which worker computes an item is not fixed, and no result may depend on it. After
// a job the workers spin briefly, since the next one usually follows within microseconds, then park on a futex.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace quern {

// How many threads this process should compute with: the processors it may run on, or what the quota of its control
// group pays for. At least 1.
int usable_processors();

class ThreadPool {
public:
    // `threads` >= 1 in all, the caller's included; 0 means usable_processors().
    explicit ThreadPool(int threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const { return static_cast<int>(workers_.size()) + 1; }

    // Calls f(context, begin, end, worker) until [0, items) is covered, in chunks of at most `grain`; returns when all
    // is done. Allocates nothing. Called by one thread at a time; not from inside a job. f must not throw.
    using Function = void (*)(void* context, std::int64_t begin, std::int64_t end, int worker) noexcept;
    void run(std::int64_t items, std::int64_t grain, Function f, void* context);

private:
    void work(int worker);
    void drain(int worker);

    std::vector<std::thread> workers_;
    Function function_ = nullptr;
    void* context_ = nullptr;
    std::int64_t items_ = 0, grain_ = 1;
    alignas(64) std::atomic<std::int64_t> next_{0};
    alignas(64) std::atomic<std::uint32_t> job_{0};      // changes when a job is posted
    alignas(64) std::atomic<std::uint32_t> running_{0};  // workers that have not finished the current job
    alignas(64) std::atomic<int> parked_{0};             // workers asleep on job_
    std::atomic<bool> waiting_{false};                   // the caller is asleep on running_
    std::atomic<bool> stop_{false};
};

}  // namespace quern
