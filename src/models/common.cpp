#include "models/common.h"

#include <cmath>
#include <limits>

#include "base/error.h"

namespace quern::models {
namespace {

// Sizes beyond these are no model's. Products of three sizes stay inside 64 bits, and nothing that is made per layer or
// per element of a head before the tensors are looked at takes much memory.
constexpr std::int64_t max_size = std::int64_t(1) << 20, max_tokens = std::int64_t(1) << 31;

class Reader {
public:
    Reader(const gguf::Metadata& meta, std::string arch) : meta_(meta), arch_(std::move(arch)) {}

    std::string key(const std::string& name) const { return arch_ + "." + name; }
    std::int64_t size(const std::string& name, std::int64_t least = 1, std::int64_t most = max_size) const {
        return checked(name, meta_.need_integer(key(name)), least, most);
    }
    std::int64_t size_or(const std::string& name, std::int64_t otherwise, std::int64_t least = 0,
                         std::int64_t most = max_size) const {
        const auto v = meta_.integer(key(name));
        return v ? checked(name, *v, least, most) : otherwise;
    }
    // A number for all layers, or an array of equal numbers, one per layer.
    std::int64_t uniform(const std::string& name, std::int64_t layers) const {
        const gguf::Value* v = meta_.find(key(name));
        if (!v || !std::holds_alternative<gguf::Array>(*v)) return size(name);
        const std::vector<std::int64_t> list = *meta_.integers(key(name));
        if (static_cast<std::int64_t>(list.size()) != layers)
            throw Error(Code::bad_file, "{} has {} entries for {} layers", key(name), list.size(), layers);
        for (const std::int64_t x : list)
            if (x != list[0])
                throw Error(Code::unsupported,
                            "{} differs between layers ({} and {}), which this architecture does not do", key(name),
                            list[0], x);
        return checked(name, list[0], 1, max_size);
    }

private:
    std::int64_t checked(const std::string& name, std::int64_t v, std::int64_t least, std::int64_t most) const {
        if (v < least || v > most)
            throw Error(Code::bad_file, "{} is {}, expected {} to {}", key(name), v, least, most);
        return v;
    }
    const gguf::Metadata& meta_;
    std::string arch_;
};

// Fills c.sliding from the file's pattern: a bool for each layer, or a period.
void read_sliding(Config& c, const gguf::Metadata& meta, const std::string& key, std::int64_t period) {
    c.sliding.assign(std::size_t(c.layers), false);
    if (c.window == 0) return;
    const gguf::Value* v = meta.find(key);
    if (!v || !std::holds_alternative<gguf::Array>(*v)) {
        if (v) period = meta.need_integer(key);
        if (period < 0) throw Error(Code::bad_file, "{} is {}, expected a number of layers", key, period);
        return set_window(c, c.window, period);
    }
    const auto& array = std::get<gguf::Array>(*v);
    if (array.size() != c.sliding.size())
        throw Error(Code::bad_file, "{} has {} entries for {} layers", key, array.size(), c.layers);
    if (array.element == gguf::ValueType::boolean) {
        c.sliding = *meta.booleans(key);
        return;
    }
    const std::vector<std::int64_t> list = *meta.integers(key);
    for (std::size_t i = 0; i < list.size(); ++i) c.sliding[i] = list[i] != 0;
}

}  // namespace

double read_positive(const gguf::Metadata& meta, const std::string& key, double otherwise) {
    const double v = meta.number(key).value_or(otherwise);
    // Computed with in float, so it must be one.
    if (!(v >= std::numeric_limits<float>::min() && v <= std::numeric_limits<float>::max()))
        throw Error(Code::bad_file, "{} is {}, expected more than 0", key, v);
    return v;
}

double read_from_zero(const gguf::Metadata& meta, const std::string& key, double otherwise) {
    const double v = meta.number(key).value_or(otherwise);
    return v == 0 ? 0 : read_positive(meta, key, v);
}

Config read_config(const Graph& g, const gguf::Metadata& meta, std::int64_t sliding_period) {
    Config c;
    c.arch = std::string(meta.need_string("general.architecture"));
    const Reader r(meta, c.arch);
    c.layers = static_cast<int>(r.size("block_count"));
    c.context = r.size("context_length", 1, max_tokens);
    if (g.options().context > 0) c.context = g.options().context;
    c.dim = r.size("embedding_length");
    c.heads = r.uniform("attention.head_count", c.layers);
    c.kv_heads = meta.has(r.key("attention.head_count_kv")) ? r.uniform("attention.head_count_kv", c.layers) : c.heads;
    if (c.heads % c.kv_heads != 0)
        throw Error(Code::bad_file,
                    "{0}.attention.head_count is {1}, not a multiple of {0}.attention.head_count_kv, {2}", c.arch,
                    c.heads, c.kv_heads);
    if (!meta.has(r.key("attention.key_length")) && c.dim % c.heads != 0)
        throw Error(Code::bad_file,
                    "{0}.embedding_length is {1}, not a multiple of {0}.attention.head_count, {2}, and there is no "
                    "{0}.attention.key_length",
                    c.arch, c.dim, c.heads);
    c.head_dim = r.size_or("attention.key_length", c.dim / c.heads, 1);
    const std::int64_t value_length = r.size_or("attention.value_length", c.head_dim, 1);
    if (value_length != c.head_dim)
        throw Error(Code::unsupported,
                    "{}.attention.value_length is {} and key_length {}; this architecture has them equal", c.arch,
                    value_length, c.head_dim);
    c.eps = static_cast<float>(read_from_zero(meta, r.key("attention.layer_norm_rms_epsilon"), 1e-5));
    const double usual_scale = 1 / std::sqrt(static_cast<double>(c.head_dim));
    c.attention_scale = static_cast<float>(read_positive(meta, r.key("attention.scale"), usual_scale));
    c.rope_base = read_positive(meta, r.key("rope.freq_base"), 10000);
    c.rope_dims = r.size_or("rope.dimension_count", c.head_dim, 2);
    if (c.rope_dims > c.head_dim || c.rope_dims % 2 != 0)
        throw Error(Code::bad_file, "{}.rope.dimension_count is {}, expected an even number up to {}", c.arch,
                    c.rope_dims, c.head_dim);
    c.window = r.size_or("attention.sliding_window", 0, 0, max_tokens);
    read_sliding(c, meta, r.key("attention.sliding_window_pattern"), sliding_period);
    c.experts = r.size_or("expert_count", 0);
    c.ff = c.experts ? r.size_or("feed_forward_length", 0) : r.uniform("feed_forward_length", c.layers);
    if (c.experts) {
        c.top_k = r.size("expert_used_count", 1, c.experts);
        c.expert_ff = r.size_or("expert_feed_forward_length", c.ff, 1);
        c.shared_ff = r.size_or("expert_shared_feed_forward_length", 0);
        c.renormalise = meta.boolean(r.key("expert_weights_norm"));
    }
    const std::optional<std::vector<std::int64_t>> embedding = g.weight_dims("token_embd.weight");
    if (!embedding || embedding->size() != 2)
        throw Error(Code::bad_file, "token_embd.weight: the file has no such matrix; every model needs one");
    c.vocab = (*embedding)[0];
    return c;
}

void set_window(Config& c, std::int64_t window, std::int64_t period) {
    c.window = window;
    for (int i = 0; i < c.layers; ++i) c.sliding[std::size_t(i)] = period == 0 || i % period < period - 1;
}

void need_experts(const Config& c) {
    if (c.experts == 0)
        throw Error(Code::bad_file, "{}.expert_count is missing or 0; this architecture needs experts", c.arch);
}

KeyValues::KeyValues(Graph& g, const Config& c) : graph_(g), config_(c) {
    for (const bool sliding : c.sliding) {
        int& group = sliding ? sliding_ : full_;
        if (group >= 0) continue;
        StateGroup declared;
        declared.name = sliding ? "kv_sliding" : "kv";
        declared.kind = sliding ? StateKind::ring : StateKind::per_token;
        declared.window = sliding ? c.window : 0;
        group = g.state_group(std::move(declared));
    }
}

Value KeyValues::attend(int layer, Value q, Value k, Value v) {
    const Layer w(graph_, layer);
    const bool sliding = config_.sliding[std::size_t(layer)];
    const int group = sliding ? sliding_ : full_;
    const DType dtype = graph_.options().kv_dtype;
    const Value ks = store(graph_.state(group, w["k"], dtype, config_.kv_dim()), k);
    const Value vs = store(graph_.state(group, w["v"], dtype, config_.kv_dim()), v);
    AttendAttr how;
    how.kv_heads = config_.kv_heads;
    how.scale = config_.attention_scale;
    how.softcap = config_.attention_softcap;
    const Source source{ks, vs, sliding ? config_.window : 0};
    return merge(quern::attend(w["attend"], q, {&source, 1}, how));
}

void head(Graph& g, const Config& c, Value x) {
    x = norm(select_rows(x, g.logit_rows()), g.weight("output_norm.weight", {c.dim}), c.eps);
    g.output("hidden", x);
    const bool own = g.has_weight("output.weight");  // else tied to the embedding
    Value logits = linear(x, g.weight(own ? "output.weight" : "token_embd.weight", {c.vocab, c.dim}));
    if (c.logit_softcap > 0) logits = softcap(logits, c.logit_softcap);
    g.output("logits", logits);
}

}  // namespace quern::models
