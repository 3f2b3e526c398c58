// What an instruction set is asked beside kernels: whether it computes what it should on this machine, and how much at
// the most. One probe per tier, in a file of its own beside that tier's kernels; it registers itself as they do.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernels/spec.h"

namespace quern {

// A loop of independent operations in registers: the most that one core can reach with these instructions.
struct Peak {
    std::string_view name{};                              // what is multiplied: "f32", "int8", "bf16"; empty: none
    double operations = 0;                                // of a round; a multiplication and an addition are two
    void (*run)(std::int64_t rounds) noexcept = nullptr;  // rounds >= 1
};

struct IsaProbe {
    Isa isa;
    // Computes with what the tier adds and compares with plain arithmetic on integers. May crash where the processor
    // lies about what it has: called in a child process (dispatch/proof/prove.h).
    bool (*selftest)() noexcept;
    std::array<Peak, 3> peaks;
};

struct RegisteredProbe {
    explicit RegisteredProbe(const IsaProbe& p);
    IsaProbe probe;
    const RegisteredProbe* next;
};
const IsaProbe* find_probe(Isa isa);  // null: this build has none, as for the baseline of other architectures

}  // namespace quern
