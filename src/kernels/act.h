// The activations of gated units, in double: one definition for glu and for the experts of moe_inner, so that a mixture
// gives the bits of the plain composition.
#pragma once

#include "kernels/math.h"
#include "ops/rowwise.h"

namespace quern {

[[gnu::always_inline]] inline double activate(Act act, double x) {
    if (act == Act::silu) return x * math::sigmoid(x);
    constexpr double root_2_over_pi = 0.79788456080286535588;
    return 0.5 * x * (1 + math::tanh(root_2_over_pi * (x + 0.044715 * x * x * x)));
}

[[gnu::always_inline]] inline float gated(Act act, float gate, float up) {
    return static_cast<float>(activate(act, double(gate)) * double(up));
}

}  // namespace quern
