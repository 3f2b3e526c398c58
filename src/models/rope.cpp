// RoPE frequencies and their scalings, as numbers per pair of elements. Pair i of d turned elements has the frequency
// f_i = base^(-2i/d). A scaling makes other frequencies of these, and maybe a magnitude for sine and cosine.
//   linear    f_i / factor                                                    (position interpolation, Chen et al.
//   2023) dynamic   another base, from the longest text expected                    (dynamic NTK, "bloc97" 2023) yarn
//   between f_i and f_i / factor by wavelength; a magnitude         (Peng et al. 2023) llama3    f_i / d_i, the file
//   carries d_i as rope_freqs.weight            (Llama 3.1) longrope  f_i / d_i with two sets of d_i, for short and
//   long contexts     (Ding et al. 2024, Phi-3)
// dynamic and longrope depend on the length of the text. Since a token's bits must not depend on what follows it, the
// length is the context that the session was opened with, not the text's length so far.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "models/common.h"

namespace quern::models {
namespace {

struct Scaling {
    std::string type = "none";
    double factor = 1;
    double original_context = 0;
    double magnitude = 1;
    double beta_fast = 32, beta_slow = 1;
};

Scaling read_scaling(const gguf::Metadata& meta, const Config& c) {
    const std::string prefix = c.arch + ".rope.scaling.";
    Scaling s;
    const auto positive = [&](const std::string& name, double otherwise) {
        return read_positive(meta, prefix + name, otherwise);
    };
    s.factor = positive("factor", meta.number(c.arch + ".rope.scale_linear").value_or(1));
    s.type = std::string(meta.string(prefix + "type").value_or(s.factor != 1 ? "linear" : "none"));
    const std::int64_t trained = meta.need_integer(c.arch + ".context_length");
    s.original_context = static_cast<double>(meta.integer(prefix + "original_context_length").value_or(trained));
    if (!(s.original_context > 0))
        throw Error(Code::bad_file, "{}original_context_length is {}, expected more than 0", prefix,
                    s.original_context);
    if (s.type == "yarn") {
        s.beta_fast = positive("yarn_beta_fast", 32);
        s.beta_slow = positive("yarn_beta_slow", 1);
        s.magnitude = positive("yarn_attn_factor", 0.1 * std::log(s.factor) + 1);
    }
    s.magnitude *= positive("attn_factor", 1);
    const bool known =
        s.type == "none" || s.type == "linear" || s.type == "yarn" || s.type == "dynamic" || s.type == "longrope";
    if (!known)
        throw Error(Code::unsupported, "{}type is \"{}\"; known are none, linear, dynamic, yarn and longrope", prefix,
                    s.type);
    return s;
}

// Dynamic NTK: the base grows so that the slowest pair covers the longer context.
double dynamic_base(double base, const Scaling& s, const Config& c) {
    const double length = std::max(static_cast<double>(c.context), s.original_context);
    const double d = static_cast<double>(c.rope_dims);
    return base * std::pow(s.factor * length / s.original_context - (s.factor - 1), d / (d - 2));
}

// YaRN's share of interpolation for pair i: 0 for pairs that turn often in the original context, 1 for slow ones.
double yarn_ramp(double i, const Scaling& s, double base, double dims) {
    const auto pair_of_turns = [&](double turns) {
        return dims * std::log(s.original_context / (turns * 2 * std::numbers::pi)) / (2 * std::log(base));
    };
    const double low = std::max(std::floor(pair_of_turns(s.beta_fast)), 0.0);
    const double high = std::min(std::ceil(pair_of_turns(s.beta_slow)), dims - 1);
    return std::clamp((i - low) / std::max(high - low, 0.001), 0.0, 1.0);
}

// Divides each pair's frequency by its factor, where the file has factors: one set, or one for each range of contexts.
void divide(Graph& g, const Config& c, const Scaling& s, RopeAttr& rope) {
    const bool is_long = static_cast<double>(c.context) > s.original_context;
    std::vector<float> divisors = g.constant("rope_freqs.weight", c.rope_dims / 2);
    const std::vector<float> long_ = g.constant("rope_factors_long.weight", c.rope_dims / 2);
    const std::vector<float> short_ = g.constant("rope_factors_short.weight", c.rope_dims / 2);
    if (!long_.empty() || !short_.empty()) divisors = is_long ? long_ : short_;
    if (s.type == "longrope" && divisors.empty())
        throw Error(Code::bad_file,
                    "rope_factors_{}.weight: the file has no such tensor; its longrope scaling needs it",
                    is_long ? "long" : "short");
    for (std::size_t i = 0; i < divisors.size(); ++i) {
        if (!(divisors[i] > 0))
            throw Error(Code::bad_file, "the RoPE factor of pair {} is {}, expected more than 0", i, divisors[i]);
        rope.frequency[i] /= static_cast<double>(divisors[i]);
    }
}

}  // namespace

RopeAttr make_rope(Graph& g, const gguf::Metadata& meta, const Config& c, RopeStyle style, double base, Scaled scaled) {
    const Scaling s = scaled == Scaled::yes ? read_scaling(meta, c) : Scaling{};
    const double dims = static_cast<double>(c.rope_dims);
    if (s.type == "dynamic") base = dynamic_base(base, s, c);
    RopeAttr rope{style, static_cast<float>(s.magnitude), {}};
    for (std::int64_t i = 0; i < c.rope_dims / 2; ++i) {
        double f = std::pow(base, -2.0 * static_cast<double>(i) / dims);
        if (s.type == "linear") f /= s.factor;
        if (s.type == "yarn") {
            const double ramp = yarn_ramp(static_cast<double>(i), s, base, dims);
            f = f / s.factor * ramp + f * (1 - ramp);
        }
        rope.frequency.push_back(f);
    }
    if (scaled == Scaled::yes) divide(g, c, s, rope);
    if (!std::isfinite(rope.magnitude) || !(rope.magnitude > 0))
        throw Error(Code::bad_file, "{}.rope.scaling: its factors give a magnitude of {}", c.arch, s.magnitude);
    for (const double f : rope.frequency)
        if (!std::isfinite(f))
            throw Error(Code::bad_file, "{}.rope: base {} and the {} scaling give a frequency of {}", c.arch, base,
                        s.type, f);
    return rope;
}

}  // namespace quern::models
