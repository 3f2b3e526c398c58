// Faults on demand, for tests: in a build with -DQUERN_FAULTS=ON, QUERN_FAULT=point:nth[:kind] makes the nth hit of a
// point go wrong. Kinds: once (the default), always (this hit and every later one), or a name, which makes hits with
// that name go wrong from the nth such on. In other builds hit() is false and nothing of this is left.
#pragma once

#include <cstdint>
#include <string_view>

namespace quern::fault {

// Each point once, with what goes wrong there. tests/e2e/faults_test.cpp walks all of them.
#define QUERN_FAULT_POINTS(X)                                         \
    X(kernel_crash, "a kernel executes an illegal instruction")       \
    X(kernel_hang, "a kernel never ends")                             \
    X(kernel_nan, "a kernel writes NaN")                              \
    X(kernel_fault, "a kernel reports that its device failed")        \
    X(proof_wrong, "a kernel gives wrong results while it is proved") \
    X(fork, "no process can be made for a proof")                     \
    X(allocation, "the system has no memory left")                    \
    X(mapping_cut, "a mapped file has become shorter")                \
    X(file_read, "reading a file fails")                              \
    X(file_write, "the disk is full while a file is written")         \
    X(ledger_corrupt, "the ledger is no database")                    \
    X(ledger_write, "the disk is full while the ledger is written")   \
    X(plan_bucket, "a baked plan lacks a kernel for a bucket")        \
    X(isa_selftest, "an instruction set computes wrong in its self-test")

enum class Point : std::uint8_t {
#define X(name, text) name,
    QUERN_FAULT_POINTS(X)
#undef X
};

// Takes "point:nth[:kind]"; empty: no fault. Throws Error(bad_request) for what is none, and Error(unsupported) where
// this build has no faults.
void arm(std::string_view text);

#ifdef QUERN_FAULTS
constexpr bool compiled = true;
// Counts a hit; true when this one is to go wrong. Any thread.
bool hit(Point point, std::string_view name = {}) noexcept;
#else
constexpr bool compiled = false;
constexpr bool hit(Point, std::string_view = {}) noexcept { return false; }
#endif

}  // namespace quern::fault
