// A model, loaded: file, tokenizer, graph, plans, state, threads. Everything that costs time or memory happens in
// load(); what it takes is decided, and can be printed, before it is taken. Sessions (session.h) run on it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/crash.h"
#include "base/error.h"
#include "base/file.h"
#include "dispatch/ledger.h"
#include "exec/executor.h"
#include "format/gguf/file.h"
#include "state/pages.h"
#include "text/template/chat.h"
#include "text/tokenizer/tokenizer.h"
#include "weights/mapped.h"

namespace quern::engine {

struct LoadOptions {
    std::int64_t context = 0;    // tokens a sequence may have; 0: the model's own, or what fits in memory
    DType kv_type = DType::f32;  // of the stored keys and values
    exec::Precision precision = exec::Precision::exact;  // of activations where weights are quantised
    int threads = 0;                                     // 0: one per processor
    int sequences = 1;                                   // open at the same time
    std::int64_t step_rows = 512;                        // most tokens in one step: longer prompts are taken in chunks
    std::int64_t logit_rows = 0;                         // rows of one step that may want logits; 0: one per sequence
    dispatch::Policy policy = dispatch::machine_policy();
    std::shared_ptr<dispatch::Ledger> ledger{};  // of proofs; null: one in memory, for this model
    Path plan{};                                 // a baked plan to compute it with, where it fits
    Path plans{};  // where `plan` is empty: a folder that may hold one; empty: none is looked for
    std::function<void(std::int64_t done, std::int64_t total)> progress{};  // bytes of weights brought into memory
    std::function<void(const std::string&)> notice{};  // told when a step had to be done again, and why
    double patience = 0;                               // seconds that a kernel may run; then the process ends. 0: any
};

class Model {
public:
    // Throws Error, which says what was being loaded and what is wrong with it.
    static std::unique_ptr<Model> load(const Path& path, LoadOptions options);

    const gguf::File& file() const { return weights_.file(); }
    // Null when the file has no tokenizer: then only ids can be run.
    const text::Tokenizer* tokenizer() const { return tokenizer_.get(); }
    // Throws Error(unsupported), which suggests --raw, when the file's template is not known.
    const text::ChatTemplate& chat_template() const;
    std::int64_t context() const { return context_; }
    std::int64_t vocab() const { return vocab_; }
    const LoadOptions& options() const { return options_; }

    // The baked plan it is computed with; empty: kernels were chosen when it was loaded.
    const Path& plan() const { return plan_; }
    // Why a plan that was found is not used, as a sentence; empty: none was found, or it is used.
    const std::string& plan_set_aside() const { return plan_set_aside_; }

    Graph& graph() { return *graph_; }
    Pages& pages() { return *pages_; }
    exec::Executor& executor() { return *executor_; }
    const exec::Executor& executor() const { return *executor_; }

    // The next tokens of some sequences as one step. wanted: rows (from 0) whose logits are wanted.
    struct Chunk {
        int sequence;
        std::span<const std::int32_t> tokens;
        std::span<const std::int32_t> wanted;
    };
    // Runs a step and counts its tokens; logits of the wanted rows, in order of chunks, are then executor().output(
    // "logits"). All chunks together hold at most options().step_rows tokens. Throws Error; then no sequence has moved.
    void step(std::span<const Chunk> chunks);

    // For tuning: another executor over the same weights, state and threads, and the rows of a step for it, which are
    // reserved and not counted.
    std::unique_ptr<exec::Executor> make_variant(exec::Chooser choose);
    void add_rows(exec::Batch& batch, const Chunk& chunk);

private:
    Model(std::shared_ptr<const gguf::File> file, LoadOptions options);
    static std::unique_ptr<Model> load(std::shared_ptr<const gguf::File> file, LoadOptions options);
    void make_executor(exec::ExecutorOptions options);

    LoadOptions options_;
    MappedWeights weights_;
    std::unique_ptr<text::Tokenizer> tokenizer_;
    std::unique_ptr<text::ChatTemplate> template_;
    std::optional<Error> template_error_;
    std::unique_ptr<Graph> graph_;
    std::unique_ptr<Pages> pages_;
    std::unique_ptr<ThreadPool> pool_;
    std::unique_ptr<exec::Executor> executor_;
    std::optional<crash::Watchdog> watchdog_;
    std::int64_t context_ = 0, vocab_ = 0;
    Path plan_;
    std::string plan_set_aside_;
    std::vector<const std::int32_t*> tables_;  // scratch of step()
};

// The graph of a file's model, checked against the file: every tensor used or ignored, every shape as needed. The
// weights must outlive it.
std::unique_ptr<Graph> record_graph(MappedWeights& weights, const GraphOptions& options);

// Bytes of state for one sequence of this many tokens.
std::int64_t state_bytes(const Graph& graph, std::int64_t tokens, std::int64_t step_rows);

}  // namespace quern::engine
