#include "engine/tune.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/hash.h"

namespace quern::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double hopeless = 8;  // times slower than the best by declared speed: not measured
constexpr int least_rounds = 5, most_rounds = 51;
constexpr std::int64_t depth_wanted = 256;  // tokens before the steps that are timed

double microseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

// Candidates worth measuring, the expected winner first.
std::vector<const KernelSpec*> contenders(const dispatch::Request& r, const dispatch::Policy& policy,
                                          dispatch::Ledger& ledger) {
    std::vector<dispatch::Candidate> proved;
    for (const dispatch::Candidate& c : dispatch::choose(r, policy, &ledger).candidates)
        if (c.reasons.empty() && ledger.verdict(*c.spec, r).holds) proved.push_back(c);
    std::sort(proved.begin(), proved.end(), [](const auto& a, const auto& b) { return a.cycles < b.cycles; });
    std::vector<const KernelSpec*> list;
    for (const dispatch::Candidate& c : proved)
        if (c.cycles <= hopeless * proved.front().cycles) list.push_back(c.spec);
    return list;
}

// What is measured together: tasks of one size in one bucket.
struct Size {
    Measured measured;
    std::vector<int> steps;                      // of the plan
    std::vector<std::vector<double>> samples{};  // by candidate: microseconds a task
};

class Tuner {
public:
    Tuner(Model& model, const TuneOptions& options) : model_(model), options_(options) {
        find_sizes();
        for (int v = 0; v < variants_; ++v) variants_made_.push_back(make_variant(v));
        sequence_ = model.pages().open();
    }
    ~Tuner() { model_.pages().close(sequence_); }
    Tuner(const Tuner&) = delete;
    Tuner& operator=(const Tuner&) = delete;

    std::vector<Measured> run() {
        if (variants_ > 1) {
            fill();
            for (std::size_t b = 0; b < buckets_.size(); ++b) measure(b);
        }
        std::vector<Measured> all;
        for (auto& bucket : buckets_)
            for (auto& [key, size] : bucket) all.push_back(keep(size));
        return all;
    }

private:
    void find_sizes() {
        const exec::Executor& e = model_.executor();
        for (const exec::Plan* plan : e.plans()) {
            auto& sizes = buckets_.emplace_back();
            const auto symbols = exec::largest_symbols(e.program(), plan->bucket, e.limits());
            for (std::size_t i = 0; i < plan->steps.size(); ++i) {
                if (!plan->steps[i].kernel) continue;
                const exec::Task& t = e.program().tasks[std::size_t(plan->steps[i].task)];
                dispatch::Request r = exec::request_for(e.program(), t, symbols, e.limits().threads);
                const std::string key = dispatch::size_class(r);
                auto found = sizes.find(key);
                if (found == sizes.end()) {
                    Size size{{plan->bucket, r, 0, {}}, {}};
                    for (const KernelSpec* k : contenders(r, model_.options().policy, *model_.options().ledger))
                        size.measured.kernels.push_back({k, {}});
                    size.samples.resize(size.measured.kernels.size());
                    variants_ = std::max(variants_, static_cast<int>(size.measured.kernels.size()));
                    found = sizes.emplace(key, std::move(size)).first;
                }
                ++found->second.measured.tasks;
                found->second.steps.push_back(static_cast<int>(i));
            }
        }
    }

    // An executor in which every node has its candidate number v, counted round.
    std::unique_ptr<exec::Executor> make_variant(int v) {
        return model_.make_variant([this, v](const dispatch::Request& r, exec::Bucket rows) -> const KernelSpec* {
            for (const auto& bucket : buckets_) {
                const auto found = bucket.find(dispatch::size_class(r));
                if (found == bucket.end() || found->second.measured.rows.max_rows != rows.max_rows) continue;
                const auto& kernels = found->second.measured.kernels;
                return kernels[std::size_t(v) % kernels.size()].spec;
            }
            return nullptr;
        });
    }

    // Something to look back at.
    void fill() {
        const std::int64_t most = model_.options().step_rows;
        const std::int64_t depth = std::min(depth_wanted, model_.context() / 2);
        for (std::int64_t done = 0; done < depth;) {
            const std::vector<std::int32_t> tokens = some_tokens(std::min(most, depth - done));
            const Model::Chunk chunk{sequence_, tokens, {}};
            model_.step({&chunk, 1});
            done += static_cast<std::int64_t>(tokens.size());
        }
    }

    std::vector<std::int32_t> some_tokens(std::int64_t n) {
        std::vector<std::int32_t> tokens;
        for (std::int64_t i = 0; i < n; ++i) {
            random_ = splitmix64(random_);
            tokens.push_back(static_cast<std::int32_t>(random_ % static_cast<std::uint64_t>(model_.vocab())));
        }
        return tokens;
    }

    // Less to look back at where the context would not hold the step.
    void make_room(std::int64_t rows) {
        Pages& pages = model_.pages();
        const std::int64_t left = model_.context() - rows;
        if (pages.length(sequence_) > left) pages.truncate(sequence_, pages.can_truncate(sequence_, left) ? left : 0);
    }

    void measure(std::size_t b) {
        const exec::Bucket rows = model_.executor().plans()[b]->bucket;
        make_room(rows.max_rows);
        const std::vector<std::int32_t> tokens = some_tokens(rows.max_rows);
        for (int v = 0; v < variants_; ++v) step(b, v, tokens, false);
        const double share = options_.seconds * 1e6 / static_cast<double>(buckets_.size());
        const auto start = Clock::now();
        for (int round = 0; round < most_rounds; ++round) {
            if (round >= least_rounds && microseconds_since(start) > share) break;
            if (options_.progress)
                options_.progress(static_cast<std::int64_t>(b * most_rounds) + round,
                                  static_cast<std::int64_t>(buckets_.size()) * most_rounds);
            for (int v = 0; v < variants_; ++v) step(b, v, tokens, true);
        }
    }

    // One step with candidate v everywhere; its rows are written again by the next one.
    void step(std::size_t b, int v, const std::vector<std::int32_t>& tokens, bool count) {
        exec::Executor& e = *variants_made_[std::size_t(v)];
        const std::int32_t last = static_cast<std::int32_t>(tokens.size()) - 1;
        e.batch().clear();
        model_.add_rows(e.batch(), {sequence_, tokens, {&last, 1}});
        std::vector<Clock::time_point> begins;
        e.set_hook([&](int, int all) {
            if (begins.empty()) begins.reserve(std::size_t(all) + 1);
            begins.push_back(Clock::now());
            return true;
        });
        e.run();
        e.set_hook({});
        if (!count) return;
        for (auto& [key, size] : buckets_[b]) {
            const int candidates = static_cast<int>(size.samples.size());
            if (v >= candidates && candidates > 1) continue;  // counted round: the first has its sample already
            std::chrono::duration<double, std::micro> sum{};
            for (const int i : size.steps) sum += begins[std::size_t(i) + 1] - begins[std::size_t(i)];
            size.samples[std::size_t(v % candidates)].push_back(sum.count() / static_cast<double>(size.steps.size()));
        }
    }

    Measured keep(Size& size) {
        for (std::size_t c = 0; c < size.samples.size(); ++c) {
            Measured::Kernel& k = size.measured.kernels[c];
            k.timing = dispatch::timing_of(size.samples[c]);
            if (k.timing.n > 0) model_.options().ledger->keep(*k.spec, size.measured.request, k.timing);
        }
        return size.measured;
    }

    Model& model_;
    const TuneOptions& options_;
    std::vector<std::map<std::string, Size>> buckets_;
    int variants_ = 1, sequence_ = -1;
    std::vector<std::unique_ptr<exec::Executor>> variants_made_;
    std::uint64_t random_ = 1;
};

}  // namespace

std::vector<Measured> tune(Model& model, const TuneOptions& options) { return Tuner(model, options).run(); }

}  // namespace quern::engine
