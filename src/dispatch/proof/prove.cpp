#include "dispatch/proof/prove.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/error.h"
#include "dispatch/proof/attend_cases.h"
#include "dispatch/proof/embed_cases.h"
#include "dispatch/proof/linear_cases.h"
#include "dispatch/proof/moe_cases.h"
#include "dispatch/proof/plain_cases.h"
#include "kernels/matrix.h"

namespace quern::dispatch {
namespace {

using namespace proof;

const KernelSpec* model_of(const KernelSpec& kernel) {
    for (const Registered* r = registered(); r; r = r->next)
        if (r->spec.op == kernel.op && r->spec.numerics == kernel.numerics && r->spec.home == Home::reference)
            return &r->spec;
    return nullptr;
}

// The first trouble that the check finds in these cases.
template <class Case>
std::string first_trouble(const std::vector<Case>& cases, const KernelSpec& k, const KernelSpec& model,
                          std::string (*check)(const KernelSpec&, const KernelSpec&, const Case&)) {
    for (const Case& c : cases)
        if (std::string trouble = check(k, model, c); !trouble.empty()) return trouble;
    return {};
}

// Two blocks of output rows and a tail; the real k for a few rows, one block of it for many.
std::vector<LinearCase> linear_cases(const Request& r) {
    const DType dtype = r.weights.at(0);
    const std::int64_t n = 2 * rows_per_item + 3, little = std::min<std::int64_t>(r.k, std::max(32, info(dtype).block));
    const bool tame = dtype != DType::f32 && dtype != DType::bf16;  // others have no room for an outlier
    std::vector<LinearCase> cases{{8, n, r.k, dtype, Data::normal, true}, {1, n, r.k, dtype, Data::normal, false}};
    for (const Data data : {Data::one_huge, Data::not_numbers})
        cases.push_back({3, rows_per_item + 1, little, dtype, data, false, tame});
    for (const std::int64_t rows : {2, 5, 6, 7, 33, 61, 129})
        cases.push_back({rows, rows_per_item + 3, little, dtype, Data::normal, rows % 2 == 1});
    return cases;
}

// Every way rows can spread at the real k, and on one expert every count around a tile boundary in use.
std::vector<MoeCase> moe_cases(const Request& r) {
    std::vector<MoeCase> cases;
    for (const DType dtype : r.weights) {
        const std::int64_t n = rows_per_item + 3, little = std::min<std::int64_t>(r.k, std::max(32, info(dtype).block));
        const auto sized = [&](MoeCase c, std::int64_t k) {
            c.dtype = dtype;
            c.experts = 4;
            c.dim = r.op == Op::moe_inner ? k : n;
            c.ff = r.op == Op::moe_inner ? n : k;
            return c;
        };
        cases.push_back(sized({.rows = 5}, r.k));
        for (const Spread spread : all_spreads) cases.push_back(sized({.rows = 9, .spread = spread}, little));
        for (const std::int64_t rows : {1, 31, 32, 33, 63, 64, 65, 127, 128, 129})
            cases.push_back(sized({.rows = rows, .top_k = 1, .spread = Spread::one_expert}, little));
    }
    return cases;
}

std::vector<AttendCase> attend_cases(const Request& r) {
    std::vector<AttendCase> cases;
    for (const AttendCase& c : {AttendCase{.past = {0, 62}, .gained = {5, 4}}, AttendCase{.past = {130}, .gained = {1}},
                                AttendCase{.past = {60, 3}, .gained = {6, 2}, .sources = {{7, 1}}, .softcap = 2},
                                AttendCase{.past = {3}, .gained = {2}, .data = Data::not_numbers}}) {
        cases.push_back(c);
        cases.back().head_dim = r.head_dim;
        cases.back().dtype = r.states.at(0);
    }
    return cases;
}

// Rows of the table are read in whole blocks, so that widths are multiples of one.
std::vector<EmbedCase> embed_cases(const Request& r) {
    std::vector<EmbedCase> cases;
    const DType dtype = r.weights.at(0);
    const std::int64_t block = info(dtype).block;
    const bool whole = block > 1;
    for (const std::int64_t blocks :
         whole ? std::vector<std::int64_t>{1, 2, 3, 9} : std::vector<std::int64_t>{1, 7, 8, 17, 100})
        cases.push_back({dtype, blocks * block, Data::normal});
    if (dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16)
        cases.push_back({dtype, 33, Data::not_numbers});
    return cases;
}

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

bool is_definition(const KernelSpec& kernel) {
    const KernelSpec* model = model_of(kernel);
    return !model || model == &kernel;
}

Verdict prove_here(const KernelSpec& kernel, const Request& r) {
    if (is_definition(kernel)) return {true, ""};
    const KernelSpec* model = model_of(kernel);
    std::string trouble;
    switch (kernel.op) {
        case Op::linear:
            trouble = first_trouble(linear_cases(r), kernel, *model, check_linear);
            break;
        case Op::moe_inner:
        case Op::moe_down:
            trouble = first_trouble(moe_cases(r), kernel, *model, check_moe);
            break;
        case Op::attend:
            trouble = first_trouble(attend_cases(r), kernel, *model, check_attend);
            break;
        case Op::norm:
        case Op::rope:
        case Op::glu:
        case Op::add:
        case Op::scale:
        case Op::softcap:
        case Op::gate_rows:
        case Op::moe_combine:
            trouble = first_trouble(plain_cases(kernel.op), kernel, *model, check_plain);
            break;
        case Op::embed:
            trouble = first_trouble(embed_cases(r), kernel, *model, check_embed);
            break;
        default:
            trouble = std::string(kernel.id) + ": there are no proofs for this op";
    }
    return {trouble.empty(), trouble};
}

namespace {

// The child's whole life; nothing may leave it, since the caller's frames are here, too.
void say_verdict(int fd, const KernelSpec& kernel, const Request& request) noexcept {
    try {
        const Verdict v = prove_here(kernel, request);
        write_all(fd, v.holds ? "+" : "-" + v.trouble);
    } catch (const std::exception& e) {
        write_all(fd, "-" + std::string(kernel.id) + ": the proof could not be made: " + e.what());
    }
}

}  // namespace

Verdict prove(const KernelSpec& kernel, const Request& request, std::chrono::milliseconds patience) {
    if (is_definition(kernel)) return {true, ""};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw Error(Code::io, "proving {}: no pipe could be made", kernel.id);
    const pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        throw Error(Code::io, "proving {}: no process could be made", kernel.id);
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        say_verdict(ends[1], kernel, request);
        _exit(0);
    }
    close(ends[1]);
    std::string said;
    const bool in_time = listen(ends[0], said, patience);
    close(ends[0]);
    if (!in_time) kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    const std::string id(kernel.id);
    if (!in_time) return {false, id + ": did not end in time"};
    if (WIFSIGNALED(status)) return {false, id + ": crashed with signal " + std::to_string(WTERMSIG(status))};
    if (said.empty()) return {false, id + ": ended without a word"};
    return {said[0] == '+', said.substr(1)};
}

}  // namespace quern::dispatch
