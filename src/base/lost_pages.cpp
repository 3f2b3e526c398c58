#include "base/lost_pages.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace quern::lost_pages {
namespace {

constexpr int most = 1024;           // parts of model files open at the same time
constexpr std::size_t page = 65536;  // the largest page of a system that Quern runs on divides this, or is smaller

// Read by the handler while others come and go: `end` is set last and cleared first.
struct Watched {
    std::atomic<bool> taken{false}, lost{false};
    std::atomic<std::uintptr_t> begin{0}, end{0};
};
Watched table[most];

}  // namespace

int watch(const void* begin, std::size_t size) noexcept {
    for (int i = 0; i < most; ++i) {
        Watched& w = table[i];
        if (w.taken.exchange(true)) continue;
        w.lost = false;
        w.begin = reinterpret_cast<std::uintptr_t>(begin);
        w.end = reinterpret_cast<std::uintptr_t>(begin) + size;
        return i;
    }
    return -1;
}

void forget(int ticket) noexcept {
    if (ticket < 0) return;
    table[ticket].end = 0;
    table[ticket].taken = false;
}

bool any(int ticket) noexcept { return ticket >= 0 && table[ticket].lost; }

bool replace(const void* address) noexcept {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    for (Watched& w : table) {
        const std::uintptr_t begin = w.begin, end = w.end;
        if (at < begin || at >= end) continue;
        // One mapping to the end, not one for each page: the number of mappings is limited, and what follows is either
        // lost too or of no use, since nobody goes on with a file that has a hole.
        const std::uintptr_t from = at / page * page > begin ? at / page * page : begin;
        const int before = errno;
        // Addresses of signals are numbers. NOLINTNEXTLINE(performance-no-int-to-ptr)
        void* start = reinterpret_cast<void*>(from);
        void* got = mmap(start, end - from, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        errno = before;
        if (got == MAP_FAILED) return false;
        w.lost = true;
        return true;
    }
    return false;
}

}  // namespace quern::lost_pages
