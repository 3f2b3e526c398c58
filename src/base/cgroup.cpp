#include "base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace quern {
namespace {

std::optional<std::int64_t> number_in(const Path& path) {
    std::ifstream file(path);
    std::int64_t v = 0;
    return file >> v && v >= 0 ? std::optional(v) : std::nullopt;
}

// The number behind a word, as in memory.stat.
std::int64_t number_of(const Path& path, const std::string& wanted) {
    std::ifstream file(path);
    std::int64_t v = 0;
    for (std::string word; file >> word >> v;)
        if (word == wanted) return v;
    return 0;
}

// The group itself and what is above it. In a container the path may be the host's: then only the mount's root is here.
std::vector<Path> with_ancestors(const Path& mount, const std::string& group) {
    std::vector<Path> folders;
    for (Path at = Path(group).relative_path().lexically_normal(); !at.empty() && at != "."; at = at.parent_path())
        folders.push_back(mount / at);
    folders.push_back(mount);
    return folders;
}

template <class T>
void tighten(std::optional<T>& limit, T other) {
    limit = limit ? std::min(*limit, other) : other;
}

void take_memory(CgroupLimits& l, std::optional<std::int64_t> limit, std::optional<std::int64_t> used,
                 std::int64_t droppable) {
    constexpr std::int64_t none = std::int64_t(1) << 60;  // v1 writes "no limit" as a huge number
    if (!limit || *limit >= none) return;
    tighten(l.memory, *limit);
    if (used) tighten(l.memory_left, std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, *used - droppable)));
}

void take_v2(CgroupLimits& l, const Path& folder) {
    std::ifstream file(folder / "cpu.max");  // "max 100000" or "150000 100000"
    double quota = 0, period = 0;
    if (file >> quota >> period && quota > 0 && period > 0) tighten(l.processors, quota / period);
    take_memory(l, number_in(folder / "memory.max"), number_in(folder / "memory.current"),
                number_of(folder / "memory.stat", "inactive_file"));
}

void take_v1_cpu(CgroupLimits& l, const Path& folder) {
    const auto quota = number_in(folder / "cpu.cfs_quota_us"), period = number_in(folder / "cpu.cfs_period_us");
    if (quota && period && *quota > 0 && *period > 0) tighten(l.processors, double(*quota) / double(*period));
}

void take_v1_memory(CgroupLimits& l, const Path& folder) {
    take_memory(l, number_in(folder / "memory.limit_in_bytes"), number_in(folder / "memory.usage_in_bytes"),
                number_of(folder / "memory.stat", "total_inactive_file"));
}

}  // namespace

CgroupLimits cgroup_limits(const Path& root) {
    CgroupLimits limits;
    const Path mount = root / "sys/fs/cgroup";
    std::ifstream groups(root / "proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {  // "0::/user.slice", "4:cpu,cpuacct:/docker/1f"
        std::istringstream fields(line);
        std::string number, controllers, group;
        std::getline(fields, number, ':');
        std::getline(fields, controllers, ':');
        std::getline(fields, group);
        const std::string list = "," + controllers + ",";
        if (number == "0")
            for (const Path& folder : with_ancestors(mount, group)) take_v2(limits, folder);
        else if (list.find(",cpu,") != list.npos)
            for (const Path& folder : with_ancestors(mount / "cpu", group)) take_v1_cpu(limits, folder);
        else if (list.find(",memory,") != list.npos)
            for (const Path& folder : with_ancestors(mount / "memory", group)) take_v1_memory(limits, folder);
    }
    return limits;
}

}  // namespace quern
