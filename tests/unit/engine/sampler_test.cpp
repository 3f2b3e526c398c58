#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "base/error.h"

namespace quern {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

// Everything off: the plain softmax.
SamplerOptions plain() {
    SamplerOptions o;
    o.temperature = 1.0f;
    o.top_k = 0;
    o.top_p = 1.0f;
    o.min_p = 0.0f;
    o.seed = 1;
    return o;
}

std::vector<float> random_logits(std::size_t n, std::mt19937& random, bool ties) {
    std::vector<float> out(n);
    for (float& x : out) {
        const double u = double(random()) / 4294967296.0, v = double(random()) / 4294967296.0;
        x = float(3 * std::sqrt(-2 * std::log(1 - u)) * std::cos(6.283185307179586 * v));
        if (ties) x = std::round(x * 2) / 2;
    }
    return out;
}

// The oracle: the chain as the papers put it, by sorting everything.
std::vector<TokenProbability> naive(const SamplerOptions& o, const std::vector<float>& logits,
                                    const std::vector<bool>& allowed = {}) {
    struct Item {
        std::int32_t token;
        double logit, p, key;
    };
    std::vector<Item> items;
    for (std::size_t i = 0; i < logits.size(); ++i)
        if (allowed.empty() || allowed[i]) items.push_back({std::int32_t(i), logits[i], 0, 0});
    const auto by_logit = [](const Item& a, const Item& b) { return a.logit > b.logit; };
    const auto softmax = [&](double t) {
        double best = -1e300, sum = 0;
        for (const Item& x : items) best = std::max(best, x.logit);
        for (Item& x : items) sum += x.p = std::exp((x.logit - best) / t);
        for (Item& x : items) x.p /= sum;
    };
    std::stable_sort(items.begin(), items.end(), by_logit);
    if (*o.temperature == 0) return {{items[0].token, 1.0}};
    if (*o.top_k > 0 && std::size_t(*o.top_k) < items.size()) items.resize(std::size_t(*o.top_k));
    const auto cut = [&](auto&& past) {
        double reached = 0;
        for (std::size_t i = 0; i < items.size(); ++i)
            if (past(reached += items[i].p)) return items.resize(i + 1);
    };
    if (o.typical_p && *o.typical_p < 1) {
        softmax(1);
        double entropy = 0;
        for (const Item& x : items) entropy -= x.p * std::log(x.p);
        for (Item& x : items) x.key = std::abs(-std::log(x.p) - entropy);
        std::stable_sort(items.begin(), items.end(),
                         [](const Item& a, const Item& b) { return a.key < b.key - 1e-12; });
        cut([&](double reached) { return reached > *o.typical_p; });
        std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
            return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
        });
    }
    if (*o.top_p < 1) {
        softmax(1);
        cut([&](double reached) { return reached >= *o.top_p; });
    }
    if (*o.min_p > 0) {
        softmax(1);
        const double best = items[0].p;
        std::erase_if(items, [&](const Item& x) { return x.p < *o.min_p * best; });
    }
    softmax(*o.temperature);
    std::vector<TokenProbability> out;
    for (const Item& x : items) out.push_back({x.token, x.p});
    return out;
}

bool same(const std::vector<TokenProbability>& a, const std::vector<TokenProbability>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].token != b[i].token || std::abs(a[i].probability - b[i].probability) > 1e-12) return false;
    return true;
}

std::string shown(const std::vector<TokenProbability>& d) {
    std::string s;
    for (std::size_t i = 0; i < std::min<std::size_t>(d.size(), 8); ++i)
        s += std::to_string(d[i].token) + ":" + std::to_string(d[i].probability) + " ";
    return s + "(" + std::to_string(d.size()) + ")";
}

// Each filter alone, then random chains, against the oracle.
TEST(Sampler, FiltersAgreeWithTheOracle) {
    std::mt19937 random(11);
    const auto unit = [&] { return float(random() % 1000 + 1) / 1002.0f; };
    for (int round = 0; round < 1500; ++round) {
        SamplerOptions o = plain();
        const int which = round % 6;
        if (which == 0 || which == 5) o.top_k = int(random() % 60);
        if (which == 1 || which == 5) o.top_p = unit();
        if (which == 2 || which == 5) o.min_p = unit() * unit();
        if (which == 3 || which == 5) o.typical_p = unit();
        if (which == 4 || which == 5) o.temperature = 2 * unit();
        const std::size_t n = round % 10 == 0 ? 5000 : 1 + random() % 300;
        const bool ties = round % 2 == 0 && which != 3 && which != 5;  // typical: rounding of keys decides there
        const auto logits = random_logits(n, random, ties);
        std::vector<std::uint64_t> mask;
        std::vector<bool> allowed;
        if (round % 7 == 3) {
            mask.assign((n + 63) / 64, 0);
            allowed.assign(n, false);
            for (std::size_t i = 0; i < n; ++i)
                if (i == n / 2 || random() % 3 == 0) {
                    allowed[i] = true;
                    mask[i / 64] |= std::uint64_t(1) << (i % 64);
                }
        }
        Sampler sampler(o, std::int64_t(n));
        const auto got = sampler.distribution(logits, mask), want = naive(o, logits, allowed);
        ASSERT_TRUE(same(got, want)) << "filter " << which << ", round " << round << "\n"
                                     << shown(got) << "\n"
                                     << shown(want);
        const std::int32_t token = sampler.sample(logits, mask);
        ASSERT_TRUE(std::any_of(want.begin(), want.end(), [&](const auto& t) { return t.token == token; }));
    }
}

// The comparator above sees a filter that is off by one token.
TEST(Sampler, OracleIsNotBlind) {
    std::mt19937 random(12);
    const auto logits = random_logits(100, random, false);
    SamplerOptions o = plain();
    o.top_k = 10;
    const auto ten = naive(o, logits);
    o.top_k = 11;
    EXPECT_FALSE(same(ten, naive(o, logits)));
    o.temperature = 1.0001f;
    o.top_k = 10;
    EXPECT_FALSE(same(ten, naive(o, logits)));
}

double chi_square(const std::vector<std::int64_t>& counts, const std::vector<double>& p) {
    std::int64_t n = 0;
    for (const auto c : counts) n += c;
    double sum = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        if (p[i] == 0) {
            if (counts[i] > 0) return 1e9;
            continue;
        }
        const double expected = double(n) * p[i];
        sum += (double(counts[i]) - expected) * (double(counts[i]) - expected) / expected;
    }
    return sum;
}

// What is drawn follows what distribution() says, and that alone: 8 tokens, 7 degrees of freedom, of which 29.9 is
// exceeded once in 10,000.
TEST(Sampler, DrawsFollowTheDistribution) {
    const std::vector<float> logits{0.1f, 2.0f, -1.0f, 1.5f, 0.7f, -0.3f, 1.1f, 0.0f};
    constexpr double bound = 29.9;
    const auto exact = [&](const SamplerOptions& o) {
        std::vector<double> p(8, 0.0);
        for (const auto& t : naive(o, logits)) p[std::size_t(t.token)] = t.probability;
        return p;
    };
    std::vector<SamplerOptions> cases(6, plain());
    cases[1].temperature = 0.6f;
    cases[2].top_k = 4;
    cases[3].top_p = 0.7f;
    cases[4].min_p = 0.14f;
    cases[5].typical_p = 0.3f;  // leaves out the best token
    for (std::size_t i = 0; i < cases.size(); ++i)
        for (const std::uint64_t seed : {1u, 2u, 3u}) {
            cases[i].seed = seed;
            Sampler sampler(cases[i], 8);
            std::vector<std::int64_t> counts(8, 0);
            for (int n = 0; n < 20000; ++n) ++counts[std::size_t(sampler.sample(logits))];
            EXPECT_LT(chi_square(counts, exact(cases[i])), bound) << "case " << i << ", seed " << seed;
            // Any other case's distribution must be told apart, so a filter that does nothing would be seen.
            for (std::size_t other = 0; other < cases.size(); ++other) {
                if (other == i) continue;
                EXPECT_GT(chi_square(counts, exact(cases[other])), 10 * bound) << i << " passes for " << other;
            }
        }
}

TEST(Sampler, TemperatureZeroIsGreedyAndUnsetIsNot) {
    const std::vector<float> logits{1, 3, 2.9f, 3, 0};
    SamplerOptions o;
    o.seed = 5;
    o.temperature = 0.0f;
    Sampler greedy(o, 5);
    for (int i = 0; i < 50; ++i) ASSERT_EQ(greedy.sample(logits), 1) << "ties go to the lowest id";
    EXPECT_EQ(greedy.distribution(logits).size(), 1u);
    EXPECT_EQ(greedy.distribution(logits)[0].probability, 1.0);
    o.temperature.reset();
    Sampler unset(o, 5);
    EXPECT_EQ(unset.options().temperature, 0.8f);
    std::vector<int> counts(5, 0);
    for (int i = 0; i < 200; ++i) ++counts[std::size_t(unset.sample(logits))];
    EXPECT_GT(counts[1], 20);
    EXPECT_GT(counts[2], 20);
    EXPECT_GT(counts[3], 20);
}

TEST(Sampler, FallbackFillsOnlyWhatIsNotSet) {
    SamplerOptions own, model;
    own.temperature = 0.0f;
    own.logit_bias = {{1, 5.0f}};
    model.temperature = 1.0f;
    model.top_k = 20;
    model.logit_bias = {{1, 1.0f}, {2, 2.0f}};
    const SamplerOptions both = with_fallback(own, model);
    EXPECT_EQ(both.temperature, 0.0f);
    EXPECT_EQ(both.top_k, 20);
    EXPECT_FALSE(both.top_p);
    EXPECT_EQ(both.logit_bias, (std::map<std::int32_t, float>{{1, 5.0f}, {2, 2.0f}}));
    EXPECT_EQ(Sampler(both, 5).options().top_p, 0.95f);
}

// Logits out of the probabilities, relative to a token that was never seen.
std::vector<double> logits_of(Sampler& s, const std::vector<float>& logits, std::int32_t reference) {
    std::vector<double> p(logits.size(), 0.0);
    for (const auto& t : s.distribution(logits)) p[std::size_t(t.token)] = t.probability;
    std::vector<double> out;
    for (const double x : p) out.push_back(std::log(x / p[std::size_t(reference)]) + logits[std::size_t(reference)]);
    return out;
}

TEST(Sampler, PenaltiesByHand) {
    const std::vector<float> logits{2, -2, 1, 0, 3};
    SamplerOptions o = plain();
    o.repeat_penalty = 1.25f;
    o.presence_penalty = 0.5f;
    o.frequency_penalty = 0.25f;
    o.penalty_last_n = 4;
    Sampler s(o, 5);
    for (const std::int32_t t : {4, 4, 0, 1, 0, 0}) s.accept(t);  // the two 4s are out of reach again
    const auto got = logits_of(s, logits, 2);
    EXPECT_NEAR(got[0], 2 / 1.25 - 3 * 0.25 - 0.5, 1e-6);   // seen three times, positive
    EXPECT_NEAR(got[1], -2 * 1.25 - 1 * 0.25 - 0.5, 1e-6);  // once, negative
    EXPECT_NEAR(got[2], 1, 1e-6);
    EXPECT_NEAR(got[3], 0, 1e-6);
    EXPECT_NEAR(got[4], 3, 1e-6);

    o.penalty_last_n = -1;
    Sampler all(o, 5);
    for (const std::int32_t t : {4, 4, 0, 1, 0, 0}) all.accept(t);
    EXPECT_NEAR(logits_of(all, logits, 2)[4], 3 / 1.25 - 2 * 0.25 - 0.5, 1e-6);

    o.penalty_last_n = 0;
    Sampler none(o, 5);
    for (const std::int32_t t : {4, 4, 0, 1, 0, 0}) none.accept(t);
    EXPECT_NEAR(logits_of(none, logits, 2)[0], 2, 1e-6);
    EXPECT_THROW(none.accept(5), Error);
    EXPECT_THROW(none.accept(-1), Error);
}

TEST(Sampler, PenaltiesReachGreedyToo) {
    SamplerOptions o = plain();
    o.temperature = 0.0f;
    o.presence_penalty = 1.0f;
    Sampler s(o, 3);
    const std::vector<float> logits{2, 1.5f, 0};
    EXPECT_EQ(s.sample(logits), 0);
    s.accept(0);
    EXPECT_EQ(s.sample(logits), 1);
}

TEST(Sampler, LogitBias) {
    const std::vector<float> logits{2, 1, 1, 0};
    SamplerOptions o = plain();
    o.logit_bias = {{1, 2.5f}, {0, -inf}, {3, std::numeric_limits<float>::max()}};
    o.repeat_penalty = 1e-30f;  // together with the bias an overflow
    Sampler s(o, 4);
    s.accept(3);
    EXPECT_EQ(s.sample(logits), 3);
    o.logit_bias = {{1, 2.5f}, {0, -inf}};
    o.repeat_penalty.reset();
    Sampler t(o, 4);
    const auto d = t.distribution(logits);
    ASSERT_EQ(d.size(), 3u) << "token 0 must never come";
    EXPECT_EQ(d[0].token, 1);
    EXPECT_NEAR(std::log(d[0].probability / d[1].probability), 2.5, 1e-6);
    const std::vector<std::uint64_t> only_0{1};
    EXPECT_THROW(t.sample(logits, only_0), Error) << "what is forbidden and what is required exclude each other";
}

// Uniform logits: exp(0) is exact everywhere, so these tokens hold on every machine and compiler.
TEST(Sampler, SeedDecidesTheTokens) {
    const std::vector<float> logits(1024, 0.5f);
    SamplerOptions o = plain();
    const auto draw = [&](std::uint64_t seed) {
        o.seed = seed;
        Sampler s(o, 1024);
        std::vector<std::int32_t> out;
        for (int i = 0; i < 8; ++i) out.push_back(s.sample(logits));
        return out;
    };
    EXPECT_EQ(draw(42), draw(42));
    EXPECT_NE(draw(42), draw(43));
    EXPECT_EQ(draw(42), (std::vector<std::int32_t>{351, 978, 498, 68, 693, 69, 200, 752}));

    o.seed.reset();
    Sampler a(o, 1024);
    ASSERT_TRUE(a.options().seed);
    std::vector<std::int32_t> tokens;
    for (int i = 0; i < 8; ++i) tokens.push_back(a.sample(logits));
    EXPECT_EQ(tokens, draw(*a.options().seed)) << "the reported seed must bring the tokens back";
    o.seed.reset();
    EXPECT_NE(Sampler(o, 8).options().seed, a.options().seed);

    Sampler b = a;  // a copy keeps the state
    EXPECT_EQ(a.sample(logits), b.sample(logits));
}

TEST(Sampler, BrokenLogitsAreAnError) {
    for (const float bad : {nan, inf, -inf})
        for (const float temperature : {0.0f, 0.8f}) {
            SamplerOptions o;
            o.temperature = temperature;
            Sampler s(o, 300);
            std::vector<float> logits(300, 1.0f);
            s.sample(logits);
            logits[299] = bad;
            try {
                s.sample(logits);
                ADD_FAILURE() << bad << " was sampled";
            } catch (const Error& e) {
                EXPECT_EQ(e.code, Code::device);
                EXPECT_NE(std::string(e.what()).find("token 299"), std::string::npos) << e.what();
            }
            EXPECT_THROW(top_logprobs(logits, 1), Error);
            EXPECT_THROW(logprob(logits, 0), Error);
        }
}

TEST(Sampler, SaysWhichOptionMakesNoSense) {
    const auto says = [](auto&& set, const std::string& what) {
        SamplerOptions o;
        set(o);
        try {
            const Sampler s(o, 100);
            ADD_FAILURE() << what << " was taken";
        } catch (const Error& e) {
            EXPECT_EQ(e.code, Code::bad_request);
            EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
        }
    };
    for (const float x : {-0.1f, nan, inf}) says([&](auto& o) { o.temperature = x; }, "temperature");
    for (const float x : {-0.1f, nan, 1.01f, inf}) {
        says([&](auto& o) { o.top_p = x; }, "top_p");
        says([&](auto& o) { o.min_p = x; }, "min_p");
        says([&](auto& o) { o.typical_p = x; }, "typical_p");
    }
    for (const float x : {0.0f, -1.0f, nan, inf}) says([&](auto& o) { o.repeat_penalty = x; }, "repeat_penalty");
    for (const float x : {nan, inf, -inf}) {
        says([&](auto& o) { o.presence_penalty = x; }, "presence_penalty");
        says([&](auto& o) { o.frequency_penalty = x; }, "frequency_penalty");
    }
    says([](auto& o) { o.top_k = -2; }, "top_k");
    says([](auto& o) { o.penalty_last_n = -2; }, "penalty_last_n");
    says([](auto& o) { o.logit_bias = {{100, 1.0f}}; }, "tokens are 0 to 99");
    says([](auto& o) { o.logit_bias = {{-1, 1.0f}}; }, "token -1");
    says([](auto& o) { o.logit_bias = {{3, nan}}; }, "logit_bias");
    says([](auto& o) { o.logit_bias = {{3, inf}}; }, "logit_bias");
    SamplerOptions edges;  // all of these are sensible
    edges.top_p = 0.0f;
    edges.min_p = 1.0f;
    edges.typical_p = 0.0f;
    edges.top_k = -1;
    EXPECT_EQ(Sampler(edges, 3).sample(std::vector<float>{0, 5, 1}), 1);
}

TEST(Sampler, ExtremeTemperaturesAndLogits) {
    const std::vector<float> logits{3e38f, -3e38f, 2.9e38f, 3e38f};
    for (const float temperature : {1e-45f, 1e-3f, 1.0f, 3e38f}) {
        SamplerOptions o = plain();
        o.temperature = temperature;
        Sampler s(o, 4);
        double sum = 0;
        for (const auto& t : s.distribution(logits)) sum += t.probability;
        EXPECT_NEAR(sum, 1, 1e-12) << temperature;
        for (int i = 0; i < 100 && temperature <= 1; ++i) ASSERT_EQ(s.sample(logits) % 3, 0);
    }
}

TEST(Logprobs, AreALogSoftmaxInDouble) {
    std::mt19937 random(13);
    const auto logits = random_logits(2000, random, true);
    long double sum = 0;
    for (const float x : logits) sum += std::exp((long double)(x));
    std::vector<std::int32_t> order(logits.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = std::int32_t(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return logits[std::size_t(a)] > logits[std::size_t(b)]; });
    const auto top = top_logprobs(logits, 50);
    ASSERT_EQ(top.size(), 50u);
    for (std::size_t i = 0; i < top.size(); ++i) {
        EXPECT_EQ(top[i].token, order[i]) << "ties go to the lowest id";
        EXPECT_NEAR(top[i].logprob, double((long double)(logits[std::size_t(order[i])]) - std::log(sum)), 1e-12);
        EXPECT_EQ(top[i].logprob, logprob(logits, top[i].token));
    }
    EXPECT_TRUE(top_logprobs(logits, 0).empty());
    EXPECT_EQ(top_logprobs(logits, 5000).size(), 2000u);
    EXPECT_THROW(top_logprobs(logits, -1), Error);
    EXPECT_EQ(top_logprobs(std::vector<float>{3e38f, -3e38f}, 1)[0].logprob, 0.0);
}

}  // namespace
}  // namespace quern
