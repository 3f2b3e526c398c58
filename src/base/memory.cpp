#include "base/memory.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "base/cgroup.h"

namespace quern {

std::int64_t available_memory() {
    std::ifstream file("/proc/meminfo");
    std::int64_t available = 0;
    for (std::string word; file >> word;)
        if (word == "MemAvailable:" && file >> available) available *= 1024;
    return std::min(available, cgroup_limits().memory_left.value_or(available));
}

}  // namespace quern
