#include "base/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace quern {
namespace {

// The number in a file that holds one ("max" and absent files give none).
std::int64_t number_in(const char* path) {
    std::ifstream file(path);
    std::int64_t v = 0;
    return file >> v ? v : -1;
}

}  // namespace

std::int64_t available_memory() {
    std::ifstream file("/proc/meminfo");
    std::int64_t available = 0;
    for (std::string word; file >> word;)
        if (word == "MemAvailable:" && file >> available) available *= 1024;
    const std::int64_t limit = number_in("/sys/fs/cgroup/memory.max"),
                       used = number_in("/sys/fs/cgroup/memory.current");
    if (limit >= 0 && used >= 0) available = std::min(available, std::max<std::int64_t>(0, limit - used));
    return available;
}

}  // namespace quern
