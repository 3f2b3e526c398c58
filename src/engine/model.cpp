#include "engine/model.h"

#include <algorithm>

#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "engine/baked_plan.h"
#include "engine/retry.h"
#include "models/architecture.h"

namespace quern::engine {
namespace {

// A context that was not asked for takes at most this share of the memory that is left beside the weights.
constexpr double state_share = 0.5;
constexpr std::int64_t least_context = 512;

// Pages are taken as they are written, so what does not fit would be found out in the middle of an answer.
void check_fits(const Graph& graph, std::int64_t context, const LoadOptions& o) {
    const std::int64_t needed = state_bytes(graph, context, o.step_rows) * o.sequences, available = available_memory();
    if (available == 0 || needed <= available) return;
    constexpr double gib = 1024.0 * 1024 * 1024;
    throw Error(Code::no_memory,
                "a context of {} tokens was asked for, whose keys and values take {:.1f} GiB, and {:.1f} GiB of memory "
                "are free; ask for fewer tokens, or for --kv-type f16",
                context, static_cast<double>(needed) / gib, static_cast<double>(available) / gib);
}

// The model's own context, or the largest whose state fits.
std::int64_t default_context(const Graph& graph, std::int64_t own, std::int64_t weight_bytes, const LoadOptions& o) {
    const std::int64_t available = available_memory();
    if (available == 0) return own;
    const double budget = static_cast<double>(std::max<std::int64_t>(0, available - weight_bytes)) * state_share;
    std::int64_t context = own;
    while (context > least_context &&
           static_cast<double>(state_bytes(graph, context, o.step_rows) * o.sequences) > budget)
        context /= 2;
    return context;
}

}  // namespace

std::unique_ptr<Graph> record_graph(MappedWeights& weights, const GraphOptions& options) {
    const gguf::File& file = weights.file();
    const auto& architecture = models::find_architecture(file.metadata().need_string("general.architecture"));
    auto graph = std::make_unique<Graph>(weights, options);
    architecture.record(*graph, file.metadata());
    std::vector<std::string_view> names;
    for (const gguf::TensorInfo& t : file.tensors()) names.push_back(t.name);
    models::check_all_used(*graph, names);
    return graph;
}

std::int64_t state_bytes(const Graph& graph, std::int64_t tokens, std::int64_t step_rows) {
    Capacity capacity;
    capacity.max_tokens_per_sequence = tokens;
    capacity.max_step_rows = std::min(step_rows, tokens);
    return Pages::planned_bytes(graph.states(), capacity);
}

Model::Model(std::shared_ptr<const gguf::File> file, LoadOptions options)
    : options_(std::move(options)), weights_(std::move(file)) {}

std::unique_ptr<Model> Model::load(const Path& path, LoadOptions options) {
    auto file = std::make_shared<gguf::File>(gguf::File::open(path));  // its errors name the path
    try {
        return load(std::move(file), std::move(options));
    } catch (Error& e) {
        e.during("loading {}", path.string());
        throw;
    }
}

std::unique_ptr<Model> Model::load(std::shared_ptr<const gguf::File> file, LoadOptions options) {
    std::unique_ptr<Model> m(new Model(std::move(file), std::move(options)));
    LoadOptions& o = m->options_;
    const gguf::Metadata& meta = m->file().metadata();
    const std::string context_key = std::string(meta.need_string("general.architecture")) + ".context_length";

    // The context decides RoPE scalings that depend on length, so a graph recorded to learn the size of the state is
    // recorded again when the context turns out to be another.
    m->graph_ = record_graph(m->weights_, {o.kv_type, o.context});
    const std::int64_t own = meta.need_integer(context_key);
    if (o.context > 0) check_fits(*m->graph_, o.context, o);
    m->context_ = o.context > 0 ? o.context : default_context(*m->graph_, own, m->weights_.bytes(), o);
    if (o.context == 0 && m->context_ != own) m->graph_ = record_graph(m->weights_, {o.kv_type, m->context_});
    o.step_rows = std::min(o.step_rows, m->context_);
    if (o.step_rows < 1)
        throw Error(Code::bad_request, "a step of {} tokens was asked for, expected 1 or more", o.step_rows);
    if (o.logit_rows == 0) o.logit_rows = o.sequences;

    if (meta.has("tokenizer.ggml.model")) {
        m->tokenizer_ = text::Tokenizer::from_gguf(meta);
        try {
            m->template_ = text::find_chat_template(meta, *m->tokenizer_);
        } catch (const Error& e) {
            m->template_error_.emplace(e);  // only who chats needs it
        }
    }
    Capacity capacity;
    capacity.max_sequences = o.sequences;
    capacity.max_tokens_per_sequence = m->context_;
    capacity.max_step_rows = o.step_rows;
    m->pages_ = std::make_unique<Pages>(m->graph_->states(), capacity);
    m->pool_ = std::make_unique<ThreadPool>(o.threads);
    if (o.progress) m->weights_.prefetch(o.progress);

    exec::ExecutorOptions e;
    e.limits = {o.step_rows, o.sequences, o.logit_rows, m->pool_->size()};
    e.precision = o.precision;
    for (std::size_t g = 0; g < m->graph_->states().size(); ++g)
        e.pages.push_back(m->pages_->table_stride(static_cast<int>(g)));
    m->file().check_intact();
    if (!o.ledger) o.ledger = std::make_shared<dispatch::Ledger>();
    o.policy.broken = o.ledger->broken_isa();
    m->make_executor(std::move(e));
    m->vocab_ = m->graph_->info(m->graph_->find_output("logits")).type.dims[1].constant();
    if (m->tokenizer_ && m->tokenizer_->vocab_size() > m->vocab_)
        throw Error(Code::bad_file, "the tokenizer has {} tokens, but the model only {}", m->tokenizer_->vocab_size(),
                    m->vocab_);
    if (o.patience > 0) m->watchdog_.emplace(o.patience);
    m->tables_.resize(m->graph_->states().size());
    return m;
}

// With the kernels of a baked plan where there is one that fits, else with kernels chosen now.
void Model::make_executor(exec::ExecutorOptions e) {
    const LoadOptions& o = options_;
    const auto make = [&](exec::Chooser choose) {
        e.choose = std::move(choose);
        executor_ = std::make_unique<exec::Executor>(*graph_, weights_, *pages_, *pool_, e);
    };
    const BakedPlan::Key key = plan_key(file(), o, e.limits);
    const Path found = !o.plan.empty() ? o.plan : !o.plans.empty() ? plan_file(o.plans, key) : Path();
    std::error_code ignored;
    if (!o.plan.empty() || (!found.empty() && std::filesystem::exists(found, ignored))) {
        try {
            const BakedPlan plan = BakedPlan::read(found);
            plan_set_aside_ = plan.misfit(key);
            if (plan_set_aside_.empty()) {
                make(plan.chooser(o.policy, *o.ledger));
                plan_ = found;
                return;
            }
        } catch (const Error& error) {
            if (!o.plan.empty() && error.code != Code::unsupported) throw;
            plan_set_aside_ = error.what();
        }
        plan_set_aside_ = fmt::format("the plan {} is set aside: {}", found.string(), plan_set_aside_);
    }
    make(exec::chooser(o.policy, o.ledger.get()));
}

const text::ChatTemplate& Model::chat_template() const {
    if (template_) return *template_;
    if (template_error_) throw Error(*template_error_);
    throw Error(Code::unsupported, "the file has no tokenizer, so nothing can be said to it in words");
}

void Model::add_rows(exec::Batch& batch, const Chunk& c) {
    pages_->reserve(c.sequence, static_cast<std::int64_t>(c.tokens.size()));
    for (std::size_t g = 0; g < tables_.size(); ++g) tables_[g] = pages_->table(static_cast<int>(g), c.sequence);
    batch.add(c.tokens, static_cast<std::int32_t>(pages_->length(c.sequence)), tables_, c.wanted);
}

std::unique_ptr<exec::Executor> Model::make_variant(exec::Chooser choose) {
    exec::ExecutorOptions e;
    e.limits = executor_->limits();
    e.precision = options_.precision;
    for (std::size_t g = 0; g < tables_.size(); ++g) e.pages.push_back(pages_->table_stride(static_cast<int>(g)));
    e.choose = std::move(choose);
    return std::make_unique<exec::Executor>(*graph_, weights_, *pages_, *pool_, std::move(e));
}

void Model::step(std::span<const Chunk> chunks) {
    executor_->batch().clear();
    for (const Chunk& c : chunks) {
        for (const std::int32_t t : c.tokens)
            if (t < 0 || t >= vocab_)
                throw Error(Code::bad_request, "token id {} is outside the vocabulary of {}", t, vocab_);
        add_rows(executor_->batch(), c);
    }
    if (fault::hit(fault::Point::mapping_cut)) file().parts()[0].lose_pages();
    run_step({*executor_, *options_.ledger, options_.policy, file(), options_.notice});
    for (const Chunk& c : chunks) pages_->advance(c.sequence, static_cast<std::int64_t>(c.tokens.size()));
}

}  // namespace quern::engine
