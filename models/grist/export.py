"""Writes Grist as GGUF (Q8_0 matrices, F32 norms and routers), and as a Hugging Face directory.

    python export.py --checkpoint DIR/final.pt --gguf grist.gguf [--hf DIRECTORY]

`load_gguf` reads such a file back into the PyTorch model, dequantised, so that scores and golden
outputs belong to exactly the weights that ship.
"""

import argparse
import json
import os
import re

import gguf
import numpy as np
import torch
from gguf.quants import dequantize, quantize

from chat import CONTROL, END_OF_TEXT, IM_END, SPECIALS
from model import Config, Grist, hf_state_dict

HERE = os.path.dirname(os.path.abspath(__file__))
LEAVES = {
    "input_layernorm.weight": "attn_norm.weight", "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight", "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight", "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight", "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate.weight": "ffn_gate_inp.weight", "mlp.gate_proj": "ffn_gate_exps.weight",
    "mlp.up_proj": "ffn_up_exps.weight", "mlp.down_proj": "ffn_down_exps.weight",
}


def gguf_name(name):
    if name == "embed_tokens.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    index, leaf = re.fullmatch(r"layers\.(\d+)\.(.+)", name).groups()
    return f"blk.{index}.{LEAVES[leaf]}"


def load_checkpoint(path):
    """The averaged weights of a checkpoint."""
    saved = torch.load(path, weights_only=True)
    model = Grist(Config(**saved["config"]))
    model.load_state_dict(saved.get("average") or saved["model"])
    return model.eval(), saved["state"]


def add_tokenizer(writer):
    with open(os.path.join(HERE, "tokenizer.json"), encoding="utf-8") as file:
        tokenizer = json.load(file)
    ids = dict(tokenizer["model"]["vocab"])
    kinds = {}
    for added in tokenizer["added_tokens"]:
        ids[added["content"]] = added["id"]
        control = added["content"] in CONTROL
        kinds[added["id"]] = gguf.TokenType.CONTROL if control else gguf.TokenType.USER_DEFINED
    tokens = sorted(ids, key=ids.get)
    assert [ids[t] for t in tokens] == list(range(len(tokens)))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([kinds.get(i, gguf.TokenType.NORMAL) for i in range(len(tokens))])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(ids[END_OF_TEXT])
    writer.add_eos_token_id(ids[IM_END])
    writer.add_pad_token_id(ids[END_OF_TEXT])
    writer.add_add_bos_token(False)
    with open(os.path.join(HERE, "chat_template.jinja"), encoding="utf-8") as file:
        writer.add_chat_template(file.read().rstrip("\n"))


def write_gguf(model, path):
    c = model.config
    writer = gguf.GGUFWriter(path + ".new", "qwen3moe")
    writer.add_name("Grist")
    writer.add_description("Tiny bundled model of the Quern inference engine, trained on generated text only")
    writer.add_size_label("10M")
    writer.add_vocab_size(c.vocab_size)
    writer.add_context_length(c.context)
    writer.add_embedding_length(c.hidden_size)
    writer.add_block_count(c.layers)
    writer.add_feed_forward_length(c.expert_ff * c.experts_used)
    writer.add_head_count(c.heads)
    writer.add_head_count_kv(c.kv_heads)
    writer.add_key_length(c.head_dim)
    writer.add_value_length(c.head_dim)
    writer.add_rope_dimension_count(c.head_dim)
    writer.add_rope_freq_base(c.rope_base)
    writer.add_layer_norm_rms_eps(c.rms_eps)
    writer.add_expert_count(c.experts)
    writer.add_expert_used_count(c.experts_used)
    writer.add_expert_feed_forward_length(c.expert_ff)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_tokenizer(writer)
    for name, tensor in model.state_dict().items():
        data = tensor.float().numpy()
        if data.ndim < 2 or name.endswith("mlp.gate.weight"):
            writer.add_tensor(gguf_name(name), data)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(gguf_name(name), quantize(data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(path + ".new", path)


def load_gguf(path):
    """The model of a GGUF written here, with dequantised f32 weights."""
    reader = gguf.GGUFReader(path)
    found = {t.name: t for t in reader.tensors}
    model = Grist(Config())
    weights = {}
    for name, parameter in model.state_dict().items():
        tensor = found.pop(gguf_name(name))
        data = dequantize(tensor.data, tensor.tensor_type)
        weights[name] = torch.from_numpy(np.array(data, dtype=np.float32).reshape(parameter.shape))
    assert not found, f"tensors that the model does not have: {sorted(found)}"
    model.load_state_dict(weights)
    return model.eval()


def write_hf(model, directory):
    """A directory that `transformers` loads as Qwen3MoeForCausalLM."""
    import shutil

    from safetensors.torch import save_file
    os.makedirs(directory, exist_ok=True)
    c = model.config
    save_file(hf_state_dict(model), os.path.join(directory, "model.safetensors"), metadata={"format": "pt"})
    config = {
        "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "vocab_size": c.vocab_size,
        "hidden_size": c.hidden_size, "intermediate_size": c.expert_ff * c.experts_used,
        "moe_intermediate_size": c.expert_ff, "num_hidden_layers": c.layers, "num_attention_heads": c.heads,
        "num_key_value_heads": c.kv_heads, "head_dim": c.head_dim, "num_experts": c.experts,
        "num_experts_per_tok": c.experts_used, "norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": [],
        "max_position_embeddings": c.context, "rope_theta": c.rope_base, "rms_norm_eps": c.rms_eps,
        "hidden_act": "silu", "tie_word_embeddings": True, "attention_bias": False, "use_sliding_window": False,
        "torch_dtype": "float32", "bos_token_id": c.vocab_size - len(SPECIALS), "eos_token_id": c.vocab_size - len(SPECIALS) + SPECIALS.index(IM_END),
    }
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    shutil.copy(os.path.join(HERE, "tokenizer.json"), directory)
    tokenizer = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": IM_END, "pad_token": END_OF_TEXT,
                 "model_max_length": c.context}
    with open(os.path.join(directory, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump(tokenizer, file, indent=2)
    shutil.copy(os.path.join(HERE, "chat_template.jinja"), directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--hf", help="also write a Hugging Face directory here, with the dequantised weights")
    options = parser.parse_args()
    model, state = load_checkpoint(options.checkpoint)
    write_gguf(model, options.gguf)
    print(f"step {state['step']}, {state['tokens']} tokens, {os.path.getsize(options.gguf)} bytes")
    if options.hf:
        write_hf(load_gguf(options.gguf), options.hf)


if __name__ == "__main__":
    main()
