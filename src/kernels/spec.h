// What a kernel declares about itself: a constexpr KernelSpec beside its code, limits as data. The selector refuses by
// these, explain prints them, tests aim at their edges; nothing that stands here is unchecked. Absent means
// unsupported. A kernel registers itself from its own file; each shared object hands its list over through registry.h.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "ops/op.h"

namespace quern {

// A part of a kernel's job: items [begin, end) of the items the spec counts. Kernels never wait, allocate or throw.
struct Work {
    std::int64_t begin = 0, end = 0;
    int worker = 0;
    std::byte* workspace = nullptr;  // this worker's own, workspace() bytes, aligned to buffer_alignment
};
using Run = Status (*)(const void* args, const Work& work) noexcept;

enum class Home : std::uint8_t { reference, x86 };
std::string_view name(Home h);

// Instruction sets beyond the platform's baseline, as bits. A wider one includes the narrower.
enum class Isa : std::uint32_t {
    none = 0,
    avx2_fma = 1,    // AVX2, FMA, F16C
    avx512 = 2 | 1,  // AVX-512 F, BW, DQ, VL
};
// The tiers that `--isa` names, narrowest first: scalar, avx2, avx512.
struct IsaTier {
    std::string_view name;
    Isa isa;
};
std::span<const IsaTier> isa_tiers();
std::string_view name(Isa isa);

constexpr bool covers(Isa have, Isa need) {
    return (static_cast<std::uint32_t>(have) & static_cast<std::uint32_t>(need)) == static_cast<std::uint32_t>(need);
}

constexpr bool any_of(Isa need, Isa of) {
    return (static_cast<std::uint32_t>(need) & static_cast<std::uint32_t>(of)) != 0;
}

// A set of dtypes, for weights and states.
class DTypeSet {
public:
    constexpr DTypeSet() = default;
    constexpr DTypeSet(std::initializer_list<DType> list) {
        for (const DType d : list) bits_ |= std::uint64_t(1) << std::uint64_t(d);
    }
    constexpr bool has(DType d) const { return (bits_ >> std::uint64_t(d) & 1) != 0; }
    static constexpr DTypeSet every() {
        DTypeSet s;
        s.bits_ = (std::uint64_t(1) << std::uint64_t(DType::count_)) - 1;
        return s;
    }

private:
    std::uint64_t bits_ = 0;
};
constexpr DTypeSet decodable() {  // every format that tensor/quant/ decodes
    return {DType::f32,     DType::f16,   DType::bf16,   DType::f8_e4m3, DType::q4_0,    DType::q4_1,   DType::q5_0,
            DType::q5_1,    DType::q8_0,  DType::q8_1,   DType::q2_k,    DType::q3_k,    DType::q4_k,   DType::q5_k,
            DType::q6_k,    DType::q8_k,  DType::iq1_s,  DType::iq1_m,   DType::iq2_xxs, DType::iq2_xs, DType::iq2_s,
            DType::iq3_xxs, DType::iq3_s, DType::iq4_nl, DType::iq4_xs,  DType::tq1_0,   DType::tq2_0,  DType::mxfp4};
}

// A written recipe that fixes the bits of a result; kernels of one class are interchangeable. `plain` is the class of
// the ops that have a single kernel; `double_sum` is the reference that bounds the error of the others.
enum class Numerics : std::uint8_t { double_sum, plain, f32x16, i8 };
std::string_view name(Numerics n);

enum class Limit : std::uint8_t { none, k, head_dim };  // what a constraint is about
enum class Reason : std::uint8_t {
#define QUERN_REASONS(X)                                                 \
    X(isa_missing, "this processor lacks the instructions")              \
    X(isa_disabled, "--isa does not allow its instructions")             \
    X(isa_selftest_failed, "its instructions compute wrong here")        \
    X(denied, "--deny names it")                                         \
    X(not_allowed, "--allow names others only")                          \
    X(weight_dtype, "it does not read this weight format")               \
    X(state_dtype, "it does not read this state format")                 \
    X(disproved, "its proof on this machine failed")                     \
    X(unhealthy, "it failed in use")                                     \
    X(not_multiple, "a dim is not a multiple of what it needs")          \
    X(other_class, "it belongs to another numerics class than the node") \
    X(not_locked, "another kernel is locked for this op")
#define X(name, text) name,
    QUERN_REASONS(X)
#undef X
};
std::string_view name(Reason r);
std::string_view sentence(Reason r);

struct Constraint {
    Limit limit = Limit::none;
    std::int64_t multiple = 1;
};

// What one core reaches with a kernel where nothing else slows it down, as its author knows it: orders the kernels of a
// class until their times on this machine are known. The default is that of plain scalar code.
struct Speed {
    double flops = 0.5, bytes = 0.5;  // per cycle
};

struct KernelSpec {
    std::string_view id;  // its path: "linear.f32x16.avx2"
    Op op = Op::count_;
    Home home = Home::reference;
    Isa needs = Isa::none;
    DTypeSet weight{};  // ignored by ops without weights
    DTypeSet state{};   // ignored by ops without state
    std::array<Constraint, 2> must{};
    Numerics numerics = Numerics::plain;
    int version = 1;
    Speed speed{};
    std::int64_t (*items)(const void* args) noexcept = nullptr;     // independent parts of the job
    std::size_t (*workspace)(const void* args) noexcept = nullptr;  // bytes per worker; null: none
    Run run = nullptr;
};

// An intrusive list: no allocation, no order to rely on.
class Registered {
public:
    explicit Registered(const KernelSpec& s);
    const KernelSpec& spec;
    const Registered* next;
};
const Registered* registered();
const KernelSpec* find_kernel(std::string_view id);  // null: this build has none of that id

}  // namespace quern
