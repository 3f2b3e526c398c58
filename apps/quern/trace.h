// A trace of steps as Chrome's trace viewer and Perfetto read it: an event for each task with its node, kernel and
// time.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/file.h"
#include "exec/executor.h"

namespace quern::app {

class Trace {
public:
    explicit Trace(const exec::Executor& executor) : executor_(executor) {}
    // As the executor's hook is called: before each task of a step, and after its last.
    void task(int done, int all);
    void write(const Path& path) const;  // throws Error(io)

private:
    using Clock = std::chrono::steady_clock;
    struct Event {
        const exec::Task* task;
        const KernelSpec* kernel;  // null: a lease
        std::int64_t rows;         // at most, in the step's bucket
        double begin, end;         // microseconds since the trace began
    };
    double now() const { return std::chrono::duration<double, std::micro>(Clock::now() - start_).count(); }

    const exec::Executor& executor_;
    const Clock::time_point start_ = Clock::now();
    std::vector<Event> events_;
    double began_ = 0;
};

}  // namespace quern::app
