#include "dispatch/machine.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>

#include "base/error.h"
#include "base/memory.h"

namespace quern::dispatch {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

// One item for each thread, all of one size, so that the threads end together.
double timed(ThreadPool& pool, std::function<void(std::int64_t)> each) {
    const auto run = [](void* f, std::int64_t begin, std::int64_t, int) noexcept {
        (*static_cast<std::function<void(std::int64_t)>*>(f))(begin);
    };
    const auto start = Clock::now();
    pool.run(pool.size(), 1, run, &each);
    return seconds(start);
}

// Sums of words: the additions are far faster than the memory.
std::uint64_t sum(const std::uint64_t* words, std::int64_t n) noexcept {
    std::uint64_t s[8] = {};
    for (std::int64_t i = 0; i < n; i += 8)
        for (int j = 0; j < 8; ++j) s[j] += words[i + j];
    std::uint64_t all = 0;
    for (const std::uint64_t x : s) all += x;
    return all;
}

struct Mapping {
    std::size_t bytes;
    void* data;
    explicit Mapping(std::size_t n)
        : bytes(n), data(mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        if (data == MAP_FAILED) throw Error(Code::io, "there is no memory to measure with");
        madvise(data, n, MADV_HUGEPAGE);
    }
    ~Mapping() { munmap(data, bytes); }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
};

}  // namespace

double peak_rate(const Peak& peak, ThreadPool& pool) {
    std::int64_t rounds = 1 << 16;
    const auto each = [&](std::int64_t) { peak.run(rounds); };
    double best = timed(pool, each);
    rounds = std::max<std::int64_t>(rounds, static_cast<std::int64_t>(static_cast<double>(rounds) * 0.04 / best));
    best = timed(pool, each);
    for (int i = 0; i < 4; ++i) best = std::min(best, timed(pool, each));
    return peak.operations * static_cast<double>(rounds) * pool.size() / best;
}

double read_bandwidth(ThreadPool& pool) {
    constexpr std::int64_t most = std::int64_t(1) << 29, block = std::int64_t(1) << 12;
    const std::int64_t part = std::min(most, available_memory() / 4) / pool.size() / block * block;
    if (part < block) throw Error(Code::io, "there is no memory to measure with");
    const Mapping memory(static_cast<std::size_t>(part * pool.size()));
    auto* const bytes = static_cast<std::byte*>(memory.data);
    const auto touch = [&](std::int64_t i) { std::memset(bytes + i * part, 1, static_cast<std::size_t>(part)); };
    timed(pool, touch);
    std::atomic<std::uint64_t> kept{0};  // so that nothing is left out
    const auto each = [&](std::int64_t i) {
        kept += sum(reinterpret_cast<const std::uint64_t*>(bytes + i * part), part / 8);
    };
    double best = timed(pool, each);
    for (int i = 0; i < 6; ++i) best = std::min(best, timed(pool, each));
    return static_cast<double>(part * pool.size()) / best;
}

DiskRate disk_rate(const Path& file) {
    constexpr std::size_t block = std::size_t(1) << 22, most = std::size_t(1) << 28;
    DiskRate rate;
    int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT);
    if (fd < 0) {
        rate.cached = true;
        fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) throw Error(Code::io, "opening {}: {}", file.string(), std::strerror(errno));
    const Mapping buffer(block);
    const auto start = Clock::now();
    std::size_t got = 0;
    ssize_t n = 1;
    while (n > 0 && got < most && seconds(start) < 1) {
        n = read(fd, buffer.data, block);
        if (n > 0) got += static_cast<std::size_t>(n);
    }
    const double took = seconds(start);
    const int failed = n < 0 ? errno : 0;
    close(fd);
    if (failed != 0) throw Error(Code::io, "reading {}: {}", file.string(), std::strerror(failed));
    rate.bytes_per_second = static_cast<double>(got) / std::max(took, 1e-9);
    return rate;
}

}  // namespace quern::dispatch
