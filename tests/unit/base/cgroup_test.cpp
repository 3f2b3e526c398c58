#include "base/cgroup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace quern {
namespace {

// A root file system with only what is written into it.
class Root {
public:
    Root() : path_(std::filesystem::temp_directory_path() / ("quern-cgroup-" + std::to_string(getpid()))) {
        std::filesystem::remove_all(path_);
    }
    ~Root() { std::filesystem::remove_all(path_); }
    void write(const std::string& file, const std::string& text) {
        std::filesystem::create_directories((path_ / file).parent_path());
        std::ofstream(path_ / file) << text;
    }
    CgroupLimits limits() const { return cgroup_limits(path_); }

private:
    Path path_;
};

TEST(Cgroup, WithoutFilesNothingIsLimited) {
    const CgroupLimits l = Root().limits();
    EXPECT_FALSE(l.processors || l.memory || l.memory_left);
}

TEST(Cgroup, Version2TakesTheTightestAncestor) {
    Root root;
    root.write("proc/self/cgroup", "0::/user.slice/job\n");
    root.write("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
    root.write("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
    root.write("sys/fs/cgroup/user.slice/memory.max", "8000\n");
    root.write("sys/fs/cgroup/user.slice/memory.current", "7000\n");
    root.write("sys/fs/cgroup/user.slice/memory.stat", "anon 1000\ninactive_file 6000\n");
    root.write("sys/fs/cgroup/user.slice/job/memory.max", "max\n");
    const CgroupLimits l = root.limits();
    EXPECT_EQ(l.processors, 1.5);
    EXPECT_EQ(l.memory, 8000);
    EXPECT_EQ(l.memory_left, 7000);
    root.write("sys/fs/cgroup/user.slice/job/cpu.max", "50000 100000\n");
    EXPECT_EQ(root.limits().processors, 0.5);
}

TEST(Cgroup, InAContainerThePathMayBeTheHosts) {
    Root root;
    root.write("proc/self/cgroup", "0::/system.slice/docker-12.scope\n");
    root.write("sys/fs/cgroup/cpu.max", "200000 100000\n");
    EXPECT_EQ(root.limits().processors, 2.0);
}

TEST(Cgroup, Version1HasATreeForEachController) {
    Root root;
    root.write("proc/self/cgroup", "9:name=systemd:/x\n4:memory:/docker/1f\n1:cpu,cpuacct:/docker/1f\n0::/\n");
    root.write("sys/fs/cgroup/cpu/docker/1f/cpu.cfs_quota_us", "300000");
    root.write("sys/fs/cgroup/cpu/docker/1f/cpu.cfs_period_us", "100000");
    root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
    root.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
    root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
    root.write("sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes", "5000");
    root.write("sys/fs/cgroup/memory/docker/1f/memory.usage_in_bytes", "6000");
    const CgroupLimits l = root.limits();
    EXPECT_EQ(l.processors, 3.0);
    EXPECT_EQ(l.memory, 5000);
    EXPECT_EQ(l.memory_left, 0);
}

TEST(Cgroup, NonsenseLimitsNothing) {
    Root root;
    root.write("proc/self/cgroup", "\n::\n0\nx:cpu:/a\n0::/a\n0::../../..\n");
    root.write("sys/fs/cgroup/a/cpu.max", "-5 0\n");
    root.write("sys/fs/cgroup/a/memory.max", "much\n");
    const CgroupLimits l = root.limits();
    EXPECT_FALSE(l.processors || l.memory || l.memory_left);
}

}  // namespace
}  // namespace quern
