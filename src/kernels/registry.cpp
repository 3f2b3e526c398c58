#include "kernels/spec.h"

namespace quern {
namespace {
constinit const Registered* head = nullptr;
}

Registered::Registered(const KernelSpec& s) : spec(s), next(head) { head = this; }
const Registered* registered() { return head; }

std::string_view name(Numerics n) {
    switch (n) {
        case Numerics::double_sum:
            return "double_sum";
        case Numerics::plain:
            return "plain";
        case Numerics::f32x16:
            return "f32x16";
    }
    return "unknown";
}

std::string_view name(Reason r) {
    static constexpr std::string_view names[] = {
#define X(name, text) #name,
        QUERN_REASONS(X)
#undef X
    };
    return names[std::size_t(r)];
}

std::string_view sentence(Reason r) {
    static constexpr std::string_view texts[] = {
#define X(name, text) text,
        QUERN_REASONS(X)
#undef X
    };
    return texts[std::size_t(r)];
}

}  // namespace quern
