#!/usr/bin/env python3
"""Makes tests/parity/cases: tiny random models and the logits transformers gives for them.

    python3 generate.py [--out cases] [--only NAME ...]

Weights are a function of tensor name, seed and index (hash_weights.py defines it; hash_weights.h repeats it in C++), so
only configurations and logits are stored. For each case of cases.py this script
  1. builds the model to learn its tensor names, writes model.safetensors by the hash and config.json into a directory,
  2. loads that directory with from_pretrained in float64, eager attention, and runs the whole prompt in one forward,
  3. refuses the seed (and takes the next) if the two best logits of a position are closer than MARGIN, or a router's
     last chosen expert is closer than ROUTER_MARGIN to the first one left out: ties prove nothing about an engine,
  4. checks that float32 gives the same logits within F32_LIMIT (the tolerance of the test leaves room for rounding),
  5. checks that the variant matters: the case's control, and the wrong RoPE convention, move the logits by CONTROL_MIN.
It writes config.json, tensors.json, golden.safetensors per case and index.json for all. See README.md for the formats.
"""

import argparse
import json
import pathlib
import re
import shutil
import tempfile

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file

import cases as table
from hash_weights import bits24, values

MARGIN = 5e-3
ROUTER_MARGIN = 2e-3
F32_LIMIT = 1e-4
CONTROL_MIN = 2e-2


def spec(name, shape, hidden, config, cls):
    """(offset, scale) of a tensor: activations stay near 1, logits spread, and nothing is left at 0 or 1."""
    gemma = cls.startswith("Gemma")
    fan_in = shape[-1]
    if name.endswith("norm.weight") or name.endswith("layernorm.weight"):
        final = name == "model.norm.weight"
        if gemma:  # the stored weight is the factor minus one
            return (2.0, 0.6) if final else (0.0, 0.3)
        return (1.0, 0.3)
    if name.endswith(".bias"):
        return 0.05, 0.4
    if name == "model.embed_tokens.weight":
        std = 1.0
        if config.tie_word_embeddings:
            std = 4.0 / hidden**0.5
        if gemma:
            std = 1.5 / hidden**0.5
        return 0.0, std * 3**0.5
    gain = 1.0
    if name == "lm_head.weight":
        gain = 4.0
    elif re.search(r"[qk]_proj|qkv_proj", name):
        gain = 1.6
    elif re.search(r"o_proj|down_proj|\.w2\.", name):
        gain = 2.0
    elif re.search(r"mlp\.gate\.weight|block_sparse_moe\.gate|shared_expert_gate", name):
        gain = 2.0
    return 0.0, gain * (3.0 / fan_in) ** 0.5


def exact(x):
    """The decimal of the float32 nearest x, which reads back to the same float32."""
    return float(np.float32(x))


def to_v4(config):
    """config.json of transformers 5 in the spelling of version 4, which most published models have."""
    config = dict(config)
    rope = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.51.3"
    if "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
        config.pop("layer_types")
        config["sliding_window_pattern"] = config.pop("_sliding_window_pattern")
    elif "layer_types" in config:
        config.pop("layer_types")
    rope = dict(rope)
    config["rope_theta"] = rope.pop("rope_theta")
    partial = rope.pop("partial_rotary_factor", None)
    if partial is not None and partial != 1.0:
        config["partial_rotary_factor"] = partial
    if "original_max_position_embeddings" in config:
        rope.pop("original_max_position_embeddings", None)
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    if "num_local_experts" in config and config["model_type"] == "qwen3_moe":
        config["num_experts"] = config.pop("num_local_experts")
    return dict(sorted(config.items()))


def make_config(entry, **changes):
    cls = getattr(transformers, entry["cls"])
    arguments = {**entry["config"], **changes}
    arguments = json.loads(json.dumps(arguments))  # transformers edits nested dictionaries in place
    config = cls.config_class(**arguments, dtype="float32")
    config.architectures = [entry["cls"]]
    return config


def write_config(directory, entry, config):
    text = json.loads(config.to_json_string(use_diff=True))
    if entry["dialect"].startswith("v4"):
        text = to_v4(text)
        if entry["dialect"] == "v4-type":
            text["rope_scaling"]["type"] = text["rope_scaling"].pop("rope_type")
    text.update(entry["patch"])
    (directory / "config.json").write_text(json.dumps(text, indent=2) + "\n")


def tensor_shapes(entry):
    """Names and shapes as save_pretrained writes them: the names of the hub, one tensor per expert."""
    with tempfile.TemporaryDirectory() as directory:
        model = getattr(transformers, entry["cls"])(make_config(entry))
        model.save_pretrained(directory)
        return {name: list(t.shape) for name, t in load_file(directory + "/model.safetensors").items()}


def load(directory, cls, dtype):
    model, info = getattr(transformers, cls).from_pretrained(
        directory, dtype=dtype, attn_implementation="eager", experts_implementation="eager", output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], f"{directory}: {kind}: {info[kind]}"
    return model.eval()


def forward(directory, cls, ids, dtype=torch.float64):
    """Logits [T, vocab] of one forward over the whole prompt, and the smallest gap of any router."""
    model = load(directory, cls, dtype)
    gaps = []

    def router(module, _inputs, outputs):
        top = torch.sort(outputs[0], dim=-1, descending=True).values
        if module.top_k < top.shape[-1]:
            gaps.append((top[:, module.top_k - 1] - top[:, module.top_k]).min().item())

    for module in model.modules():
        if type(module).__name__.endswith("TopKRouter"):
            module.register_forward_hook(router)
    with torch.no_grad():
        logits = model(torch.tensor(ids)[None], use_cache=False).logits[0]
    return logits.to(torch.float64).numpy(), min(gaps, default=float("inf"))


def flip_rope(name, tensor, entry, config):
    """The same tensor for an engine with the other RoPE convention: rotated pairs are (2i, 2i + 1), not (i, i + n/2)."""
    heads, kv = config.num_attention_heads, config.num_key_value_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    if entry["cls"] == "Phi3ForCausalLM":
        head_dim = config.hidden_size // heads
    rotary = int(head_dim * (config.rope_parameters.get("partial_rotary_factor") or 1.0))
    order = np.concatenate([np.arange(rotary).reshape(rotary // 2, 2).T.reshape(-1), np.arange(rotary, head_dim)])

    def rows(block):
        return block.reshape(-1, head_dim, *block.shape[1:])[:, order].reshape(block.shape)

    if re.search(r"self_attn\.[qk]_proj\.", name) or re.search(r"self_attn\.[qk]_norm\.", name):
        return rows(tensor)
    if "qkv_proj" in name:
        cut = (heads + kv) * head_dim
        return np.concatenate([rows(tensor[:cut]), tensor[cut:]])
    return tensor


def variant(source, entry, *, config=None, tensors=None, flip=False):
    """A copy of a case's directory with other config values or tensors."""
    directory = pathlib.Path(tempfile.mkdtemp())
    shutil.copytree(source, directory, dirs_exist_ok=True)
    if config is not None:
        # A changed configuration is written in the version 5 spelling; make() checks that the spellings agree.
        write_config(directory, {**entry, "dialect": "v5", "patch": {}}, make_config(entry, **config))
    weights = load_file(directory / "model.safetensors")
    for name in weights:
        if flip:
            weights[name] = np.ascontiguousarray(flip_rope(name, weights[name], entry, make_config(entry)))
        for pattern, value in (tensors or {}).items():
            if re.search(pattern, name):
                weights[name] = np.full_like(weights[name], value)
    save_file(weights, directory / "model.safetensors")
    return directory


def difference(entry, logits, directory, ids):
    other, _ = forward(directory, entry["cls"], ids)
    shutil.rmtree(directory)
    return np.abs(other - logits).max()


def make(entry, out):
    cls, T = entry["cls"], entry["T"]
    config = make_config(entry)
    vocab = config.vocab_size
    shapes = tensor_shapes(entry)
    work = pathlib.Path(tempfile.mkdtemp())
    write_config(work, entry, config)
    for seed in range(entry["seed"], entry["seed"] + 400):
        ids = (bits24("prompt/" + entry["name"], seed, T) % vocab).astype(np.int32)
        tensors, weights = [], {}
        for name, shape in sorted(shapes.items()):
            offset, scale = (exact(x) for x in spec(name, shape, config.hidden_size, config, cls))
            tensors.append({"name": name, "shape": shape, "offset": offset, "scale": scale})
            weights[name] = values(name, seed, shape, offset, scale)
        save_file(weights, work / "model.safetensors", metadata={"format": "pt"})
        logits, router_gap = forward(work, cls, ids)
        best = np.sort(logits, axis=-1)
        margin = (best[:, -1] - best[:, -2]).min()
        if margin > MARGIN and router_gap > ROUTER_MARGIN:
            break
    else:
        raise SystemExit(f"{entry['name']}: no seed without near ties")
    single, _ = forward(work, cls, ids, torch.float32)
    rounding = np.abs(single - logits).max()
    plain = difference(entry, logits, variant(work, entry, config={}), ids)
    control = difference(entry, logits, variant(work, entry, **entry["control"]), ids)
    flipped = difference(entry, logits, variant(work, entry, flip=True), ids)
    shutil.copy(work / "config.json", out / "config.json")
    lines = ",\n".join("    " + json.dumps(t) for t in tensors)
    (out / "tensors.json").write_text(f'{{\n  "seed": {seed},\n  "tensors": [\n{lines}\n  ]\n}}\n')
    save_file({"ids": ids, "logits": logits.astype(np.float32)}, out / "golden.safetensors")
    shutil.rmtree(work)
    print(f"{entry['name']:28s} T {T:3d} seed {seed:3d} std {logits.std():5.2f} margin {margin:.4f} "
          f"router {router_gap:.4f} f32 {rounding:.1e} dialect {plain:.1e} control {control:.3f} flip {flipped:.3f}",
          flush=True)
    problems = []
    if not rounding <= F32_LIMIT:
        problems.append(f"float32 differs by {rounding}")
    if not plain <= 1e-6:
        problems.append(f"version 4 and 5 spellings differ by {plain}")
    if not control >= CONTROL_MIN:
        problems.append(f"control moves logits by {control} only")
    if not flipped >= CONTROL_MIN and entry["config"].get("sliding_window") != 1:  # alone, a token has no distance
        problems.append(f"wrong RoPE convention moves logits by {flipped} only")
    return dict(name=entry["name"], architecture=cls, note=entry["note"], tokens=T, vocab=vocab, context=T,
                margin=round(float(margin), 5), float32_difference=float(f"{rounding:.2e}"),
                control_difference=round(float(control), 4), rope_flip_difference=round(float(flipped), 4)), problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--out", type=pathlib.Path, default=here / "cases")
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    index_path = arguments.out / "index.json"
    old = {c["name"]: c for c in json.loads(index_path.read_text())["cases"]} if index_path.exists() else {}
    index, failed = [], []
    for entry in table.CASES:
        if arguments.only and entry["name"] not in arguments.only:
            if entry["name"] in old:
                index.append(old[entry["name"]])
            continue
        out = arguments.out / entry["name"]
        out.mkdir(parents=True, exist_ok=True)
        try:
            summary, problems = make(entry, out)
        except Exception as error:  # keep going: one report for all cases
            failed.append(f"{entry['name']}: {type(error).__name__}: {error}")
            print(failed[-1], flush=True)
            continue
        index.append(summary)
        failed += [f"{entry['name']}: {p}" for p in problems]
    lines = ",\n".join("    " + json.dumps(c) for c in index)
    index_path.write_text(f'{{\n  "cases": [\n{lines}\n  ]\n}}\n')
    if failed:
        raise SystemExit("not good enough:\n  " + "\n  ".join(failed))


if __name__ == "__main__":
    main()
