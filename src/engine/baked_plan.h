// A baked plan: which kernel computes each task of a model, for each bucket of T, decided ahead and kept as a JSON file
// with what the decision depended on. Loading a model with a plan that still fits needs no choosing; a plan that does
// not is set aside with the reason. docs/file-formats.md describes the file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "dispatch/ledger.h"
#include "engine/model.h"

namespace quern::engine {

class BakedPlan {
public:
    static constexpr int schema = 1;
    // What the choices depended on, by name ("build", "kernels", "hardware", "model", "policy", ...), in a fixed order.
    using Key = std::vector<std::pair<std::string, std::string>>;
    struct Bucket {
        exec::Bucket rows;
        std::map<std::string, std::string> kernels;  // by task
    };

    // The plan that a loaded model is computed with.
    static BakedPlan of(const Model& model);
    // Throws Error(bad_file) saying what is wrong with the file; another schema than this build's is wrong, too.
    static BakedPlan read(const Path& file);
    void write(const Path& file) const;  // throws Error(io)

    const Key& key() const { return key_; }
    const std::vector<Bucket>& buckets() const { return buckets_; }

    // Why it does not fit a model that is loaded with these parts of a key, as a sentence; empty: it fits.
    std::string misfit(const Key& now) const;
    // Looks kernels up. Its calls throw Error(unsupported) where the plan names none, or one that may not be used: a
    // kernel needs its proof here too. The ledger must outlive it.
    exec::Chooser chooser(dispatch::Policy policy, dispatch::Ledger& ledger) const;

private:
    Key key_;
    std::vector<Bucket> buckets_;
};

// The key of a model that is being loaded.
BakedPlan::Key plan_key(const gguf::File& file, const LoadOptions& options, const exec::PlanLimits& limits);

// Where a plan of this key is kept under a folder of plans: one file for a model, a policy, threads and limits.
Path plan_file(const Path& folder, const BakedPlan::Key& key);

}  // namespace quern::engine
