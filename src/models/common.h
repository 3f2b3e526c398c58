// What decoder-only transformers have in common: hyper-parameters under their GGUF keys, RoPE frequencies with every
// scaling, key-value states by layer, the head. The files of the architectures read like papers because this is here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "format/gguf/metadata.h"
#include "graph/builder.h"

namespace quern::models {

// Keys are "<architecture>.<name>" in the file; sizes are in elements. What a file lacks has the default that the
// architecture's original code has.
struct Config {
    std::string arch;
    int layers = 0;
    std::int64_t dim = 0, ff = 0, vocab = 0, context = 0;
    std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
    float eps = 0;
    float attention_scale = 0;  // of the scores; head_dim^-1/2 unless the file says otherwise
    float attention_softcap = 0, logit_softcap = 0;
    double rope_base = 10000;
    std::int64_t rope_dims = 0;  // elements of a head that are turned
    std::int64_t window = 0;     // of sliding layers, in tokens, the own one included; 0: none
    std::vector<bool> sliding;   // by layer
    std::int64_t experts = 0, top_k = 0, expert_ff = 0, shared_ff = 0;
    std::optional<bool> renormalise;  // expert_weights_norm, where the file says so

    std::int64_t q_dim() const { return heads * head_dim; }
    std::int64_t kv_dim() const { return kv_heads * head_dim; }
};

// `sliding_period`: of layers, where the file gives a window but no pattern: n means that every n-th layer sees all, 0
// that every layer slides. Throws Error(bad_file) naming the key that is missing or senseless.
Config read_config(const Graph& g, const gguf::Metadata& meta, std::int64_t sliding_period = 0);

// A number that float can hold, more than 0 (or 0 as well). Throws Error(bad_file) naming the key.
double read_positive(const gguf::Metadata& meta, const std::string& key, double otherwise);
double read_from_zero(const gguf::Metadata& meta, const std::string& key, double otherwise);

// Makes layers slide over this window, by period as above.
void set_window(Config& c, std::int64_t window, std::int64_t period);
// Throws Error(bad_file) when the file names no experts.
void need_experts(const Config& c);

// The RoPE of this file with its scaling (none, linear, dynamic NTK, YaRN, llama3, longrope); methods and sources in
// rope.cpp. `scaled` no: plain frequencies of `base` (Gemma 3's sliding layers).
enum class Scaled : std::uint8_t { no, yes };
RopeAttr make_rope(Graph& g, const gguf::Metadata& meta, const Config& c, RopeStyle style, double base,
                   Scaled scaled = Scaled::yes);

// The key-value states of all layers: full layers keep every row, sliding layers a ring.
class KeyValues {
public:
    KeyValues(Graph& g, const Config& c);
    // Keeps this step's k and v (f32 [T, kv_heads, head_dim]) and attends with q over what the layer may see.
    // Gives f32 [T, heads * head_dim].
    Value attend(int layer, Value q, Value k, Value v);

private:
    Graph& graph_;
    const Config& config_;
    int full_ = -1, sliding_ = -1;  // state groups
};

// Final norm, output matrix (the embedding's when the file has no own) and soft cap over the rows that want logits.
void head(Graph& g, const Config& c, Value x);

}  // namespace quern::models
