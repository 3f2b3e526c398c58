// Gemma 3, text (Gemma Team 2025): Gemma 2's block with a norm on each head of q and k in place of the score cap; five
// sliding layers, with RoPE of their own base and without scaling, for one that sees everything.
#include <cmath>

#include "models/architecture.h"
#include "models/common.h"

namespace quern::models {
namespace {

constexpr TensorName tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.norm.weight", "output_norm.weight", Transform::add_one},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight", Transform::add_one},
    {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"},
    {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"},
    {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight", Transform::add_one},
    {"model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight", Transform::add_one},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.post_attention_norm.weight", Transform::add_one},
    {"model.layers.{}.pre_feedforward_layernorm.weight", "blk.{}.ffn_norm.weight", Transform::add_one},
    {"model.layers.{}.post_feedforward_layernorm.weight", "blk.{}.post_ffw_norm.weight", Transform::add_one},
    {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
};

Value layer(Graph& g, const Config& c, KeyValues& kv, const RopeAttr& rotary, int i, Value x) {
    const Layer w(g, i);
    Value h = norm(x, w("attn_norm", {c.dim}), c.eps);
    Value q = split(linear(h, w("attn_q", {c.q_dim(), c.dim})), c.head_dim);
    Value k = split(linear(h, w("attn_k", {c.kv_dim(), c.dim})), c.head_dim);
    Value v = linear(h, w("attn_v", {c.kv_dim(), c.dim}));
    q = rope(norm(q, w("attn_q_norm", {c.head_dim}), c.eps), g.positions(), rotary);
    k = rope(norm(k, w("attn_k_norm", {c.head_dim}), c.eps), g.positions(), rotary);
    h = kv.attend(i, q, k, v);
    h = linear(h, w("attn_output", {c.dim, c.q_dim()}));
    x = add(x, norm(h, w("post_attention_norm", {c.dim}), c.eps));

    h = norm(x, w("ffn_norm", {c.dim}), c.eps);
    Value gate = linear(h, w("ffn_gate", {c.ff, c.dim}));
    Value up = linear(h, w("ffn_up", {c.ff, c.dim}));
    h = linear(glu(gate, up, Act::gelu_tanh), w("ffn_down", {c.dim, c.ff}));
    return add(x, norm(h, w("post_ffw_norm", {c.dim}), c.eps));
}

void record(Graph& g, const gguf::Metadata& meta) {
    Config c = read_config(g, meta, 6);
    c.logit_softcap = static_cast<float>(read_from_zero(meta, "gemma3.final_logit_softcapping", 0));
    // The 27B model scales scores by the model's width per head, not by the head's own.
    if (!meta.has("gemma3.attention.scale") && c.layers == 62)
        c.attention_scale = 1 / std::sqrt(static_cast<float>(c.dim) / static_cast<float>(c.heads));
    KeyValues kv(g, c);
    const double local_base = read_positive(meta, "gemma3.rope.freq_base_swa", 10000);
    const RopeAttr global = make_rope(g, meta, c, RopeStyle::half, c.rope_base);
    const RopeAttr local = make_rope(g, meta, c, RopeStyle::half, local_base, Scaled::no);
    Value x = embed(g.tokens(), g.weight("token_embd.weight", {c.vocab, c.dim}));
    x = scale(x, std::sqrt(static_cast<float>(c.dim)));
    for (int i = 0; i < c.layers; ++i) x = layer(g, c, kv, c.sliding[std::size_t(i)] ? local : global, i, x);
    head(g, c, x);
}

constexpr std::string_view classes[] = {"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"};

}  // namespace

extern const Architecture gemma3{"gemma3", classes, tensors, record};

}  // namespace quern::models
