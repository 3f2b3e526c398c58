#include "convert/config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "format/shown.h"

namespace quern::convert {
namespace {

// No model's sizes are near these; they bound what a made-up file can ask for.
constexpr std::int64_t max_size = 1 << 26, max_layers = 4096, max_head = 1 << 16, max_experts = 1 << 16;

// Which layers see only a window of the text.
enum class Window : std::uint8_t {
    none,
    all,         // every layer, if sliding_window is there
    flagged,     // every layer, if use_sliding_window is true
    late,        // use_sliding_window, from max_window_layers on or by layer_types
    listed,      // use_sliding_window and layer_types
    alternating  // all but each n-th
};

// How a class of transformers differs from the plain case; numbers are its defaults where config.json has no field.
struct Family {
    std::string_view name;  // in config.json's architectures
    Window window = Window::none;
    std::int64_t period = 0;  // alternating: every n-th layer sees everything
    double rope_base = 10000;
    std::int64_t head_dim = 0;        // 0: hidden_size / num_attention_heads
    std::int64_t default_window = 0;  // 0: none
    bool gemma = false;               // GELU, tied, query_pre_attn_scalar
    bool q_bias = false;              // always has biases on q, k and v
};

constexpr Family families[] = {
    {.name = "LlamaForCausalLM"},
    {.name = "MistralForCausalLM", .window = Window::all, .default_window = 4096},
    {.name = "MixtralForCausalLM", .window = Window::all, .rope_base = 1e6},
    {.name = "Qwen2ForCausalLM", .window = Window::late, .q_bias = true},
    {.name = "Qwen3ForCausalLM", .window = Window::late, .head_dim = 128},
    {.name = "Qwen2MoeForCausalLM", .window = Window::listed, .q_bias = true},
    {.name = "Qwen3MoeForCausalLM", .window = Window::flagged},
    {.name = "Gemma2ForCausalLM",
     .window = Window::alternating,
     .period = 2,
     .head_dim = 256,
     .default_window = 4096,
     .gemma = true},
    {.name = "Gemma3ForCausalLM",
     .window = Window::alternating,
     .period = 6,
     .rope_base = 1e6,
     .head_dim = 256,
     .default_window = 4096,
     .gemma = true},
    {.name = "Gemma3ForConditionalGeneration",
     .window = Window::alternating,
     .period = 6,
     .rope_base = 1e6,
     .head_dim = 256,
     .default_window = 4096,
     .gemma = true},
    {.name = "Phi3ForCausalLM", .window = Window::all},
};

// Fields that say how to train, store, load or sample, not what is computed. "dtype" is that of the stored tensors,
// which say it themselves.
constexpr std::string_view harmless[] = {
    "architectures",
    "attention_dropout",
    "attn_implementation",
    "auto_map",
    "begin_suppress_tokens",
    "cache_implementation",
    "chunk_size_feed_forward",
    "decoder_start_token_id",
    "do_sample",
    "dtype",
    "embd_pdrop",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "hidden_dropout",
    "id2label",
    "initializer_range",
    "keys_to_ignore_at_inference",
    "label2id",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "max_window_layers",
    "min_length",
    "model_type",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_router_logits",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "repetition_penalty",
    "resid_pdrop",
    "return_dict",
    "router_aux_loss_coef",
    "router_jitter_noise",
    "sep_token_id",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "typical_p",
    "unsloth_fixed",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
};

// The classes with pictures wrap the text model's fields and have these beside it.
constexpr std::string_view harmless_around_text[] = {
    "architectures",       "boi_token_index", "dtype",
    "eoi_token_index",     "eos_token_id",    "bos_token_id",
    "image_token_index",   "image_token_id",  "initializer_range",
    "mm_tokens_per_image", "model_type",      "pad_token_id",
    "tie_word_embeddings", "torch_dtype",     "transformers_version",
    "unsloth_fixed",       "vision_config",   "boi_token_id",
    "eoi_token_id",
};

struct Found {
    const models::Architecture* architecture;
    const Family* family;
};

Found find_class(const std::vector<std::string>& classes, const std::string& where) {
    std::string known;
    for (const models::Architecture* a : models::architectures()) {
        for (const std::string_view name : a->hugging_face) {
            const auto family = std::ranges::find(families, name, &Family::name);
            if (family == std::end(families)) continue;
            if (classes.size() == 1 && classes[0] == name) return {a, family};
            known.append(known.empty() ? "" : ", ").append(name);
        }
    }
    std::string listed;
    for (const std::string& c : classes) listed.append(listed.empty() ? "" : ", ").append(shown(c));
    throw Error(Code::unsupported, "{}: architectures is [{}], expected one of those this build knows: {}", where,
                listed, known);
}

// Writes keys under the architecture's name.
class Keys {
public:
    explicit Keys(ModelConfig& out) : meta_(out.metadata), prefix_(std::string(out.architecture->name) + ".") {}
    void u32(const std::string& key, std::int64_t v) { meta_.set(prefix_ + key, static_cast<std::uint32_t>(v)); }
    void f32(const std::string& key, double v) { meta_.set(prefix_ + key, static_cast<float>(v)); }
    void boolean(const std::string& key, bool v) { meta_.set(prefix_ + key, v); }
    void booleans(const std::string& key, const std::vector<bool>& values) {
        gguf::Array array{gguf::ValueType::boolean, std::vector<std::uint8_t>(values.begin(), values.end())};
        meta_.set(prefix_ + key, std::move(array));
    }

private:
    gguf::Metadata& meta_;
    std::string prefix_;
};

void check_activation(Fields& c, const Family& family) {
    // Gemma's classes read hidden_activation; its older files have hidden_act as well, with the same meaning.
    const std::optional<std::string> act = c.string("hidden_act");
    const std::optional<std::string> named = family.gemma ? c.string("hidden_activation") : act;
    const std::string value = named ? *named : act ? *act : family.gemma ? "gelu_pytorch_tanh" : "silu";
    const bool fits = family.gemma ? value == "gelu_pytorch_tanh" : value == "silu" || value == "swish";
    if (!fits)
        throw Error(Code::unsupported, "{}: the activation (hidden_act) is {}, but {} is computed with {}", c.where(),
                    shown(value), family.name, family.gemma ? "gelu_pytorch_tanh" : "silu");
}

void check_not_quantised(Fields& c) {
    const Json* q = c.find("quantization_config");
    if (!q) return;
    std::string method = "an unknown method";
    if (q->is_object() && q->contains("quant_method") && (*q)["quant_method"].is_string())
        method = shown((*q)["quant_method"].get<std::string>());
    throw Error(Code::unsupported,
                "{}: quantization_config says that the weights are quantised by {}, which this build does not read; "
                "convert the model with F32, F16 or BF16 weights",
                c.where(), method);
}

struct Heads {
    std::int64_t count, kv, dim;
};

Heads read_heads(Fields& c, const Family& family, std::int64_t hidden) {
    Heads h{};
    h.count = c.need_integer("num_attention_heads", 1, max_head);
    h.kv = c.integer("num_key_value_heads", 1, max_head).value_or(h.count);
    if (h.count % h.kv != 0)
        throw Error(Code::bad_file, "{}: num_attention_heads is {}, not a multiple of num_key_value_heads, {}",
                    c.where(), h.count, h.kv);
    const std::optional<std::int64_t> said = c.integer("head_dim", 1, max_head);
    if (!said && !family.head_dim && hidden % h.count != 0)
        throw Error(Code::bad_file,
                    "{}: hidden_size is {}, not a multiple of num_attention_heads, {}, and there is no head_dim",
                    c.where(), hidden, h.count);
    h.dim = said ? *said : family.head_dim ? family.head_dim : hidden / h.count;
    if (h.dim % 2 != 0 || h.dim > max_head)
        throw Error(Code::bad_file, "{}: heads have {} elements (head_dim), expected an even number up to {}",
                    c.where(), h.dim, max_head);
    return h;
}

// layer_types as "does layer i slide", or nothing where the field is absent.
std::optional<std::vector<bool>> read_layer_types(Fields& c, std::int64_t layers) {
    const auto types = c.strings("layer_types");
    if (!types) return std::nullopt;
    if (std::ssize(*types) != layers)
        throw Error(Code::bad_file, "{}: layer_types has {} entries for {} layers", c.where(), types->size(), layers);
    std::vector<bool> slides;
    for (const std::string& t : *types) {
        if (t != "full_attention" && t != "sliding_attention")
            throw Error(Code::unsupported, "{}: layer_types has {}; known are full_attention and sliding_attention",
                        c.where(), shown(t));
        slides.push_back(t == "sliding_attention");
    }
    return slides;
}

std::vector<bool> by_period(std::int64_t layers, std::int64_t period) {
    std::vector<bool> slides;
    for (std::int64_t i = 0; i < layers; ++i) slides.push_back(period == 0 || i % period < period - 1);
    return slides;
}

bool window_is_on(Fields& c, Window kind) {
    if (kind == Window::all || kind == Window::alternating) return true;
    return c.boolean("use_sliding_window").value_or(false);
}

std::vector<bool> sliding_layers(Fields& c, const Family& family, std::int64_t layers,
                                 const std::optional<std::vector<bool>>& listed) {
    if (listed) return *listed;
    if (family.window == Window::alternating) {
        std::int64_t period = family.period;
        for (const char* key : {"sliding_window_pattern", "_sliding_window_pattern"})
            if (const auto said = c.integer(key, 1, max_layers)) period = *said;
        return by_period(layers, period);
    }
    if (family.window == Window::late) {
        const std::int64_t first = c.integer("max_window_layers", 0, max_size).value_or(28);
        std::vector<bool> slides;
        for (std::int64_t i = 0; i < layers; ++i) slides.push_back(i >= first);
        return slides;
    }
    if (family.window == Window::listed)
        throw Error(Code::unsupported,
                    "{}: use_sliding_window is true but there is no layer_types; versions of transformers differ in "
                    "which layers of {} slide then, so write layer_types into the file",
                    c.where(), family.name);
    return by_period(layers, 0);
}

void read_window(Fields& c, const Family& family, std::int64_t layers, Keys& keys) {
    const auto listed = read_layer_types(c, layers);
    const auto any = [](const std::vector<bool>& v) { return std::ranges::find(v, true) != v.end(); };
    std::int64_t window = 0;
    if (family.window != Window::none) {
        const std::int64_t otherwise = c.written("sliding_window") ? 0 : family.default_window;
        window = c.integer("sliding_window", 0, max_size).value_or(otherwise);
        if (!window_is_on(c, family.window)) window = 0;
    }
    if (listed && any(*listed) && window == 0)
        throw Error(Code::bad_file, "{}: layer_types has sliding_attention, but there is no window (sliding_window)",
                    c.where());
    const bool alternating = family.window == Window::alternating;
    if (window == 0) {
        if (alternating) keys.u32("attention.sliding_window", 0);  // absent would mean the published models' window
        return;
    }
    const std::vector<bool> slides = sliding_layers(c, family, layers, listed);
    if ((family.window == Window::all || family.window == Window::flagged) && slides != by_period(layers, 0))
        throw Error(Code::unsupported, "{}: layer_types has full_attention, but every layer of {} slides", c.where(),
                    family.name);
    if (!any(slides) && !alternating) return;
    keys.u32("attention.sliding_window", window);
    if (slides != by_period(layers, family.period)) keys.booleans("attention.sliding_window_pattern", slides);
}

void read_experts(Fields& c, const ModelConfig& m, Keys& keys, std::int64_t& experts) {
    const std::string_view arch = m.architecture->name;
    const bool mixtral = c.find("num_local_experts") != nullptr && arch == "llama";
    if (!mixtral && arch != "qwen2moe" && arch != "qwen3moe") return;
    for (const char* key : {"num_experts", "num_local_experts"})
        if (const auto said = c.integer(key, 1, max_experts)) experts = *said;
    if (experts == 0)
        throw Error(Code::bad_file, "{}: num_experts is missing; it must be the number of experts in a layer",
                    c.where());
    keys.u32("expert_count", experts);
    keys.u32("expert_used_count", c.need_integer("num_experts_per_tok", 1, experts));
    if (mixtral) return;
    keys.u32("expert_feed_forward_length", c.need_integer("moe_intermediate_size", 1, max_size));
    keys.boolean("expert_weights_norm", c.boolean("norm_topk_prob").value_or(false));
    // Which layers are dense shows in their tensors.
    c.find("mlp_only_layers");
    c.integer("decoder_sparse_step", 1, max_layers);
    if (arch == "qwen2moe")
        keys.u32("expert_shared_feed_forward_length", c.need_integer("shared_expert_intermediate_size", 1, max_size));
}

// Score scale and soft caps, which llama.cpp's converter leaves to the reader's knowledge of the published models.
void read_gemma(Fields& c, const ModelConfig& m, std::int64_t head_dim, Keys& keys) {
    const double scalar = c.positive("query_pre_attn_scalar").value_or(256);
    // Readers take models of these depths for the 27B ones, which have another default.
    const bool special = m.layers == 46 || m.layers == 62;
    if (scalar != static_cast<double>(head_dim) || special) keys.f32("attention.scale", 1 / std::sqrt(scalar));
    const bool gemma2 = m.architecture->name == "gemma2";
    const auto cap = [&](const char* key, double otherwise) {
        return c.written(key) ? c.positive(key).value_or(0) : otherwise;
    };
    const double scores = cap("attn_logit_softcapping", gemma2 ? 50 : 0);
    const double logits = cap("final_logit_softcapping", gemma2 ? 30 : 0);
    if (!gemma2 && scores != 0)
        throw Error(Code::unsupported, "{}: attn_logit_softcapping is {}, which Gemma 3 has not; expected null",
                    c.where(), scores);
    if (gemma2) keys.f32("attn_logit_softcapping", scores);
    if (gemma2 || logits != 0) keys.f32("final_logit_softcapping", logits);
}

void read_biases(Fields& c, const Family& family, ModelConfig& out) {
    const std::string_view arch = out.architecture->name;
    const bool attention = c.boolean("attention_bias").value_or(false);
    if (attention && arch != "llama" && arch != "qwen3" && arch != "qwen3moe")
        throw Error(Code::unsupported, "{}: attention_bias is true, which {} does not have in this build", c.where(),
                    family.name);
    out.qkv_bias = attention || family.q_bias;
    if (arch == "qwen2moe") out.qkv_bias = c.boolean("qkv_bias").value_or(true);
    out.output_bias = attention;
    if (arch == "llama") out.ff_bias = c.boolean("mlp_bias").value_or(false);
}

void read_token_ids(Fields& c, ModelConfig& out) {
    const auto id = [&](const char* key) -> std::optional<std::int64_t> {
        const Json* v = c.find(key);
        if (v && v->is_number_integer() && *v == -1) return std::nullopt;  // how some files write "none"
        return c.integer(key, 0, max_size);
    };
    out.bos = id("bos_token_id");
    out.pad = id("pad_token_id");
    out.eos = read_eos(c);
}

ModelConfig read_text(Fields& c, const Found& found, bool tied) {
    const Family& family = *found.family;
    ModelConfig out;
    out.architecture = found.architecture;
    out.tied = tied;
    out.metadata.set("general.architecture", std::string(found.architecture->name));
    Keys keys(out);
    check_not_quantised(c);
    check_activation(c, family);
    out.layers = c.need_integer("num_hidden_layers", 1, max_layers);
    const std::int64_t context = c.need_integer("max_position_embeddings", 1, max_size);
    const std::int64_t hidden = c.need_integer("hidden_size", 1, max_size);
    out.vocab = c.need_integer("vocab_size", 1, max_size);
    const Heads heads = read_heads(c, family, hidden);
    out.heads = heads.count;
    out.kv_heads = heads.kv;
    keys.u32("block_count", out.layers);
    keys.u32("context_length", context);
    keys.u32("embedding_length", hidden);
    keys.u32("feed_forward_length", c.need_integer("intermediate_size", 1, max_size));
    keys.u32("attention.head_count", heads.count);
    keys.u32("attention.head_count_kv", heads.kv);
    keys.u32("attention.key_length", heads.dim);
    keys.u32("attention.value_length", heads.dim);
    keys.f32("attention.layer_norm_rms_epsilon", c.need_positive("rms_norm_eps"));
    keys.u32("vocab_size", out.vocab);
    read_window(c, family, out.layers, keys);
    read_experts(c, out, keys, out.experts);
    if (family.gemma) read_gemma(c, out, heads.dim, keys);
    read_biases(c, family, out);
    read_rope(c, {found.architecture->name, family.rope_base, heads.dim, context}, out);
    read_token_ids(c, out);
    c.refuse_unknown(harmless);
    return out;
}

}  // namespace

std::vector<std::int64_t> read_eos(Fields& c) {
    const Json* v = c.find("eos_token_id");
    if (!v) return {};
    const Json list = v->is_array() ? *v : Json::array({*v});
    std::vector<std::int64_t> out;
    for (const Json& id : list) {
        if (!id.is_number_integer() || id < -1 || id > max_size)
            throw Error(Code::bad_file, "{}: eos_token_id holds {}, expected token ids", c.where(), shown(id.dump()));
        if (id >= 0) out.push_back(id.get<std::int64_t>());
    }
    return out;
}

ModelConfig read_config(const Json& config, const std::string& where) {
    Fields outer(config, where);
    const auto classes = outer.strings("architectures");
    if (!classes)
        throw Error(Code::unsupported, "{}: architectures is missing, so the kind of model is unknown", where);
    const Found found = find_class(*classes, where);
    const bool tied = outer.boolean("tie_word_embeddings").value_or(found.family->gemma);
    std::optional<Fields> text = outer.object("text_config");
    if (!text) return read_text(outer, found, tied);
    if (found.family->name != "Gemma3ForConditionalGeneration")
        throw Error(Code::unsupported, "{}: text_config stands where {} has none", where, found.family->name);
    check_not_quantised(outer);
    outer.refuse_unknown(harmless_around_text);
    // The wrapped fields leave out what equals the text model's defaults.
    static const Json defaults = {{"num_attention_heads", 8},  {"num_key_value_heads", 4},
                                  {"head_dim", 256},           {"rms_norm_eps", 1e-6},
                                  {"vocab_size", 262208},      {"max_position_embeddings", 131072},
                                  {"sliding_window", 4096},    {"hidden_size", 2304},
                                  {"intermediate_size", 9216}, {"num_hidden_layers", 26}};
    Json filled = *config.find("text_config");
    for (const auto& [key, value] : defaults.items())
        if (!filled.contains(key)) filled[key] = value;
    Fields inner(filled, where + ": text_config");
    ModelConfig out = read_text(inner, found, inner.boolean("tie_word_embeddings").value_or(tied));
    if (out.eos.empty()) out.eos = read_eos(outer);
    out.notes.push_back("The parts of the model that see pictures are left out; the result is its text model.");
    return out;
}

}  // namespace quern::convert
