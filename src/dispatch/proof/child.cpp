#include "dispatch/proof/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/error.h"
#include "base/fault.h"

namespace quern::dispatch {
namespace {

// What the child says until it ends; false when it takes too long.
bool listen(int fd, std::string& said, std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
        const int ready = left.count() > 0 ? poll(&p, 1, static_cast<int>(left.count())) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        char block[512];
        const ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        said.append(block, static_cast<std::size_t>(n));
    }
}

}  // namespace

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = write(fd, text.data(), text.size());
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

ChildEnd in_child(const std::string& what, std::chrono::milliseconds patience,
                  const std::function<void(int fd)>& work) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Error(Code::io, "{}: no pipe could be made", what);
    const pid_t child = fault::hit(fault::Point::fork) ? -1 : fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        throw Error(Code::io, "{}: no process could be made", what);
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // A crash here is a result, which the parent reads from the signal: nobody else's handler reports it.
        for (const int deadly : {SIGSEGV, SIGILL, SIGFPE, SIGBUS}) std::signal(deadly, SIG_DFL);
        work(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    ChildEnd end;
    end.in_time = listen(ends[0], end.said, patience);
    close(ends[0]);
    if (!end.in_time) kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    return end;
}

}  // namespace quern::dispatch
