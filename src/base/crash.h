// What is left to do when a kernel crashes or hangs, which nothing can be unwound from: say which kernel it was and at
// what, keep a record for the next start, and end with exit code 1. Running kernels costs two stores each. Knows
// kernels and nodes as texts only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace quern::crash {

// What a step does at the moment; the texts live until something else is said to run.
struct Running {
    std::string kernel;  // "linear.f32x16.avx2 v1"
    std::string node;    // "blk.3.attn_q"
};
inline std::atomic<const Running*> running{nullptr};  // null: nothing of which one could say that it is to blame
inline std::atomic<std::uint64_t> begun{0};           // kernels, for the watchdog; written by one thread at a time

inline void begins(const Running& what) noexcept {
    running.store(&what, std::memory_order_relaxed);
    begun.store(begun.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}
// At the end of a step, however it ends.
struct Step {
    Step() = default;
    ~Step() { running.store(nullptr, std::memory_order_relaxed); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
};

// From now on a kernel's SIGSEGV, SIGILL, SIGFPE or SIGBUS ends the process with a sentence and a line in `records`
// (empty: none is kept); SIGBUS in a watched mapping (lost_pages.h) ends nothing. Other crashes go the way they went
// before. `build` stands in the records.
void install(const Path& records, const std::string& build);

// A line of the records.
struct Record {
    std::string build, kernel, node;
    std::string how;  // "crashed with signal 11"
};
// Lines that make no sense are left out; no file: none. Throws Error(io).
std::vector<Record> read_records(const Path& file);

// A thread that ends the process, in the same way, when a kernel has run for this long without another one beginning.
class Watchdog {
public:
    explicit Watchdog(double seconds);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

private:
    void watch();

    double seconds_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace quern::crash
