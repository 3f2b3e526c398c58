// The cases that a kernel must pass for a shape class. A list depends on the request only, so that a case is known by
// its place in the list and its text.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dispatch/choose.h"

namespace quern::dispatch {

struct ProofCase {
    std::string text;
    // What is wrong with the kernel, as a sentence; empty: nothing.
    std::function<std::string(const KernelSpec& kernel, const KernelSpec& model)> check;
};

// Proxies take some milliseconds together; the full extent adds cases at the request's own sizes.
enum class Extent : std::uint8_t { proxies, full };

std::vector<ProofCase> proof_cases(const Request& request, Extent extent);  // empty: there are none for this op

}  // namespace quern::dispatch
