// Qwen3-MoE (Yang et al. 2025): Qwen3's attention, with a mixture of experts in place of the feed-forward.
#include "models/architecture.h"
#include "models/common.h"

namespace quern::models {
namespace {

constexpr TensorName tensors[] = {
    {"model.embed_tokens.weight", "token_embd.weight"},
    {"model.norm.weight", "output_norm.weight"},
    {"lm_head.weight", "output.weight"},
    {"model.layers.{}.input_layernorm.weight", "blk.{}.attn_norm.weight"},
    {"model.layers.{}.self_attn.q_proj.weight", "blk.{}.attn_q.weight"},
    {"model.layers.{}.self_attn.q_proj.bias", "blk.{}.attn_q.bias"},
    {"model.layers.{}.self_attn.k_proj.weight", "blk.{}.attn_k.weight"},
    {"model.layers.{}.self_attn.k_proj.bias", "blk.{}.attn_k.bias"},
    {"model.layers.{}.self_attn.v_proj.weight", "blk.{}.attn_v.weight"},
    {"model.layers.{}.self_attn.v_proj.bias", "blk.{}.attn_v.bias"},
    {"model.layers.{}.self_attn.q_norm.weight", "blk.{}.attn_q_norm.weight"},
    {"model.layers.{}.self_attn.k_norm.weight", "blk.{}.attn_k_norm.weight"},
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.self_attn.o_proj.bias", "blk.{}.attn_output.bias"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"model.layers.{}.mlp.gate.weight", "blk.{}.ffn_gate_inp.weight"},
    {"model.layers.{}.mlp.experts.{e}.gate_proj.weight", "blk.{}.ffn_gate_exps.weight", Transform::stack_experts},
    {"model.layers.{}.mlp.experts.{e}.up_proj.weight", "blk.{}.ffn_up_exps.weight", Transform::stack_experts},
    {"model.layers.{}.mlp.experts.{e}.down_proj.weight", "blk.{}.ffn_down_exps.weight", Transform::stack_experts},
};

Value layer(Graph& g, const Config& c, KeyValues& kv, const RopeAttr& rotary, int i, Value x) {
    const Layer w(g, i);
    Value h = norm(x, w("attn_norm", {c.dim}), c.eps);
    Value q = split(linear(h, w("attn_q", {c.q_dim(), c.dim}), w.bias("attn_q", c.q_dim())), c.head_dim);
    Value k = split(linear(h, w("attn_k", {c.kv_dim(), c.dim}), w.bias("attn_k", c.kv_dim())), c.head_dim);
    Value v = linear(h, w("attn_v", {c.kv_dim(), c.dim}), w.bias("attn_v", c.kv_dim()));
    q = rope(norm(q, w("attn_q_norm", {c.head_dim}), c.eps), g.positions(), rotary);
    k = rope(norm(k, w("attn_k_norm", {c.head_dim}), c.eps), g.positions(), rotary);
    h = kv.attend(i, q, k, v);
    x = add(x, linear(h, w("attn_output", {c.dim, c.q_dim()}), w.bias("attn_output", c.dim)));

    h = norm(x, w("ffn_norm", {c.dim}), c.eps);
    const Renormalise renormalise = c.renormalise.value_or(true) ? Renormalise::yes : Renormalise::no;
    const Routing r = route(linear(h, w("ffn_gate_inp", {c.experts, c.dim})), c.top_k, renormalise);
    return add(x, moe(w["ffn_moe"], h, r, w("ffn_gate_exps", {c.experts, c.expert_ff, c.dim}),
                      w("ffn_up_exps", {c.experts, c.expert_ff, c.dim}),
                      w("ffn_down_exps", {c.experts, c.dim, c.expert_ff}), Act::silu));
}

void record(Graph& g, const gguf::Metadata& meta) {
    const Config c = read_config(g, meta);
    need_experts(c);
    KeyValues kv(g, c);
    const RopeAttr rotary = make_rope(g, meta, c, RopeStyle::half, c.rope_base);
    Value x = embed(g.tokens(), g.weight("token_embd.weight", {c.vocab, c.dim}));
    for (int i = 0; i < c.layers; ++i) x = layer(g, c, kv, rotary, i, x);
    head(g, c, x);
}

constexpr std::string_view classes[] = {"Qwen3MoeForCausalLM"};

}  // namespace

extern const Architecture qwen3moe{"qwen3moe", classes, tensors, record};

}  // namespace quern::models
