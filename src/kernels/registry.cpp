#include "kernels/probe.h"
#include "kernels/spec.h"

namespace quern {
namespace {
constinit const Registered* head = nullptr;
constinit const RegisteredProbe* probes = nullptr;
}  // namespace

RegisteredProbe::RegisteredProbe(const IsaProbe& p) : probe(p), next(probes) { probes = this; }
const IsaProbe* find_probe(Isa isa) {
    for (const RegisteredProbe* r = probes; r; r = r->next)
        if (r->probe.isa == isa) return &r->probe;
    return nullptr;
}

Registered::Registered(const KernelSpec& s) : spec(s), next(head) { head = this; }
const Registered* registered() { return head; }
const KernelSpec* find_kernel(std::string_view id) {
    for (const Registered* r = head; r; r = r->next)
        if (r->spec.id == id) return &r->spec;
    return nullptr;
}

std::string_view name(Home h) { return h == Home::reference ? "reference" : "x86"; }

std::span<const IsaTier> isa_tiers() {
    static constexpr IsaTier tiers[] = {{"scalar", Isa::none}, {"avx2", Isa::avx2_fma}, {"avx512", Isa::avx512}};
    return tiers;
}

std::string_view name(Isa isa) {
    for (const IsaTier& t : isa_tiers())
        if (t.isa == isa) return t.name;
    return "unknown";
}

std::string_view name(Numerics n) {
    switch (n) {
        case Numerics::double_sum:
            return "double_sum";
        case Numerics::plain:
            return "plain";
        case Numerics::f32x16:
            return "f32x16";
        case Numerics::i8:
            return "i8";
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
