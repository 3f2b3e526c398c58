// What this processor can do, asked of the processor and the operating system together (the latter must save the wide
// registers). Knows nothing of kernels: dispatch/ compares the answer with what specs need.
#pragma once

#include "kernels/spec.h"

namespace quern {

// The instruction sets of spec.h that may be used in this process; the same answer every time.
Isa cpu_isa();

}  // namespace quern
