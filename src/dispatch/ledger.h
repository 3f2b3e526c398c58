// What is known of kernels on this machine: for each kernel and shape class the verdict of its proof, and for each size
// at which it was measured its times. Kept in a small
// SQLite database under QUERN_HOME, so that a proof is made once for a build and a processor; where that cannot be read
// or written, in memory only. Several processes may use the same file at the same time.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "dispatch/choose.h"
#include "dispatch/health.h"
#include "dispatch/proof/prove.h"

namespace quern::dispatch {

// What proofs depend on beside the kernel: this build (the linker's id) and this processor (model, stepping, microcode,
// instruction sets).
std::string build_id();
// A kernel with its version, as it stands in the ledger: "linear.f32x16.avx2 v1".
std::string kernel_name(const KernelSpec& kernel);
// Where crash.h keeps what became of kernels, for the ledger in this file to take up.
Path crash_records(const Path& ledger);
std::string hardware_id();

class Ledger {
public:
    Ledger();                           // in memory
    explicit Ledger(const Path& file);  // empty: in memory
    ~Ledger();
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // The verdict that is known, or a proof made now and kept; a failed one leaves a file in failures(). Any thread.
    // Throws Error(io) when no proof can be made.
    Verdict verdict(const KernelSpec& kernel, const Request& request);
    // The verdict that is known; makes none.
    std::optional<Verdict> known(const KernelSpec& kernel, const Request& request);

    // Its times at this size, where they were measured by this build on this processor, make sense, and are stable.
    std::optional<Timing> timing(const KernelSpec& kernel, const Request& request);
    void keep(const KernelSpec& kernel, const Request& request, const Timing& timing);

    // The verdict of a tier's self-test: known, or made now and kept; made now in any case if asked to be made again.
    Verdict self_test(const IsaTier& tier, bool again = false);
    // The instruction sets, of those that this processor has, whose self-test has failed, as bits.
    Isa broken_isa();

    // Takes a kernel out for this build and processor, whatever it is to compute: it crashed, hung or gave wrong
    // results in use, as the sentence says. Scalar models are never out.
    void failed_in_use(const KernelSpec& kernel, const std::string& sentence);
    // Why a kernel is out, be it for a while or for good; empty: it is not.
    std::string out_of_use(const KernelSpec& kernel);
    Health& health() { return health_; }

    // A folder beside the ledger's file (dispatch/failure.h); empty: in memory.
    const Path& failures() const { return failures_; }

    int proved() const { return proved_; }  // proofs made by this object
    // Why the file is not used, as a sentence; empty: it is, or none was asked for.
    const std::string& trouble() const { return trouble_; }
    // What became of the file, where it is used nonetheless: it was damaged and is begun anew. Empty: nothing.
    const std::string& notice() const { return notice_; }

private:
    struct Database;
    using Key = std::pair<std::string, std::string>;  // kernel with version, shape class
    static Key key(const KernelSpec& kernel, const Request& request);
    static Key use_key(const std::string& kernel) { return {kernel, "in use"}; }
    void take_crashes(const Path& file);
    void give_up(const Error& e);
    static Key size_key(const KernelSpec& kernel, const Request& request);
    void keep_failure(const KernelSpec& kernel, const Request& request, const Verdict& v);
    // Does something with the database, where there is one; without it from then on, when it cannot be done.
    template <class Do>
    void with_database(Do something);

    std::mutex mutex_;
    std::map<Key, Verdict> verdicts_;
    std::map<Key, std::optional<Timing>> timings_;
    std::unique_ptr<Database> database_;
    Health health_;
    Path failures_;
    Path file_;
    std::uint64_t inode_ = 0;  // of the file that was opened: another may stand at its path since
    std::string trouble_, notice_;
    int proved_ = 0;
};

}  // namespace quern::dispatch
