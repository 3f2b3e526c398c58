// A failed proof as a file, so that it can be looked into: which kernel, on which case of which shape class, and what
// it did. `quern prove --replay FILE` runs exactly that case again.
#pragma once

#include "base/file.h"
#include "dispatch/proof/prove.h"

namespace quern::dispatch {

struct Failure {
    std::string kernel;
    int version = 1;
    std::string build;
    Request request;
    Extent extent = Extent::proxies;
    int number = 0;         // the case's place in proof_cases()
    std::string case_text;  // what the case is, to notice when another build has other cases
    std::string trouble;
};

// Throws Error(io).
void write(const Failure& failure, const Path& file);
// Throws Error(bad_file) saying what is wrong with the file.
Failure read_failure(const Path& file);

// The file of a kernel and shape class under a folder of failures.
Path failure_file(const Path& folder, const KernelSpec& kernel, const Request& request);

// The case again, on this kernel. Throws Error(unsupported) when this build has no such case.
Verdict replay(const Failure& failure, const KernelSpec& kernel);

}  // namespace quern::dispatch
