"""Writes the small seed corpora of the GGUF, safetensors and tool call fuzzers: python3 make_corpus.py. Standard library only."""
import json
import re
import struct
from pathlib import Path

HERE = Path(__file__).parent / "corpus"
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)


def text(s):
    return struct.pack("<Q", len(s)) + s.encode()


def kv(key, kind, value):
    return text(key) + struct.pack("<I", kind) + value


def array(kind, items):
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def info(name, dims, kind, offset):
    return text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


def gguf(keys=(), tensors=(), data=0, version=3, alignment=32):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys)) + b"".join(keys) + b"".join(tensors)
    return out + bytes(-len(out) % alignment) + bytes(i & 255 for i in range(data))


def gguf_corpus():
    i32 = [struct.pack("<i", v) for v in (1, 3)]
    vocabulary = [
        kv("general.architecture", STRING, text("llama")),
        kv("tokenizer.ggml.model", STRING, text("gpt2")),
        kv("tokenizer.ggml.tokens", ARRAY, array(STRING, [text("a"), text("é")])),
        kv("tokenizer.ggml.scores", ARRAY, array(F32, [struct.pack("<f", v) for v in (0, -1)])),
        kv("tokenizer.ggml.token_type", ARRAY, array(I32, i32)),
        kv("tokenizer.ggml.add_bos_token", BOOL, b"\1"),
    ]
    scalars = [kv(f"k{kind}", kind, bytes([1]) + bytes(size - 1)) for kind, size in
               ((U8, 1), (I8, 1), (U16, 2), (I16, 2), (U32, 4), (I32, 4), (F32, 4), (BOOL, 1), (U64, 8), (I64, 8), (F64, 8))]
    nested = array(ARRAY, [array(U8, [b"\1"]), array(ARRAY, [array(STRING, [text("x")])]), array(BOOL, [b"\0", b"\1"])])
    tensors = [info("blk.0.attn_q.weight", (64, 3), 2, 0), info("blk.0.attn_norm.weight", (7,), 0, 128)]
    deep = array(U8, [])
    for _ in range(9):
        deep = array(ARRAY, [deep])
    return {
        "empty_v2": gguf(version=2),
        "vocabulary": gguf(vocabulary),
        "scalars": gguf(scalars),
        "nested": gguf([kv("lists", ARRAY, nested)]),
        "tensors": gguf(vocabulary[:1], tensors, 160),
        "aligned": gguf([kv("general.alignment", U32, struct.pack("<I", 64))], [info("w", (256,), 12, 0)], 192, 3, 64),
        "split": gguf([kv("split.no", U16, b"\0\0"), kv("split.count", U16, b"\2\0")]),
        "too_deep": gguf([kv("lists", ARRAY, deep)]),
        "overlap": gguf([], [info("a", (8,), 0, 0), info("b", (8,), 0, 0)], 64),
        "removed_type": gguf([], [info("a", (32,), 31, 0)], 64),
        "many_elements": gguf([], [info("a", (2**32, 2**32), 0, 0)], 64),
        "huge_count": gguf([kv("list", ARRAY, struct.pack("<IQ", U64, 2**61) + bytes(64))]),
        "big_endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
        "offset_wraps": gguf([], [info("a", (8,), 0, 2**64 - 32)], 64),
    }


def safetensors(header, data=0):
    body = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    return struct.pack("<Q", len(body)) + body.encode() + bytes(i & 255 for i in range(data))


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors_corpus():
    return {
        "empty": safetensors({}),
        "metadata": safetensors({"__metadata__": {"format": "pt"}, "w": tensor("F32", [2], 0, 8)}, 8),
        "types": safetensors({"a": tensor("BF16", [2, 1], 0, 4), "b": tensor("I8", [], 4, 5),
                              "c": tensor("F8_E4M3", [0], 5, 5)}, 5),
        "escapes": safetensors('{"\\u00e9\\"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
        "overlap": safetensors({"a": tensor("U8", [4], 0, 4), "b": tensor("U8", [4], 2, 6)}, 6),
        "wraps": safetensors({"a": tensor("F32", [2**62], 0, 0)}),
        "deep": safetensors('{"a":' + "[" * 200),
        "index": json.dumps({"metadata": {"total_size": 8}, "weight_map": {"w": "m-1.safetensors"}}).encode(),
        "index_with_path": json.dumps({"weight_map": {"w": "../m.safetensors"}}).encode(),
    }


# Notations that no template of the golden turns writes.
WRITTEN = {
    "none": "a < b, <think> and so on",
    "pythonic": "[f(a='x\\n', b=1, c=None, d=[1, {'k': True}]), f()]",
    "lfm2": '<|tool_call_start|>[f(a="x")]<|tool_call_end|>Done.',
    "deepseek_v31": '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a": "x"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    "minimax_m1": '<tool_calls>\n{"name": "f", "arguments": {"a": "x"}}\n{"name": "f"}\n</tool_calls>',
    "minimax_m2": '<minimax:tool_call>\n<invoke name="f">\n<parameter name="a">x</parameter>\n</invoke>\n</minimax:tool_call>',
    "function_gemma": "<start_function_call>call:f{a:<escape>x<escape>,b:1}<end_function_call>",
    "granite": '<|tool_call|>[{"arguments": {"a": "x"}, "name": "f"}]',
    "command_r": 'Action: ```json\n[{"tool_name": "f", "parameters": {"a": "x"}}]```\nDone.',
    "nemotron_v2": '<TOOLCALL>[{"name": "f", "arguments": {"a": "x"}}]</TOOLCALL>',
}


def toolcall_corpus():
    names = re.findall(r'\{(\w+), "\w+"\}', (HERE.parents[2] / "src/text/toolcall/format.cpp").read_text())
    turns = json.loads((HERE.parents[2] / "tests/golden/toolcalls/rendered.json").read_text())["turns"]
    files = {}
    for turn in turns:
        kind = "two" if len(turn["calls"]) == 2 else turn["calls"][0]
        if kind in ("plain", "markup", "two") and len(turn["text"]) < 900:
            files.setdefault(f"{turn['format']}_{kind}", (turn["format"], turn["text"]))
    for name, text in WRITTEN.items():
        files[f"{name}_written"] = (name, text)
    return {k: bytes([names.index(n), 0x35 if n == "harmony" else 5, len(k), 7]) + t.encode() for k, (n, t) in files.items()}


for folder, files in (("gguf", gguf_corpus()), ("safetensors", safetensors_corpus()),
                      ("toolcall", toolcall_corpus())):
    (HERE / folder).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (HERE / folder / name).write_bytes(content)
