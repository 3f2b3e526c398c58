// What a control group (containers, systemd slices, batch systems) leaves this process of the machine. Both versions:
// v2 has one tree, v1 one per controller; a limit holds for everything below, so that the tightest of all ancestors
// counts. Formats: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the Linux kernel.
#pragma once

#include <cstdint>
#include <optional>

#include "base/file.h"

namespace quern {

struct CgroupLimits {
    std::optional<double> processors;         // processor seconds per second, as in 1.5
    std::optional<std::int64_t> memory;       // bytes
    std::optional<std::int64_t> memory_left;  // bytes until that limit; pages of files that can be dropped are not used
};

// `root` stands for "/", for tests. Files that are not there or not understood limit nothing.
CgroupLimits cgroup_limits(const Path& root = "/");

}  // namespace quern
