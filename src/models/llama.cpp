// Llama (Touvron et al. 2023; Grattafiori et al. 2024), with Mistral (Jiang et al. 2023: a sliding window) and Mixtral
// (Jiang et al. 2024: a mixture of experts in place of the feed-forward), which share GGUF's architecture "llama".
#include "models/architecture.h"
#include "models/common.h"

namespace quern::models {
namespace {

constexpr TensorName tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight", Transform::permute_q},
    {"model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias", Transform::permute_q},
    {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight", Transform::permute_k},
    {"model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias", Transform::permute_k},
    {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"model.layers.{}.mlp.gate_proj.bias", "blk.{}.ffn_gate.bias"},
    {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.up_proj.bias", "blk.{}.ffn_up.bias"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"model.layers.{}.mlp.down_proj.bias", "blk.{}.ffn_down.bias"},
    {"model.layers.{}.block_sparse_moe.gate.weight", "blk.{}.ffn_gate_inp.weight"},
    {"model.layers.{}.block_sparse_moe.experts.{e}.w1.weight", "blk.{}.ffn_gate_exps.weight", Transform::stack_experts},
    {"model.layers.{}.block_sparse_moe.experts.{e}.w2.weight", "blk.{}.ffn_down_exps.weight", Transform::stack_experts},
    {"model.layers.{}.block_sparse_moe.experts.{e}.w3.weight", "blk.{}.ffn_up_exps.weight", Transform::stack_experts},
};

Value feed_forward(const Config& c, const Layer& w, Value h) {
    Value gate = linear(h, w("ffn_gate", {c.ff, c.dim}), w.bias("ffn_gate", c.ff));
    Value up = linear(h, w("ffn_up", {c.ff, c.dim}), w.bias("ffn_up", c.ff));
    return linear(glu(gate, up, Act::silu), w("ffn_down", {c.dim, c.ff}), w.bias("ffn_down", c.dim));
}

Value experts(const Config& c, const Layer& w, Value h) {
    const Renormalise renormalise = c.renormalise.value_or(true) ? Renormalise::yes : Renormalise::no;
    const Routing r = route(linear(h, w("ffn_gate_inp", {c.experts, c.dim})), c.top_k, renormalise);
    return moe(w["ffn_moe"], h, r, w("ffn_gate_exps", {c.experts, c.expert_ff, c.dim}),
               w("ffn_up_exps", {c.experts, c.expert_ff, c.dim}), w("ffn_down_exps", {c.experts, c.dim, c.expert_ff}),
               Act::silu);
}

Value layer(Graph& g, const Config& c, KeyValues& kv, const RopeAttr& rotary, int i, Value x) {
    const Layer w(g, i);
    Value h = norm(x, w("attn_norm", {c.dim}), c.eps);
    Value q = split(linear(h, w("attn_q", {c.q_dim(), c.dim}), w.bias("attn_q", c.q_dim())), c.head_dim);
    Value k = split(linear(h, w("attn_k", {c.kv_dim(), c.dim}), w.bias("attn_k", c.kv_dim())), c.head_dim);
    Value v = linear(h, w("attn_v", {c.kv_dim(), c.dim}), w.bias("attn_v", c.kv_dim()));
    q = rope(q, g.positions(), rotary);
    k = rope(k, g.positions(), rotary);
    h = kv.attend(i, q, k, v);
    x = add(x, linear(h, w("attn_output", {c.dim, c.q_dim()}), w.bias("attn_output", c.dim)));

    h = norm(x, w("ffn_norm", {c.dim}), c.eps);
    return add(x, c.experts ? experts(c, w, h) : feed_forward(c, w, h));
}

void record(Graph& g, const gguf::Metadata& meta) {
    const Config c = read_config(g, meta);
    KeyValues kv(g, c);
    const RopeAttr rotary = make_rope(g, meta, c, RopeStyle::interleaved, c.rope_base);
    Value x = embed(g.tokens(), g.weight("token_embd.weight", {c.vocab, c.dim}));
    for (int i = 0; i < c.layers; ++i) x = layer(g, c, kv, rotary, i, x);
    head(g, c, x);
}

constexpr std::string_view classes[] = {"LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM"};

}  // namespace

extern const Architecture llama{"llama", classes, tensors, record};

}  // namespace quern::models
