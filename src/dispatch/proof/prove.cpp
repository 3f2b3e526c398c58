#include "dispatch/proof/prove.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "base/error.h"
#include "base/fault.h"

namespace quern::dispatch {
namespace {

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = write(fd, text.data(), text.size());
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

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

std::string shape_class(const Request& r) {
    std::string s(name(r.op));
    for (const DType d : r.weights) s += " " + std::string(info(d).name);
    for (const DType d : r.states) s += " " + std::string(info(d).name);
    if (r.k > 0) s += " k=" + std::to_string(r.k);
    if (r.head_dim > 0) s += " head_dim=" + std::to_string(r.head_dim);
    return s;
}

const KernelSpec* model_of(const KernelSpec& kernel) {
    for (const Registered* r = registered(); r; r = r->next)
        if (r->spec.op == kernel.op && r->spec.numerics == kernel.numerics && r->spec.home == Home::reference)
            return &r->spec;
    return nullptr;
}

bool is_definition(const KernelSpec& kernel) {
    const KernelSpec* model = model_of(kernel);
    return !model || model == &kernel;
}

Verdict prove_here(const KernelSpec& kernel, const Request& request, const ProveOptions& options) {
    if (is_definition(kernel)) return {.holds = true};
    const std::vector<ProofCase> cases = proof_cases(request, options.extent);
    if (cases.empty()) return {.trouble = std::string(kernel.id) + ": there are no proofs for this op"};
    for (int i = 0; i < static_cast<int>(cases.size()); ++i) {
        if (options.only >= 0 && i != options.only) continue;
        if (options.begin) options.begin();
        if (std::string trouble = cases[std::size_t(i)].check(kernel, *model_of(kernel)); !trouble.empty())
            return {.trouble = std::move(trouble), .failed = i};
    }
    return {.holds = true};
}

namespace {

// The child's whole life: a dot for each case that it begins, then its verdict. Nothing may leave it, since the
// caller's frames are here, too.
void say_verdict(int fd, const KernelSpec& kernel, const Request& request, ProveOptions options) noexcept {
    try {
        options.begin = [fd] { write_all(fd, "."); };
        const Verdict v = prove_here(kernel, request, options);
        write_all(fd, v.holds ? "+" : "-" + v.trouble);
    } catch (const std::exception& e) {
        write_all(fd, "-" + std::string(kernel.id) + ": the proof could not be made: " + e.what());
    }
}

// What the child's end means.
Verdict verdict_of(const std::string& id, std::string_view said, bool in_time, int status, int only) {
    Verdict v;
    const std::size_t begun = std::min(said.find_first_not_of('.'), said.size());
    said.remove_prefix(begun);
    if (!in_time)
        v.trouble = id + ": did not end in time";
    else if (WIFSIGNALED(status))
        v.trouble = id + ": crashed with signal " + std::to_string(WTERMSIG(status));
    else if (said.empty())
        v.trouble = id + ": ended without a word";
    else if (said.front() == '+')
        v.holds = true;
    else
        v.trouble = said.substr(1);
    if (!v.holds) v.failed = only >= 0 ? only : static_cast<int>(begun) - 1;
    return v;
}

}  // namespace

Verdict prove(const KernelSpec& kernel, const Request& request, const ProveOptions& options) {
    if (is_definition(kernel)) return {.holds = true};
    const bool lies = fault::hit(fault::Point::proof_wrong, kernel.id);  // asked here, since a child's count is lost
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Error(Code::io, "proving {}: no pipe could be made", kernel.id);
    const pid_t child = fault::hit(fault::Point::fork) ? -1 : fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        throw Error(Code::io, "proving {}: no process could be made", kernel.id);
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // A crash here is a result, which the parent reads from the signal: nobody else's handler reports it.
        for (const int deadly : {SIGSEGV, SIGILL, SIGFPE, SIGBUS}) std::signal(deadly, SIG_DFL);
        if (lies)
            write_all(ends[1], "." + std::string("-") + std::string(kernel.id) +
                                   ": gave wrong results, as QUERN_FAULT wants it");
        else
            say_verdict(ends[1], kernel, request, options);
        _exit(0);
    }
    close(ends[1]);
    std::string said;
    const bool in_time = listen(ends[0], said, options.patience);
    close(ends[0]);
    if (!in_time) kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return verdict_of(std::string(kernel.id), said, in_time, status, options.only);
}

}  // namespace quern::dispatch
