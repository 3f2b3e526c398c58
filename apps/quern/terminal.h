// What a person at a terminal sees and does: progress bars, Ctrl-C. Nothing of it shows up in a pipe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace quern::app {

// A line on stderr that grows while something long goes on, and goes away after it. Silent unless stderr is a terminal,
// and for the first half second.
class ProgressBar {
public:
    // Counts are shown times `scale`, with `unit` behind.
    ProgressBar(std::string what, std::string unit, double scale = 1);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    void update(std::int64_t done, std::int64_t total);

private:
    using Clock = std::chrono::steady_clock;
    const std::string what_, unit_;
    const double scale_;
    const bool terminal_;
    const Clock::time_point started_;
    Clock::time_point last_;
    bool shown_ = false;
};

// While it lives, Ctrl-C sets a flag instead of ending the process; pressed again before anybody looked, it ends it.
class InterruptGuard {
public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
    bool interrupted() const;
};

double seconds_since(std::chrono::steady_clock::time_point start);

}  // namespace quern::app
