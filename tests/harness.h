// For tests of exec/ and above: weights made by a hash, and a model recorded by a function, ready to take steps. All
// bits are reproducible.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "exec/executor.h"
#include "state/pages.h"
#include "tensor/lease.h"

namespace quern::test {

// A number in [-1, 1) from a name and an index.
inline float hashed(std::string_view name, std::uint64_t i) {
    const std::uint64_t h = splitmix64(fnv1a(name) + i);
    return static_cast<float>(h >> 40) / static_cast<float>(1 << 23) - 1.0f;
}

// Makes f32 tensors on demand: whoever declares a shape gets numbers for it. Counts leases.
class HashWeights : public WeightSource {
public:
    // Declares a tensor; numbers are offset + scale * hash.
    void add(const std::string& name, std::vector<std::int64_t> dims, float scale, float offset = 0) {
        std::int64_t n = 1;
        for (const std::int64_t d : dims) n *= d;
        Tensor& t = tensors_.emplace_back();
        t.info.id = static_cast<int>(tensors_.size()) - 1;
        t.info.dims = std::move(dims);
        t.data.resize(std::size_t(n));
        for (std::size_t i = 0; i < t.data.size(); ++i) t.data[i] = offset + scale * hashed(name, i);
        by_name_[name] = t.info.id;
    }
    std::optional<WeightInfo> find(std::string_view name) const override {
        const auto it = by_name_.find(std::string(name));
        return it == by_name_.end() ? std::nullopt : std::optional(tensors_[std::size_t(it->second)].info);
    }
    View bind(int id) override {
        Tensor& t = tensors_[std::size_t(id)];
        return dense_view(t.data.data(), DType::f32, t.info.dims.data(), static_cast<int>(t.info.dims.size()));
    }
    bool acquire(int id, const std::int32_t* experts, std::int64_t count, const std::byte** slabs) noexcept override {
        const Tensor& t = tensors_[std::size_t(id)];
        const std::int64_t slab = static_cast<std::int64_t>(t.data.size()) / t.info.dims[0];
        for (std::int64_t i = 0; i < count; ++i)
            slabs[experts[i]] = reinterpret_cast<const std::byte*>(t.data.data() + experts[i] * slab);
        leased_ += count;
        return !broken_;
    }
    void release(int, const std::int32_t*, std::int64_t count) noexcept override { leased_ -= count; }
    std::int64_t leased() const { return leased_; }
    void break_leases() { broken_ = true; }

private:
    struct Tensor {
        WeightInfo info;
        std::vector<float> data;
    };
    std::vector<Tensor> tensors_;
    std::map<std::string, int> by_name_;
    std::int64_t leased_ = 0;
    bool broken_ = false;
};

struct HarnessOptions {
    int threads = 2, sequences = 6;
    std::int64_t context = 512, rows = 256;
    DType kv_type = DType::f32;
};

class Harness {
public:
    Harness(HashWeights& weights, const std::function<void(Graph&)>& record, HarnessOptions o = {})
        : graph(weights, {o.kv_type, o.context}), pool(o.threads) {
        record(graph);
        Capacity capacity;
        capacity.max_sequences = o.sequences;
        capacity.max_tokens_per_sequence = o.context;
        capacity.max_step_rows = o.rows;
        pages = std::make_unique<Pages>(graph.states(), capacity);
        exec::ExecutorOptions e;
        e.limits = {o.rows, o.sequences, o.rows, o.threads};
        e.choose = exec::chooser(dispatch::machine_policy(), nullptr);
        for (std::size_t g = 0; g < graph.states().size(); ++g)
            e.pages.push_back(pages->table_stride(static_cast<int>(g)));
        executor = std::make_unique<exec::Executor>(graph, weights, *pages, pool, std::move(e));
    }

    struct Part {
        int sequence;
        std::vector<std::int32_t> tokens;
    };
    // Runs these as one step and gives the logits of every row, part by part.
    std::vector<std::vector<float>> step(const std::vector<Part>& parts) {
        exec::Batch& batch = executor->batch();
        batch.clear();
        for (const Part& p : parts) {
            pages->reserve(p.sequence, static_cast<std::int64_t>(p.tokens.size()));
            std::vector<const std::int32_t*> tables;
            for (std::size_t g = 0; g < graph.states().size(); ++g)
                tables.push_back(pages->table(static_cast<int>(g), p.sequence));
            std::vector<std::int32_t> all(p.tokens.size());
            for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
            batch.add(p.tokens, static_cast<std::int32_t>(pages->length(p.sequence)), tables, all);
        }
        executor->run();
        for (const Part& p : parts) pages->advance(p.sequence, static_cast<std::int64_t>(p.tokens.size()));
        const View logits = executor->output("logits");
        std::vector<std::vector<float>> rows;
        for (std::int64_t r = 0; r < logits.rows(); ++r)
            rows.emplace_back(logits.row<float>(r), logits.row<float>(r) + logits.last());
        return rows;
    }
    // All tokens through a sequence in chunks of at most `chunk`; logits of every token.
    std::vector<std::vector<float>> feed(int sequence, const std::vector<std::int32_t>& tokens, std::size_t chunk) {
        std::vector<std::vector<float>> all;
        for (std::size_t i = 0; i < tokens.size(); i += chunk) {
            const auto end = tokens.begin() + std::ptrdiff_t(std::min(i + chunk, tokens.size()));
            for (auto& row : step({{sequence, {tokens.begin() + std::ptrdiff_t(i), end}}}))
                all.push_back(std::move(row));
        }
        return all;
    }

    Graph graph;
    ThreadPool pool;
    std::unique_ptr<Pages> pages;
    std::unique_ptr<exec::Executor> executor;
};

inline std::vector<std::int32_t> hashed_tokens(std::string_view name, std::size_t n, std::int32_t vocab) {
    std::vector<std::int32_t> t(n);
    for (std::size_t i = 0; i < n; ++i)
        t[i] = static_cast<std::int32_t>(splitmix64(fnv1a(name) + i) % std::uint64_t(vocab));
    return t;
}

}  // namespace quern::test
