// Sampler: from a row of logits to the next token of one sequence. It owns the options, the tokens that penalties look
// back on and the state of its random generator; it knows nothing of models, text or steps. The chain, in llama.cpp's
// default order, each filter seeing what the one before left, with probabilities normalised anew:
//   allowed mask, logit bias, penalties; temperature 0: the best token, done; else
//   top-k, typical (Meister et al. 2022), top-p (Holtzman et al. 2019), min-p (Nguyen et al. 2024), temperature, draw
// Filters see the distribution at temperature 1 and always leave at least one token; equal logits rank by lowest id.
// The same options, seed, logits and accepted tokens give the same token on every machine, up to libm's last bit of
// exp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace quern {

// What is not set follows a model's recommendation or sampler_defaults(): not set and 0 are different things.
struct SamplerOptions {
    std::optional<float> temperature;        // >= 0; 0 is greedy: always the best token
    std::optional<int> top_k;                // keep the k best; 0 or -1: off
    std::optional<float> top_p;              // 0 .. 1: keep the fewest best that together reach it; 1: off
    std::optional<float> min_p;              // 0 .. 1: keep those at least this much as likely as the best; 0: off
    std::optional<float> typical_p;          // 0 .. 1: keep the most typical that together exceed it; 1: off
    std::optional<float> repeat_penalty;     // > 0: divides positive, multiplies negative logits of seen tokens; 1: off
    std::optional<float> presence_penalty;   // subtracted once from the logit of a seen token; 0: off
    std::optional<float> frequency_penalty;  // subtracted for every time that a token was seen; 0: off
    std::optional<int> penalty_last_n;       // how many tokens penalties look back; 0: none, -1: all
    std::map<std::int32_t, float> logit_bias;  // added to these tokens' logits; -infinity: never
    std::optional<std::uint64_t> seed;         // not set: a random one, see Sampler::options()
};

// temperature 0.8, top_k 40, top_p 0.95, min_p 0.05, penalty_last_n 64, the rest off; no seed.
const SamplerOptions& sampler_defaults();

// `own`, and where it has nothing, `fallback`. A logit bias of `own` wins per token.
SamplerOptions with_fallback(SamplerOptions own, const SamplerOptions& fallback);

struct TokenProbability {
    std::int32_t token;
    double probability;
};

// Copy it to keep its state, as for a draft that may be rejected.
class Sampler {
public:
    // `vocabulary`: how many logits a row has. Throws Error(bad_request) naming the option that makes no sense.
    Sampler(SamplerOptions options, std::int64_t vocabulary);

    // The next token. `allowed`: bit i % 64 of word i / 64 says whether token i may come; empty: all may. Throws
    // Error(device) when a logit is not finite, Error(bad_request) when no token may come. Draws one random number
    // per call unless greedy. Allocates nothing after the first call.
    std::int32_t sample(std::span<const float> logits, std::span<const std::uint64_t> allowed = {});

    // What sample() would draw from, best token first; greedy: one token of probability 1. Changes nothing that is
    // seen.
    std::vector<TokenProbability> distribution(std::span<const float> logits,
                                               std::span<const std::uint64_t> allowed = {});

    // Counts a token for the penalties: sampled ones, and those of the prompt where they shall count. Throws
    // Error(bad_request) for a token outside the vocabulary.
    void accept(std::int32_t token);

    // In effect: everything is set, the seed too.
    const SamplerOptions& options() const { return options_; }

private:
    struct Candidate {
        double weight;  // as the filter at work needs it
        float logit;
        std::int32_t token;
    };

    void collect(std::span<const float> logits, std::span<const std::uint64_t> allowed);
    void filter(std::span<const float> logits, std::span<const std::uint64_t> allowed);
    float adjusted(float logit, std::int32_t token) const;
    float best_logit() const;
    void weigh(double temperature);
    void top_k(std::size_t k);
    void typical(double p);
    void top_p(double p);
    void min_p(double p);
    double uniform();

    SamplerOptions options_;
    std::int64_t vocabulary_;
    bool penalties_;                    // whether any is on
    std::vector<float> bias_;           // by token; empty when there is none
    std::vector<std::int32_t> counts_;  // by token: how often it is in reach of the penalties; empty when they are off
    std::vector<std::int32_t> recent_;  // the last penalty_last_n tokens, a ring
    std::size_t oldest_ = 0;            // place in recent_
    std::vector<Candidate> candidates_;
    std::uint64_t random_;
};

struct TokenLogprob {
    std::int32_t token;
    double logprob;  // natural
};

// The k most likely tokens (all, where there are fewer), best first, equal ones by id: log-softmax of the logits as
// they come from the model, without any option of a sampler, summed in double. Throws Error(device) as sample() does
// and Error(bad_request) for k < 0.
std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, int k);

// The same for one token, which need not be among the k. CHECKs its range.
double logprob(std::span<const float> logits, std::int32_t token);

}  // namespace quern
