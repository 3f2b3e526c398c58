// How much memory this process could still take: what the system calls available, or less where a control group limits
// it.
#pragma once

#include <cstdint>

namespace quern {

// Bytes; 0 when the system does not say.
std::int64_t available_memory();

}  // namespace quern
