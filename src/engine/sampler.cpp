#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/hash.h"

namespace quern {

namespace {

[[noreturn]] void throw_not_finite(std::span<const float> logits, std::size_t i) {
    std::size_t bad = 0;
    for (const float x : logits) bad += !std::isfinite(x);
    throw Error(Code::device,
                "sampling: {} of {} logits are not finite (the first is {} for token {}), so the model's output is "
                "broken; check the model file, and the machine with `quern doctor`",
                bad, logits.size(), logits[i], i);
}

void check_finite(std::span<const float> logits) {
    for (std::size_t i = 0; i < logits.size(); ++i)
        if (!std::isfinite(logits[i])) throw_not_finite(logits, i);
}

void check_range(const char* name, float value, float least, float most, const char* meaning) {
    if (value >= least && value <= most) return;
    if (most == std::numeric_limits<float>::max())
        throw Error(Code::bad_request, "sampling options: {} is {}; give a number from {} ({})", name, value, least,
                    meaning);
    throw Error(Code::bad_request, "sampling options: {} is {}; give a number from {} to {} ({})", name, value, least,
                most, meaning);
}

void check_finite_option(const char* name, float value) {
    if (!std::isfinite(value))
        throw Error(Code::bad_request, "sampling options: {} is {}; give a finite number (0: off)", name, value);
}

void check_options(const SamplerOptions& o, std::int64_t vocabulary) {
    constexpr float most = std::numeric_limits<float>::max();
    check_range("temperature", *o.temperature, 0, most, "0: always the best token");
    check_range("top_p", *o.top_p, 0, 1, "1: off");
    check_range("min_p", *o.min_p, 0, 1, "0: off");
    check_range("typical_p", *o.typical_p, 0, 1, "1: off");
    check_finite_option("presence_penalty", *o.presence_penalty);
    check_finite_option("frequency_penalty", *o.frequency_penalty);
    if (!(*o.repeat_penalty > 0) || !std::isfinite(*o.repeat_penalty))
        throw Error(Code::bad_request, "sampling options: repeat_penalty is {}; give a number above 0 (1: off)",
                    *o.repeat_penalty);
    if (*o.top_k < -1)
        throw Error(Code::bad_request, "sampling options: top_k is {}; give how many tokens to keep (0: off)",
                    *o.top_k);
    if (*o.penalty_last_n < -1)
        throw Error(Code::bad_request,
                    "sampling options: penalty_last_n is {}; give how many tokens to look back (0: none, -1: all)",
                    *o.penalty_last_n);
    for (const auto& [token, bias] : o.logit_bias) {
        if (token < 0 || token >= vocabulary)
            throw Error(Code::bad_request,
                        "sampling options: logit_bias is given for token {}, but this model's tokens are 0 to {}",
                        token, vocabulary - 1);
        if (std::isnan(bias) || bias == std::numeric_limits<float>::infinity())
            throw Error(Code::bad_request, "sampling options: logit_bias of token {} is {}; give a finite number",
                        token, bias);
    }
}

// Whether a is the better token.
template <class C>
bool better(const C& a, const C& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

// Sorts as much of `all` by `before` as is needed for enough(item), called in that order, to become true, and drops
// what comes after that item.
template <class T, class Before, class Enough>
void keep_until(std::vector<T>& all, Before before, Enough enough) {
    std::size_t done = 0;
    for (std::size_t part = 128; done < all.size(); part *= 4) {
        const auto begin = all.begin() + std::ptrdiff_t(done);
        const auto end = begin + std::ptrdiff_t(std::min(part, all.size() - done));
        if (end != all.end()) std::nth_element(begin, end, all.end(), before);
        std::sort(begin, end, before);
        for (auto i = begin; i != end; ++i) {
            ++done;
            if (enough(*i)) return all.resize(done);
        }
    }
}

}  // namespace

const SamplerOptions& sampler_defaults() {
    static const SamplerOptions defaults{.temperature = 0.8f,
                                         .top_k = 40,
                                         .top_p = 0.95f,
                                         .min_p = 0.05f,
                                         .typical_p = 1.0f,
                                         .repeat_penalty = 1.0f,
                                         .presence_penalty = 0.0f,
                                         .frequency_penalty = 0.0f,
                                         .penalty_last_n = 64,
                                         .logit_bias = {},
                                         .seed = {}};
    return defaults;
}

SamplerOptions with_fallback(SamplerOptions own, const SamplerOptions& fallback) {
    const auto fill = [](auto& mine, const auto& theirs) {
        if (!mine) mine = theirs;
    };
    fill(own.temperature, fallback.temperature);
    fill(own.top_k, fallback.top_k);
    fill(own.top_p, fallback.top_p);
    fill(own.min_p, fallback.min_p);
    fill(own.typical_p, fallback.typical_p);
    fill(own.repeat_penalty, fallback.repeat_penalty);
    fill(own.presence_penalty, fallback.presence_penalty);
    fill(own.frequency_penalty, fallback.frequency_penalty);
    fill(own.penalty_last_n, fallback.penalty_last_n);
    fill(own.seed, fallback.seed);
    own.logit_bias.insert(fallback.logit_bias.begin(), fallback.logit_bias.end());
    return own;
}

Sampler::Sampler(SamplerOptions options, std::int64_t vocabulary)
    : options_(with_fallback(std::move(options), sampler_defaults())), vocabulary_(vocabulary) {
    CHECK(vocabulary >= 1 && vocabulary <= std::numeric_limits<std::int32_t>::max());
    check_options(options_, vocabulary);
    if (!options_.seed) options_.seed = std::random_device{}();  // 32 bits: short enough to be typed again
    random_ = splitmix64(*options_.seed);
    penalties_ = *options_.penalty_last_n != 0 &&
                 (*options_.repeat_penalty != 1 || *options_.presence_penalty != 0 || *options_.frequency_penalty != 0);
    if (penalties_) counts_.assign(std::size_t(vocabulary), 0);
    if (options_.logit_bias.empty()) return;
    bias_.assign(std::size_t(vocabulary), 0);
    for (const auto& [token, bias] : options_.logit_bias) bias_[std::size_t(token)] = bias;
}

void Sampler::accept(std::int32_t token) {
    if (token < 0 || token >= vocabulary_)
        throw Error(Code::bad_request, "sampling: token {} was accepted, but this model's tokens are 0 to {}", token,
                    vocabulary_ - 1);
    if (!penalties_) return;
    ++counts_[std::size_t(token)];
    const int last_n = *options_.penalty_last_n;
    if (last_n < 0) return;
    if (recent_.size() < std::size_t(last_n)) return recent_.push_back(token);
    --counts_[std::size_t(std::exchange(recent_[oldest_], token))];
    oldest_ = (oldest_ + 1) % recent_.size();
}

// With bias and penalties; -infinity only where the bias says never.
float Sampler::adjusted(float logit, std::int32_t token) const {
    constexpr float most = std::numeric_limits<float>::max();
    if (!bias_.empty()) {
        const float bias = bias_[std::size_t(token)];
        if (std::isinf(bias)) return bias;
        logit = std::clamp(logit + bias, -most, most);
    }
    if (!penalties_) return logit;
    const std::int32_t count = counts_[std::size_t(token)];
    if (count == 0) return logit;
    logit = logit > 0 ? logit / *options_.repeat_penalty : logit * *options_.repeat_penalty;
    logit = std::clamp(logit, -most, most);
    // In double, where the sum of two products of floats cannot overflow.
    const double minus = double(count) * *options_.frequency_penalty + double(*options_.presence_penalty);
    return static_cast<float>(std::clamp<double>(double(logit) - minus, -most, most));
}

// Makes the candidates: the best one alone when greedy, the best top_k, or all, then in order of ids.
void Sampler::collect(std::span<const float> logits, std::span<const std::uint64_t> allowed) {
    CHECK(std::int64_t(logits.size()) == vocabulary_);
    CHECK(allowed.empty() || allowed.size() >= (logits.size() + 63) / 64);
    check_finite(logits);
    const bool greedy = *options_.temperature == 0;
    const std::size_t k = greedy ? 1 : *options_.top_k > 0 ? std::size_t(*options_.top_k) : logits.size();
    // Room to overflow into, so that the k best are picked out seldom.
    const std::size_t room = k >= logits.size() ? logits.size() : std::min(logits.size(), 2 * k + 256);
    candidates_.clear();
    candidates_.reserve(room);
    float least = -std::numeric_limits<float>::infinity();  // the worst of k: later ones must be better than it
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (!allowed.empty() && !(allowed[i / 64] >> (i % 64) & 1)) continue;
        const float logit = adjusted(logits[i], std::int32_t(i));
        if (!(logit > least)) continue;
        candidates_.push_back({.weight = 0, .logit = logit, .token = std::int32_t(i)});
        if (candidates_.size() < room || room == logits.size()) continue;
        top_k(k);
        least = candidates_.back().logit;
    }
    if (k < logits.size()) top_k(k);
    if (candidates_.empty())
        throw Error(Code::bad_request,
                    "sampling: no token may come next: the grammar and logit_bias together forbid all {}",
                    logits.size());
}

// Leaves the k best, in order.
void Sampler::top_k(std::size_t k) {
    const auto end = candidates_.begin() + std::ptrdiff_t(std::min(k, candidates_.size()));
    if (end != candidates_.end()) std::nth_element(candidates_.begin(), end, candidates_.end(), better<Candidate>);
    candidates_.erase(end, candidates_.end());
    std::sort(candidates_.begin(), candidates_.end(), better<Candidate>);
}

float Sampler::best_logit() const {
    float best = candidates_[0].logit;
    for (const Candidate& c : candidates_) best = std::max(best, c.logit);
    return best;
}

// weight = probability among the candidates.
void Sampler::weigh(double temperature) {
    const double best = best_logit();
    double sum = 0;
    for (Candidate& c : candidates_) sum += c.weight = std::exp((double(c.logit) - best) / temperature);
    for (Candidate& c : candidates_) c.weight /= sum;
}

// Keeps the candidates whose surprise -log p is nearest to its expectation, until their probabilities exceed p.
void Sampler::typical(double p) {
    const double best = best_logit();
    double sum = 0, expected = 0;
    for (const Candidate& c : candidates_) sum += std::exp(double(c.logit) - best);
    const double log_sum = std::log(sum);
    const auto surprise = [&](const Candidate& c) { return best + log_sum - double(c.logit); };
    for (const Candidate& c : candidates_) expected += std::exp(-surprise(c)) * surprise(c);
    for (Candidate& c : candidates_) c.weight = std::abs(surprise(c) - expected);
    double reached = 0;
    keep_until(
        candidates_,
        [](const Candidate& a, const Candidate& b) {
            return a.weight != b.weight ? a.weight < b.weight : better(a, b);
        },
        [&](const Candidate& c) { return (reached += std::exp(-surprise(c))) > p; });
}

void Sampler::top_p(double p) {
    weigh(1);
    double reached = 0;
    keep_until(candidates_, better<Candidate>, [&](const Candidate& c) { return (reached += c.weight) >= p; });
}

void Sampler::min_p(double p) {
    const double least = double(best_logit()) + std::log(p);
    std::erase_if(candidates_, [&](const Candidate& c) { return double(c.logit) < least; });
}

// Leaves the tokens that may be drawn, with their probabilities.
void Sampler::filter(std::span<const float> logits, std::span<const std::uint64_t> allowed) {
    collect(logits, allowed);
    if (*options_.typical_p < 1) typical(*options_.typical_p);
    if (*options_.top_p < 1) top_p(*options_.top_p);
    if (*options_.min_p > 0) min_p(*options_.min_p);
    weigh(*options_.temperature == 0 ? 1 : *options_.temperature);
}

// In [0, 1), from the splitmix64 sequence that the seed starts; 53 bits, as many as a double has.
double Sampler::uniform() {
    const std::uint64_t x = splitmix64(random_);
    random_ += 0x9e3779b97f4a7c15u;
    return double(x >> 11) * 0x1p-53;
}

std::int32_t Sampler::sample(std::span<const float> logits, std::span<const std::uint64_t> allowed) {
    filter(logits, allowed);
    if (*options_.temperature == 0) return candidates_[0].token;
    double left = uniform();
    const Candidate* last = &candidates_[0];
    for (const Candidate& c : candidates_) {
        if (c.weight == 0) continue;
        if (left < c.weight) return c.token;
        left -= c.weight;
        last = &c;
    }
    return last->token;  // the weights' sum was rounded to below 1
}

std::vector<TokenProbability> Sampler::distribution(std::span<const float> logits,
                                                    std::span<const std::uint64_t> allowed) {
    filter(logits, allowed);
    std::vector<Candidate> sorted = candidates_;
    std::sort(sorted.begin(), sorted.end(), better<Candidate>);
    std::vector<TokenProbability> out;
    for (const Candidate& c : sorted) out.push_back({c.token, c.weight});
    return out;
}

namespace {

double log_sum_exp(std::span<const float> logits) {
    CHECK(!logits.empty());
    check_finite(logits);
    const double best = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float x : logits) sum += std::exp(double(x) - best);
    return best + std::log(sum);
}

}  // namespace

std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, int k) {
    if (k < 0) throw Error(Code::bad_request, "listing likely tokens: {} were asked for; give 0 or more", k);
    const double all = log_sum_exp(logits);
    std::vector<std::int32_t> ids(logits.size());
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = std::int32_t(i);
    const auto end = ids.begin() + std::ptrdiff_t(std::min(std::size_t(k), ids.size()));
    std::partial_sort(ids.begin(), end, ids.end(), [&](std::int32_t a, std::int32_t b) {
        const float x = logits[std::size_t(a)], y = logits[std::size_t(b)];
        return x != y ? x > y : a < b;
    });
    std::vector<TokenLogprob> out;
    for (auto i = ids.begin(); i != end; ++i) out.push_back({*i, double(logits[std::size_t(*i)]) - all});
    return out;
}

double logprob(std::span<const float> logits, std::int32_t token) {
    CHECK(token >= 0 && std::size_t(token) < logits.size());
    return double(logits[std::size_t(token)]) - log_sum_exp(logits);
}

}  // namespace quern
