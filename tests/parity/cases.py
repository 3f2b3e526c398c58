"""The table of parity cases: what generate.py makes. One entry, one variant; the comment of a case is its `note`.

A case: name, transformers class, config arguments, prompt length T, and
  dialect   "v5" (config.json as transformers 5 writes it) or "v4" (rope_theta / rope_scaling / torch_dtype at the top,
            as in nearly all published models); "v4-type" also spells rope_scaling's "rope_type" the old way, "type"
  patch     keys put into the committed config.json last
  control   a change that removes the variant; logits must move by far more than the tolerance, or the case proves
            nothing: {"config": {...}} other config values, {"tensors": {regex: value}} constant tensors
"""

SMALL = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             vocab_size=96, max_position_embeddings=512, bos_token_id=1, eos_token_id=2)


def small(**changes):
    return {**SMALL, **changes}


def rope(kind, theta=10000.0, **parameters):
    return dict(rope_type=kind, rope_theta=theta, **parameters)


DEFAULT_ROPE = {"config": {"rope_parameters": rope("default")}}
CASES = []


def case(name, cls, T, note, config, control, dialect="v5", patch=None, seed=1):
    CASES.append(dict(name=name, cls=cls, T=T, note=note, config=config, control=control, dialect=dialect,
                      patch=patch or {}, seed=seed))


# llama -------------------------------------------------------------------------------------------------------------
LLAMA = "LlamaForCausalLM"
case("llama_full_heads", LLAMA, 17, "as many kv heads as heads, head 16, untied", small(num_key_value_heads=4),
     {"config": {"rope_parameters": rope("default", 100.0)}}, dialect="v4")
case("llama_gqa_hd64", LLAMA, 33, "grouped heads, head_dim 64 larger than hidden / heads",
     small(head_dim=64), {"config": {"rope_parameters": rope("default", 100.0)}}, dialect="v4")
case("llama_mqa_hd80", LLAMA, 20, "one kv head, head_dim 80, head_dim null in config.json",
     small(hidden_size=160, num_attention_heads=2, num_key_value_heads=1, vocab_size=128),
     {"config": {"rope_parameters": rope("default", 100.0)}}, dialect="v4", patch={"head_dim": None})
case("llama_hd96_theta", LLAMA, 25, "head_dim 96, rope_theta 500000, rms eps 1e-3",
     small(hidden_size=96, num_attention_heads=3, num_key_value_heads=1, head_dim=96, rms_norm_eps=1e-3,
           rope_parameters=rope("default", 500000.0)), {"config": {"rope_parameters": rope("default"),
                                                                   "rms_norm_eps": 1e-6}})
case("llama_hd128_tied", LLAMA, 21, "head_dim 128, tied embeddings", small(head_dim=128, tie_word_embeddings=True),
     {"tensors": {r"k_proj\.weight": 0.0}}, dialect="v4")
case("llama_hd256", LLAMA, 12, "head_dim 256, one layer", small(head_dim=256, num_hidden_layers=1, num_attention_heads=2,
                                                                num_key_value_heads=1),
     {"config": {"rope_parameters": rope("default", 100.0)}})
case("llama_attn_bias", LLAMA, 30, "biases on q, k, v and o", small(attention_bias=True),
     {"tensors": {r"_proj\.bias": 0.0}}, dialect="v4")
case("llama_k_bias", LLAMA, 30, "same model, the k bias alone must matter (it is permuted with k)",
     small(attention_bias=True), {"tensors": {r"[qk]_proj\.bias": 0.0}}, seed=101)
case("llama_mlp_bias", LLAMA, 19, "biases on attention and on gate, up, down", small(attention_bias=True, mlp_bias=True),
     {"tensors": {r"mlp.*bias": 0.0}})
case("llama_odd_sizes", LLAMA, 3, "no dimension is a multiple of 8: hidden 90, ffn 101, head 18, vocab 101; 3 tokens",
     small(hidden_size=90, intermediate_size=101, num_attention_heads=5, num_key_value_heads=1, vocab_size=101),
     {"config": {"rope_parameters": rope("default", 100.0)}}, dialect="v4")
case("llama_k320", LLAMA, 40, "K = 320 and 544: a whole 256 block and a tail",
     small(hidden_size=320, intermediate_size=544, num_attention_heads=5, num_key_value_heads=5, vocab_size=160),
     {"config": {"rope_parameters": rope("default", 100.0)}})
case("llama_long_prompt", LLAMA, 200, "200 tokens: several KV tiles and a ragged last one", small(vocab_size=120),
     {"config": {"rope_parameters": rope("default", 100.0)}}, dialect="v4")
case("llama_rope_linear", LLAMA, 100, "linear scaling 4, past the original 32", small(
    max_position_embeddings=128, rope_parameters=rope("linear", factor=4.0)), DEFAULT_ROPE, dialect="v4-type")
case("llama_rope_dynamic", LLAMA, 90, "dynamic NTK past max_position_embeddings 32: base from T = 90", small(
    max_position_embeddings=32, rope_parameters=rope("dynamic", factor=2.0)), DEFAULT_ROPE, dialect="v4")
case("llama_rope_dynamic_inside", LLAMA, 30, "dynamic NTK, T <= max_position_embeddings: must equal plain RoPE", small(
    max_position_embeddings=32, rope_parameters=rope("dynamic", factor=2.0)),
    {"config": {"rope_parameters": rope("linear", factor=2.0)}}, dialect="v4")
case("llama_rope_yarn", LLAMA, 120, "YaRN 4 over 32: ramp and attention factor", small(
    head_dim=32, max_position_embeddings=128,
    rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=32)), DEFAULT_ROPE, dialect="v4")
case("llama_rope_yarn_options", LLAMA, 80, "YaRN with beta_fast, beta_slow and attention_factor set", small(
    head_dim=32, max_position_embeddings=256, rope_parameters=rope(
        "yarn", factor=8.0, original_max_position_embeddings=32, beta_fast=8.0, beta_slow=2.0, attention_factor=0.9)),
    {"config": {"rope_parameters": rope("yarn", factor=8.0, original_max_position_embeddings=32)}})
case("llama_rope_llama3", LLAMA, 150, "llama3 scaling 8 over 64: all three bands", small(
    head_dim=32, max_position_embeddings=512, rope_parameters=rope(
        "llama3", 10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=64)), DEFAULT_ROPE, dialect="v4")
case("llama_rope_llama3_tied", LLAMA, 70, "llama3 scaling 32 over 32, theta 500000, tied (Llama 3.2)", small(
    head_dim=64, max_position_embeddings=1024, tie_word_embeddings=True, rope_parameters=rope(
        "llama3", 500000.0, factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32)), {"config": {"rope_parameters": rope("default", 500000.0)}})

# mistral, mixtral: arch llama in GGUF ------------------------------------------------------------------------------
MISTRAL, MIXTRAL = "MistralForCausalLM", "MixtralForCausalLM"
NO_WINDOW = {"config": {"sliding_window": None}}
case("mistral_no_window", MISTRAL, 24, "sliding_window null", small(sliding_window=None, head_dim=24),
     {"config": {"sliding_window": 4}}, dialect="v4")
case("mistral_window", MISTRAL, 50, "sliding window 16 on every layer", small(sliding_window=16), NO_WINDOW,
     dialect="v4")
case("mistral_window_1", MISTRAL, 12, "sliding window 1: a token sees only itself", small(sliding_window=1), NO_WINDOW)
case("mistral_window_65", MISTRAL, 150, "sliding window 65: one more than a KV tile", small(sliding_window=65),
     {"config": {"sliding_window": 64}})
case("mixtral_8_of_2", MIXTRAL, 40, "8 experts, 2 chosen, weights renormalised", small(
    num_local_experts=8, num_experts_per_tok=2, sliding_window=None),
    {"config": {"num_experts_per_tok": 1}}, dialect="v4")
case("mixtral_top1", MIXTRAL, 20, "4 experts, 1 chosen: its weight is exactly 1", small(
    num_local_experts=4, num_experts_per_tok=1, sliding_window=None), {"config": {"num_experts_per_tok": 2}})
case("mixtral_all", MIXTRAL, 20, "3 experts, all chosen, grouped heads, K % 32 != 0", small(
    hidden_size=72, intermediate_size=60, num_local_experts=3, num_experts_per_tok=3, sliding_window=None),
    {"config": {"num_experts_per_tok": 2}}, dialect="v4")
case("mixtral_window", MIXTRAL, 45, "experts and a sliding window of 10", small(
    num_local_experts=4, num_experts_per_tok=2, sliding_window=10), NO_WINDOW)

# qwen2 -------------------------------------------------------------------------------------------------------------
QWEN2 = "Qwen2ForCausalLM"
case("qwen2_bias", QWEN2, 35, "biases on q, k, v; half-split RoPE; untied; rope_theta 1000000", small(
    vocab_size=160, rope_parameters=rope("default", 1000000.0)), {"tensors": {r"[qkv]_proj\.bias": 0.0}}, dialect="v4")
case("qwen2_tied_mqa", QWEN2, 22, "tied, one kv head, head_dim 64", small(
    hidden_size=128, num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True),
    {"tensors": {r"k_proj\.bias": 0.0}}, dialect="v4")
case("qwen2_yarn", QWEN2, 110, "YaRN 4 over 32 on half-split RoPE", small(
    num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=128,
    rope_parameters=rope("yarn", 1000000.0, factor=4.0, original_max_position_embeddings=32)),
    {"config": {"rope_parameters": rope("default", 1000000.0)}}, dialect="v4-type")
case("qwen2_window_unused", QWEN2, 40, "sliding_window 8 in config.json but use_sliding_window false", small(),
     {"config": {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}}, dialect="v4",
     patch={"use_sliding_window": False, "sliding_window": 8, "max_window_layers": 0})
case("qwen2_window_layers", QWEN2, 40, "window 8 from layer 1 on: max_window_layers 1 of 3", small(
    num_hidden_layers=3, use_sliding_window=True, sliding_window=8, max_window_layers=1),
    {"config": {"use_sliding_window": False, "sliding_window": None, "layer_types": None}})

# qwen3 -------------------------------------------------------------------------------------------------------------
QWEN3 = "Qwen3ForCausalLM"
case("qwen3_tied_hd128", QWEN3, 30, "q/k norm, head_dim 128 explicit, tied", small(
    head_dim=128, tie_word_embeddings=True, rope_parameters=rope("default", 1000000.0)),
    {"tensors": {r"[qk]_norm": 1.0}}, dialect="v4")
case("qwen3_untied_hd64", QWEN3, 64, "q/k norm, head_dim 64, untied, exactly one KV tile of tokens", small(
    head_dim=64), {"tensors": {r"[qk]_norm": 1.0}})
case("qwen3_mqa_hd80", QWEN3, 65, "one kv head, head_dim 80, one token past a tile", small(
    head_dim=80, num_key_value_heads=1), {"tensors": {r"[qk]_norm": 1.0}}, dialect="v4")
case("qwen3_attn_bias", QWEN3, 26, "attention_bias true: biases on q, k, v, o", small(head_dim=16, attention_bias=True),
     {"tensors": {r"_proj\.bias": 0.0}})
case("qwen3_yarn", QWEN3, 130, "YaRN 4 over 32 with q/k norm", small(
    head_dim=32, max_position_embeddings=128, rope_parameters=rope(
        "yarn", 1000000.0, factor=4.0, original_max_position_embeddings=32)),
    {"config": {"rope_parameters": rope("default", 1000000.0)}}, dialect="v4")
case("qwen3_dynamic", QWEN3, 75, "dynamic NTK on half-split RoPE, T = 75 past 40", small(
    head_dim=32, max_position_embeddings=40, rope_parameters=rope("dynamic", factor=4.0)), DEFAULT_ROPE, dialect="v4")

# qwen2moe, qwen3moe ------------------------------------------------------------------------------------------------
QWEN2MOE, QWEN3MOE = "Qwen2MoeForCausalLM", "Qwen3MoeForCausalLM"
moe2 = dict(num_experts=8, num_experts_per_tok=2, moe_intermediate_size=40, shared_expert_intermediate_size=56)
moe3 = dict(num_experts=8, num_experts_per_tok=2, moe_intermediate_size=40, head_dim=32)
case("qwen2moe_shared", QWEN2MOE, 40, "8 experts, 2 chosen, not renormalised, shared expert behind a sigmoid gate",
     small(**moe2), {"tensors": {r"shared_expert_gate": 0.0}}, dialect="v4")
case("qwen2moe_no_norm", QWEN2MOE, 24, "norm_topk_prob false must differ from true", small(**moe2),
     {"config": {"norm_topk_prob": True}}, seed=131)
case("qwen2moe_norm", QWEN2MOE, 24, "norm_topk_prob true", small(**moe2, norm_topk_prob=True),
     {"config": {"norm_topk_prob": False}}, dialect="v4")
case("qwen2moe_no_bias", QWEN2MOE, 16, "qkv_bias false, 4 of 6 experts", small(
    **{**moe2, "num_experts": 6, "num_experts_per_tok": 4}, qkv_bias=False),
    {"config": {"num_experts_per_tok": 3}})
case("qwen3moe_norm", QWEN3MOE, 50, "8 experts, 2 chosen, renormalised, q/k norm", small(**moe3, norm_topk_prob=True),
     {"config": {"norm_topk_prob": False}}, dialect="v4")
case("qwen3moe_no_norm", QWEN3MOE, 28, "norm_topk_prob false", small(**moe3, norm_topk_prob=False),
     {"config": {"norm_topk_prob": True}})
case("qwen3moe_yarn_tied", QWEN3MOE, 110, "16 experts, 4 chosen, YaRN 4 over 32, tied", small(
    **{**moe3, "num_experts": 16, "num_experts_per_tok": 4}, norm_topk_prob=True, tie_word_embeddings=True,
    max_position_embeddings=128,
    rope_parameters=rope("yarn", 1000000.0, factor=4.0, original_max_position_embeddings=32)),
    {"config": {"rope_parameters": rope("default", 1000000.0)}}, dialect="v4")

# gemma2, gemma3 ----------------------------------------------------------------------------------------------------
GEMMA2, GEMMA3 = "Gemma2ForCausalLM", "Gemma3ForCausalLM"
gemma = dict(pad_token_id=0, bos_token_id=2, eos_token_id=1)
case("gemma2_window", GEMMA2, 40, "window 8 on layers 0 and 2 of 3, soft-caps 50 and 30 as published", small(
    **{**gemma, "num_hidden_layers": 3}, head_dim=32, query_pre_attn_scalar=32, sliding_window=8),
    {"config": {"sliding_window": 4096}}, dialect="v4")
case("gemma2_softcap", GEMMA2, 26, "attention soft-cap 2, final soft-cap 5: both bite", small(
    **gemma, head_dim=32, query_pre_attn_scalar=32, attn_logit_softcapping=2.0, final_logit_softcapping=5.0),
    {"config": {"attn_logit_softcapping": 50.0}})
case("gemma2_final_softcap", GEMMA2, 26, "attention soft-cap off (null), final soft-cap 4", small(
    **gemma, head_dim=16, query_pre_attn_scalar=16, attn_logit_softcapping=None, final_logit_softcapping=4.0),
    {"config": {"final_logit_softcapping": 30.0}}, dialect="v4")
case("gemma2_no_softcap", GEMMA2, 20, "both soft-caps null", small(
    **gemma, head_dim=16, query_pre_attn_scalar=16, attn_logit_softcapping=None, final_logit_softcapping=None),
    {"config": {"attn_logit_softcapping": 2.0}})
case("gemma2_scalar", GEMMA2, 22, "query_pre_attn_scalar 144 with head_dim 64", small(
    **gemma, head_dim=64, query_pre_attn_scalar=144), {"config": {"query_pre_attn_scalar": 64}}, dialect="v4")
case("gemma2_mqa_hd256", GEMMA2, 15, "one kv head of 256 (Gemma 2B)", small(
    **{**gemma, "num_attention_heads": 2, "num_key_value_heads": 1}, head_dim=256, query_pre_attn_scalar=256),
    {"config": {"query_pre_attn_scalar": 100}})
case("gemma3_pattern", GEMMA3, 60, "7 layers: five sliding (8), one full, one sliding; local and global RoPE base", small(
    **{**gemma, "num_hidden_layers": 7}, head_dim=32, query_pre_attn_scalar=32, sliding_window=8,
    rope_parameters=dict(full_attention=rope("default", 1000000.0), sliding_attention=rope("default", 10000.0))),
    {"config": {"rope_parameters": dict(full_attention=rope("default", 10000.0),
                                        sliding_attention=rope("default", 10000.0))}}, dialect="v4")
case("gemma3_local_base", GEMMA3, 40, "local RoPE base 100 on sliding layers, window 16", small(
    **{**gemma, "num_hidden_layers": 6}, head_dim=32, query_pre_attn_scalar=32, sliding_window=16,
    rope_parameters=dict(full_attention=rope("default", 1000000.0), sliding_attention=rope("default", 100.0))),
    {"config": {"rope_parameters": dict(full_attention=rope("default", 1000000.0),
                                        sliding_attention=rope("default", 10000.0))}})
case("gemma3_linear", GEMMA3, 90, "linear scaling 8 on the full layer only", small(
    **{**gemma, "num_hidden_layers": 6}, head_dim=32, query_pre_attn_scalar=32, sliding_window=24,
    rope_parameters=dict(full_attention=rope("linear", 10000.0, factor=8.0),
                         sliding_attention=rope("default", 10000.0))),
    {"config": {"rope_parameters": dict(full_attention=rope("default", 10000.0),
                                        sliding_attention=rope("default", 10000.0))}}, dialect="v4")
case("gemma3_scalar_cap", GEMMA3, 24, "query_pre_attn_scalar 168 with head_dim 64, final soft-cap 6, pattern 2", small(
    **{**gemma, "num_hidden_layers": 4}, head_dim=64, query_pre_attn_scalar=168, final_logit_softcapping=6.0,
    sliding_window=6, layer_types=["sliding_attention", "full_attention"] * 2),
    {"config": {"query_pre_attn_scalar": 64}})
case("gemma3_mqa_hd256", GEMMA3, 18, "one kv head of 256 (Gemma 3 270M, 1B)", small(
    **{**gemma, "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 6}, head_dim=256,
    query_pre_attn_scalar=256, sliding_window=4), {"tensors": {r"[qk]_norm": 0.0}}, dialect="v4")

# phi3 --------------------------------------------------------------------------------------------------------------
PHI3 = "Phi3ForCausalLM"
phi = dict(pad_token_id=0, original_max_position_embeddings=512)
factors = dict(short_factor=[1.0 + 0.05 * i for i in range(8)], long_factor=[1.5 + 0.6 * i for i in range(8)])
wide = dict(short_factor=[1.0 + 0.05 * i for i in range(12)], long_factor=[1.2 + 0.5 * i for i in range(12)])
case("phi3_full_hd96", PHI3, 28, "fused qkv and gate_up, full heads of 96 (Phi-3 mini)", small(
    **{**phi, "num_attention_heads": 2, "num_key_value_heads": 2, "hidden_size": 192}),
    {"config": {"rope_parameters": rope("default", 100.0, partial_rotary_factor=1.0)}}, dialect="v4")
case("phi3_gqa_window", PHI3, 45, "grouped heads in a fused qkv, sliding window 12 on every layer", small(
    **phi, sliding_window=12), NO_WINDOW, dialect="v4")
case("phi3_partial", PHI3, 32, "partial rotary 0.5", small(**phi, rope_parameters=rope(
    "default", partial_rotary_factor=0.5)), {"config": {"rope_parameters": rope("default", partial_rotary_factor=1.0)}})
case("phi3_longrope_short", PHI3, 30, "longrope, T <= 32: short factors, attention factor", small(
    **{**phi, "original_max_position_embeddings": 32, "max_position_embeddings": 256},
    rope_parameters=rope("longrope", partial_rotary_factor=1.0, **factors)),
    {"config": {"rope_parameters": rope("default", partial_rotary_factor=1.0)}}, dialect="v4-type")
case("phi3_longrope_long", PHI3, 70, "longrope, T > 32: long factors", small(
    **{**phi, "original_max_position_embeddings": 32, "max_position_embeddings": 256},
    rope_parameters=rope("longrope", partial_rotary_factor=1.0, **factors)),
    {"config": {"rope_parameters": rope("longrope", partial_rotary_factor=1.0,
                                        **{**factors, "long_factor": factors["short_factor"]})}}, dialect="v4-type")
case("phi3_longrope_partial_tied", PHI3, 60, "longrope on 24 of 32 rotary dims, tied (Phi-4 mini)", small(
    **{**phi, "original_max_position_embeddings": 32, "max_position_embeddings": 128, "num_attention_heads": 2,
       "num_key_value_heads": 1}, tie_word_embeddings=True,
    rope_parameters=rope("longrope", partial_rotary_factor=0.75, **wide)),
    {"config": {"rope_parameters": rope("default", partial_rotary_factor=0.75)}}, dialect="v4")
