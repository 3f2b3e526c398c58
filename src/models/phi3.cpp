// Phi-3, Phi-3.5 and Phi-4-mini (Abdin et al. 2024): Llama's block with q, k, v in one matrix and gate, up in another;
// RoPE may turn only a part of each head, and long contexts have factors of their own (longrope).
#include "models/architecture.h"
#include "models/common.h"

namespace quern::models {
namespace {

constexpr TensorName tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"model.layers.{}.self_attn.qkv_proj.weight", "blk.{}.attn_qkv.weight"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"model.layers.{}.mlp.gate_up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
};

Value layer(Graph& g, const Config& c, KeyValues& kv, const RopeAttr& rotary, int i, Value x) {
    const Layer w(g, i);
    Value h = norm(x, w("attn_norm", {c.dim}), c.eps);
    Value qkv = linear(h, w("attn_qkv", {c.q_dim() + 2 * c.kv_dim(), c.dim}));
    Value q = split(slice(qkv, 0, c.q_dim()), c.head_dim);
    Value k = split(slice(qkv, c.q_dim(), c.kv_dim()), c.head_dim);
    Value v = slice(qkv, c.q_dim() + c.kv_dim(), c.kv_dim());
    q = rope(q, g.positions(), rotary);
    k = rope(k, g.positions(), rotary);
    h = kv.attend(i, q, k, v);
    x = add(x, linear(h, w("attn_output", {c.dim, c.q_dim()})));

    h = norm(x, w("ffn_norm", {c.dim}), c.eps);
    Value gate_up = linear(h, w("ffn_up", {2 * c.ff, c.dim}));
    h = glu(slice(gate_up, 0, c.ff), slice(gate_up, c.ff, c.ff), Act::silu);
    return add(x, linear(h, w("ffn_down", {c.dim, c.ff})));
}

void record(Graph& g, const gguf::Metadata& meta) {
    const Config c = read_config(g, meta);
    KeyValues kv(g, c);
    const RopeAttr rotary = make_rope(g, meta, c, RopeStyle::half, c.rope_base);
    Value x = embed(g.tokens(), g.weight("token_embd.weight", {c.vocab, c.dim}));
    for (int i = 0; i < c.layers; ++i) x = layer(g, c, kv, rotary, i, x);
    head(g, c, x);
}

constexpr std::string_view classes[] = {"Phi3ForCausalLM"};

}  // namespace

extern const Architecture phi3{"phi3", classes, tensors, record};

}  // namespace quern::models
