#include "base/crash.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <sstream>

#include "base/error.h"
#include "base/lost_pages.h"

namespace quern::crash {
namespace {

constexpr int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
constexpr const char* format = "1";  // of a record: format, build, kernel, node, how; tabs between them

// All that the handler needs is here before it is needed: it may neither allocate nor lock.
struct Kept {
    char records[4096] = {};
    char build[128] = {};
    struct sigaction before[std::size(signals)] = {};
    alignas(16) char stack[64 << 10] = {};  // for a stack that is used up
};
Kept kept;
std::atomic<bool> ending{false};

// A line made of pieces, in a fixed space; what does not fit is cut.
class Line {
public:
    Line& operator<<(const char* text) noexcept {
        while (*text && size_ + 1 < sizeof text_) text_[size_++] = *text++;
        return *this;
    }
    void write_to(int fd) const noexcept {
        if (write(fd, text_, size_) < 0) return;  // there is nobody left to tell
    }

private:
    char text_[4096];
    std::size_t size_ = 0;
};

// Async-signal-safe.
[[noreturn]] void end(const Running& what, const char* how) noexcept {
    while (ending.exchange(true)) pause();  // another thread is at it
    bool recorded = false;
    if (kept.records[0]) {
        const int fd = open(kept.records, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        Line line;
        line << format << "\t" << kept.build << "\t" << what.kernel.c_str() << "\t" << what.node.c_str() << "\t" << how
             << "\n";
        if (fd >= 0) line.write_to(fd);
        recorded = fd >= 0;
    }
    Line line;
    line << "\nquern: kernel " << what.kernel.c_str() << " " << how << " while it computed " << what.node.c_str();
    line << (recorded ? "; it is noted, and will not be chosen again by this build: please start again\n"
                      : "; no note of it could be kept: --deny keeps it from being chosen\n");
    line.write_to(2);
    _exit(1);
}

void on_signal(int signal, siginfo_t* info, void*) {
    if (signal == SIGBUS && lost_pages::replace(info->si_addr)) return;
    const bool sent = info->si_code <= 0;  // by a process, not by an instruction
    if (const Running* what = running.load(); what && !sent)
        end(*what, signal == SIGSEGV  ? "crashed with signal 11 (memory that is not there)"
                   : signal == SIGILL ? "crashed with signal 4 (an instruction that this processor does not have)"
                   : signal == SIGFPE ? "crashed with signal 8 (arithmetic)"
                                      : "crashed with signal 7 (memory that cannot be read)");
    for (std::size_t i = 0; i < std::size(signals); ++i)
        if (signals[i] == signal) sigaction(signal, &kept.before[i], nullptr);
    if (sent) raise(signal);  // else the instruction is tried again, and fails in the way it did before
}

void copy(const std::string& from, std::span<char> to) {
    to.front() = 0;
    if (from.size() < to.size()) std::memcpy(to.data(), from.c_str(), from.size() + 1);
}

}  // namespace

void install(const Path& records, const std::string& build) {
    copy(records.string(), kept.records);
    copy(build, kept.build);
    stack_t stack{};
    stack.ss_sp = kept.stack;
    stack.ss_size = sizeof kept.stack;
    sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (std::size_t i = 0; i < std::size(signals); ++i) {
        struct sigaction before {};
        sigaction(signals[i], &action, &before);
        if (!(before.sa_flags & SA_SIGINFO) || before.sa_sigaction != on_signal) kept.before[i] = before;
    }
}

std::vector<Record> read_records(const Path& file) {
    std::vector<Record> records;
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return records;
    std::istringstream lines(read_text(file, std::size_t(1) << 20));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string version;
        Record r;
        for (std::string* s : {&version, &r.build, &r.kernel, &r.node, &r.how}) std::getline(fields, *s, '\t');
        if (version == format && !r.how.empty()) records.push_back(std::move(r));
    }
    return records;
}

Watchdog::Watchdog(double seconds) : seconds_(seconds), thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

// Looks some times, and counts the looks that found nothing new rather than seconds: a process that was stopped or
// starved in between misses looks, too.
void Watchdog::watch() {
    constexpr int looks = 10;
    int same = 0;
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    const auto period = std::chrono::duration<double>(seconds_ / looks);
    while (!wake_.wait_for(lock, period, [this] { return stop_; })) {
        const std::uint64_t now = begun.load(std::memory_order_relaxed);
        const Running* what = running.load(std::memory_order_relaxed);
        same = what && now == seen ? same + 1 : 0;
        seen = now;
        if (same >= looks) end(*what, "did not end in the time it was given");
    }
}

}  // namespace quern::crash
