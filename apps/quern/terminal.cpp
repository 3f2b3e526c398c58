#include "terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace quern::app {
namespace {

volatile std::sig_atomic_t presses = 0;

void on_interrupt(int) {
    presses = presses + 1;
    if (presses > 1) _exit(130);
}

}  // namespace

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

ProgressBar::ProgressBar(std::string what, std::string unit, double scale)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      scale_(scale),
      terminal_(isatty(2) == 1),
      started_(Clock::now()),
      last_(started_) {}

ProgressBar::~ProgressBar() {
    if (shown_) std::fprintf(stderr, "\r\033[K");
}

void ProgressBar::update(std::int64_t done, std::int64_t total) {
    const double elapsed = seconds_since(started_);
    if (!terminal_ || total <= 0 || elapsed < 0.5 || (seconds_since(last_) < 0.1 && done < total)) return;
    last_ = Clock::now();
    shown_ = true;
    constexpr int width = 30;
    const double share = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0);
    const int filled = static_cast<int>(share * width);
    const double left = share > 0 ? elapsed / share - elapsed : 0;
    std::fprintf(stderr, "\r\033[K%s [%s%s] %.0f/%.0f %s, %.0f s left", what_.c_str(),
                 std::string(std::size_t(filled), '#').c_str(), std::string(std::size_t(width - filled), ' ').c_str(),
                 static_cast<double>(done) * scale_, static_cast<double>(total) * scale_, unit_.c_str(), left);
    std::fflush(stderr);
}

void put(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
        throw Error(Code::io, "writing the output: {}", std::strerror(errno));
}

void check_output(const Path& path) {
    std::error_code ignored;
    const auto status = std::filesystem::status(path, ignored);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
        throw Error(Code::io, "writing {}: it is there already and is no regular file", path.string());
    const AtomicFile probe(path);
}

InterruptGuard::InterruptGuard() {
    presses = 0;
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    sigaction(SIGINT, &action, &before_);
    if (before_.sa_handler == SIG_IGN) sigaction(SIGINT, &before_, nullptr);
}

InterruptGuard::~InterruptGuard() { sigaction(SIGINT, &before_, nullptr); }

bool InterruptGuard::interrupted() const { return presses > 0; }

}  // namespace quern::app
