// Qwen2-MoE (Qwen1.5-MoE, Qwen2-57B-A14B; Yang et al. 2024): Qwen2's attention; every token also goes through a shared
// expert, weighed by a sigmoid gate of its own. Layers may be dense.
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
    {"model.layers.{}.self_attn.o_proj.weight", "blk.{}.attn_output.weight"},
    {"model.layers.{}.post_attention_layernorm.weight", "blk.{}.ffn_norm.weight"},
    {"model.layers.{}.mlp.gate_proj.weight", "blk.{}.ffn_gate.weight"},
    {"model.layers.{}.mlp.up_proj.weight", "blk.{}.ffn_up.weight"},
    {"model.layers.{}.mlp.down_proj.weight", "blk.{}.ffn_down.weight"},
    {"model.layers.{}.mlp.gate.weight", "blk.{}.ffn_gate_inp.weight"},
    {"model.layers.{}.mlp.shared_expert_gate.weight", "blk.{}.ffn_gate_inp_shexp.weight"},
    {"model.layers.{}.mlp.shared_expert.gate_proj.weight", "blk.{}.ffn_gate_shexp.weight"},
    {"model.layers.{}.mlp.shared_expert.up_proj.weight", "blk.{}.ffn_up_shexp.weight"},
    {"model.layers.{}.mlp.shared_expert.down_proj.weight", "blk.{}.ffn_down_shexp.weight"},
    {"model.layers.{}.mlp.experts.{e}.gate_proj.weight", "blk.{}.ffn_gate_exps.weight", Transform::stack_experts},
    {"model.layers.{}.mlp.experts.{e}.up_proj.weight", "blk.{}.ffn_up_exps.weight", Transform::stack_experts},
    {"model.layers.{}.mlp.experts.{e}.down_proj.weight", "blk.{}.ffn_down_exps.weight", Transform::stack_experts},
};

Value dense(const Config& c, const Layer& w, Value h) {
    Value gate = linear(h, w("ffn_gate", {c.ff, c.dim}));
    Value up = linear(h, w("ffn_up", {c.ff, c.dim}));
    return linear(glu(gate, up, Act::silu), w("ffn_down", {c.dim, c.ff}));
}

Value shared_expert(const Config& c, const Layer& w, Value h) {
    const std::int64_t ff = c.shared_ff ? c.shared_ff : c.ff;
    Value gate = linear(h, w("ffn_gate_shexp", {ff, c.dim}));
    Value up = linear(h, w("ffn_up_shexp", {ff, c.dim}));
    Value y = linear(glu(gate, up, Act::silu), w("ffn_down_shexp", {c.dim, ff}));
    return gate_rows(y, linear(h, w.row("ffn_gate_inp_shexp", c.dim)));
}

Value experts(const Config& c, const Layer& w, Value h) {
    const Renormalise renormalise = c.renormalise.value_or(false) ? Renormalise::yes : Renormalise::no;
    const Routing r = route(linear(h, w("ffn_gate_inp", {c.experts, c.dim})), c.top_k, renormalise);
    return moe(w["ffn_moe"], h, r, w("ffn_gate_exps", {c.experts, c.expert_ff, c.dim}),
               w("ffn_up_exps", {c.experts, c.expert_ff, c.dim}), w("ffn_down_exps", {c.experts, c.dim, c.expert_ff}),
               Act::silu, shared_expert(c, w, h));
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
    x = add(x, linear(h, w("attn_output", {c.dim, c.q_dim()})));

    h = norm(x, w("ffn_norm", {c.dim}), c.eps);
    return add(x, w.has("ffn_gate_inp") ? experts(c, w, h) : dense(c, w, h));
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

constexpr std::string_view classes[] = {"Qwen2MoeForCausalLM"};

}  // namespace

extern const Architecture qwen2moe{"qwen2moe", classes, tensors, record};

}  // namespace quern::models
