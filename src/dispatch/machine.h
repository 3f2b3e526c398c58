// What this machine reaches at the most: the limits that speeds are compared with. Each measurement takes well under a
// second, uses all threads of the pool, and gives the best of several tries, since others may use the machine too.
#pragma once

#include "base/file.h"
#include "base/threads.h"
#include "kernels/probe.h"

namespace quern::dispatch {

// Operations per second, of all threads together.
double peak_rate(const Peak& peak, ThreadPool& pool);

// Bytes per second that all threads together read from memory, out of a buffer larger than any cache. Throws
// Error(io) where there is no memory for it.
double read_bandwidth(ThreadPool& pool);

// Bytes per second from the disk that holds this file, past the cache of the system where the file system allows that
// (`cached` false), else as the system gives them. Reads at most 256 MB. Throws Error(io).
struct DiskRate {
    double bytes_per_second = 0;
    bool cached = false;
};
DiskRate disk_rate(const Path& file);

}  // namespace quern::dispatch
