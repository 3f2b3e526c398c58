#include "process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/check.h"

extern "C" char** environ;

namespace quern::e2e {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{120};  // for machines that are busy with other things

struct Folder {
    Path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "quern-e2e-XXXXXX").string();
        CHECK(mkdtemp(name.data()));
        path = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

// argv and environment, made before the fork, after which a child must not allocate.
struct Call {
    std::vector<std::string> arguments, variables;
    std::vector<char*> argv, envp;
    std::string home = folder().string();

    explicit Call(const Arguments& a, const Arguments& more = {}) : arguments(a) {
        arguments.insert(arguments.begin(), QUERN_BINARY);
        for (char** e = environ; *e; ++e)
            if (std::strncmp(*e, "QUERN_", 6) != 0) variables.emplace_back(*e);
        if (std::none_of(more.begin(), more.end(), [](const auto& v) { return v.starts_with("QUERN_HOME="); }))
            variables.push_back("QUERN_HOME=" + home);
        variables.insert(variables.end(), more.begin(), more.end());
        for (std::string& s : arguments) argv.push_back(s.data());
        for (std::string& s : variables) envp.push_back(s.data());
        argv.push_back(nullptr);
        envp.push_back(nullptr);
    }
    [[noreturn]] void execute() {
        std::signal(SIGINT, SIG_DFL);  // a shell may have started us deaf to it
        std::signal(SIGPIPE, SIG_DFL);
        if (chdir(home.c_str()) == 0) execve(argv[0], argv.data(), envp.data());
        _exit(127);
    }
};

struct Pipe {
    int read = -1, write = -1;
    Pipe() {
        int ends[2];
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        read = ends[0];
        write = ends[1];
    }
};

void close_fd(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
}

// Adds what there is; false at the end.
bool drain(int fd, std::string& to) {
    char block[1 << 14];
    const ssize_t n = read(fd, block, sizeof block);
    if (n > 0) to.append(block, std::size_t(n));
    return n > 0 || (n < 0 && errno == EINTR);
}

void reap(pid_t pid, Clock::time_point end, Result& result) {
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (Clock::now() > end) {
            ADD_FAILURE() << "the child did not end in time";
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            break;
        }
        usleep(1000);
    }
    if (WIFEXITED(status)) result.exit = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
}

}  // namespace

Arguments joined(std::initializer_list<Arguments> parts) {
    Arguments all;
    for (const Arguments& p : parts) all.insert(all.end(), p.begin(), p.end());
    return all;
}

const Path& folder() {
    static const Folder f;
    return f.path;
}

std::string in_folder(const std::string& name) { return (folder() / name).string(); }

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.good()) << path;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Result quern(const Arguments& arguments, const std::string& input, const Arguments& variables) {
    Call call(arguments, variables);
    Pipe in, out, err;
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(in.read, 0);
        dup2(out.write, 1);
        dup2(err.write, 2);
        call.execute();
    }
    close_fd(in.read);
    close_fd(out.write);
    close_fd(err.write);
    std::signal(SIGPIPE, SIG_IGN);  // the child need not read all of its input
    Result result;
    std::size_t sent = 0;
    const Clock::time_point end = Clock::now() + patience;
    while ((out.read >= 0 || err.read >= 0) && Clock::now() < end) {
        if (sent == input.size()) close_fd(in.write);
        pollfd fds[3] = {{in.write, POLLOUT, 0}, {out.read, POLLIN, 0}, {err.read, POLLIN, 0}};
        if (poll(fds, 3, 1000) <= 0) continue;
        if (fds[0].revents) {
            const ssize_t n = write(in.write, input.data() + sent, std::min<std::size_t>(input.size() - sent, 4096));
            sent = n < 0 ? input.size() : sent + std::size_t(n);
        }
        if (fds[1].revents && !drain(out.read, result.out)) close_fd(out.read);
        if (fds[2].revents && !drain(err.read, result.err)) close_fd(err.read);
    }
    for (int* fd : {&in.write, &out.read, &err.read}) close_fd(*fd);
    reap(pid, end, result);
    return result;
}

Child::Child(On on, const Arguments& arguments) {
    Call call(arguments);
    static int count = 0;
    errors_file_ = in_folder("errors-" + std::to_string(++count));
    if (on == On::terminal) {
        winsize size{};
        size.ws_row = 50;
        size.ws_col = 200;
        call.variables.push_back("TERM=xterm");
        call.envp.insert(call.envp.end() - 1, call.variables.back().data());
        pid_ = forkpty(&in_, nullptr, nullptr, &size);
        CHECK(pid_ >= 0);
        if (pid_ == 0) call.execute();
        out_ = in_;
        return;
    }
    Pipe in, out;
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
        dup2(in.read, 0);
        dup2(out.write, 1);
        dup2(open(errors_file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
        call.execute();
    }
    close_fd(in.read);
    close_fd(out.write);
    in_ = in.write;
    out_ = out.read;
}

Child::~Child() {
    if (pid_ >= 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    if (in_ != out_) close_fd(in_);
    close_fd(out_);
}

void Child::send(const std::string& text) {
    EXPECT_EQ(write(in_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

void Child::signal(int number) { kill(pid_, number); }

void Child::close_output() { close_fd(out_); }

bool Child::read_some(Clock::time_point end) {
    while (Clock::now() < end) {
        pollfd fd{out_, POLLIN, 0};
        if (poll(&fd, 1, 200) > 0) return drain(out_, read_);
    }
    return false;
}

bool Child::wait_for(const std::string& text) {
    const Clock::time_point end = Clock::now() + patience;
    for (;;) {
        const std::size_t at = read_.find(text, seen_);
        if (at != std::string::npos) {
            seen_ = at + text.size();
            return true;
        }
        if (!read_some(end)) return false;
    }
}

bool Child::wait_for(std::size_t bytes) {
    const Clock::time_point end = Clock::now() + patience;
    while (read_.size() < seen_ + bytes)
        if (!read_some(end)) return false;
    seen_ += bytes;
    return true;
}

Result Child::finish() {
    const Clock::time_point end = Clock::now() + patience;
    if (in_ != out_) close_fd(in_);
    while (out_ >= 0 && read_some(end)) {
    }
    Result result;
    reap(pid_, end, result);
    pid_ = -1;
    result.out = read_;
    if (std::filesystem::exists(errors_file_)) result.err = contents(errors_file_);
    return result;
}

}  // namespace quern::e2e
