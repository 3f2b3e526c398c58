// What a person at a terminal sees and does: progress bars, Ctrl-C. Nothing of it shows up in a pipe.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

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

// While it lives, Ctrl-C sets a flag instead of ending the process; pressed twice, it ends it. Where the process was
// started deaf to Ctrl-C, it stays so.
class InterruptGuard {
public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;
    bool interrupted() const;

private:
    struct sigaction before_ {};
};

// Writes to stdout, now. Throws Error(io) when nobody reads it any more.
void put(std::string_view text);

// Throws Error(io) when a result could not be written to this path later: said before the work, not after it.
void check_output(const Path& path);

double seconds_since(std::chrono::steady_clock::time_point start);

}  // namespace quern::app
