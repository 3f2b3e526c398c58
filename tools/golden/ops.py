#!/usr/bin/env python3
"""Makes tests/golden/ops/*.bin: what PyTorch says ops should give, in float64, on small random inputs.

Usage: ops.py [output folder]; the default is tests/golden/ops of this checkout. Goldens are made by hand, never in a
build; versions are in requirements.txt beside this file.

A file is a list of arrays:
    bytes 0-7   "QGOLDEN1"
    then, until the end of the file, little-endian:
    u16         length of the name, and the name in ASCII
    u8          type: 0 f32, 1 f64, 2 i32
    u8          rank, then rank times u32: the dims, outermost first
    the elements, dense
Inputs are stored as f32, so that both sides start from the same numbers, and results as f32 rounded from f64.
Scalars are arrays of rank 1 with one f64 element.
"""

import pathlib
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

TYPES = {np.dtype("float32"): 0, np.dtype("float64"): 1, np.dtype("int32"): 2}


def write(path, **arrays):
    with open(path, "wb") as f:
        f.write(b"QGOLDEN1")
        for name, a in arrays.items():
            if isinstance(a, (int, float)):
                a = np.array([a], dtype=np.float64)
            if isinstance(a, torch.Tensor):
                a = a.numpy().astype(np.float32) if a.is_floating_point() else a.numpy().astype(np.int32)
            a = np.ascontiguousarray(a)
            f.write(struct.pack("<H", len(name)) + name.encode() + struct.pack("<BB", TYPES[a.dtype], a.ndim))
            f.write(struct.pack(f"<{a.ndim}I", *a.shape) + a.tobytes())


def random(*shape):
    """Doubles that are exactly representable in float."""
    return torch.randn(*shape, dtype=torch.float32).double()


def norm():
    x, weight, eps = random(5, 3, 24), random(24), 1e-5
    inverse = torch.rsqrt(x.pow(2).mean(-1) + float(np.float32(eps)))
    yield "norm", dict(eps=eps, x=x, weight=weight, y=F.rms_norm(x, (24,), weight, float(np.float32(eps))),
                       inverse=inverse)


def rope():
    """interleaved as in the RoFormer paper and Meta's llama code (complex numbers), half as in transformers."""
    for style in ("interleaved", "half"):
        for pairs in (8, 5):
            x, positions = random(4, 3, 16), torch.tensor([0, 1, 77, 131071], dtype=torch.int32)
            frequency = 10000.0 ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
            angle = positions.double()[:, None] * frequency
            turned, rest = x[..., : 2 * pairs], x[..., 2 * pairs:]
            if style == "interleaved":
                z = torch.view_as_complex(turned.reshape(4, 3, pairs, 2).contiguous())
                y = torch.view_as_real(z * torch.polar(torch.ones_like(angle), angle)[:, None]).flatten(-2)
            else:
                cos, sin = (torch.cat([f(angle), f(angle)], -1)[:, None] for f in (torch.cos, torch.sin))
                a, b = turned.chunk(2, -1)
                y = turned * cos + torch.cat([-b, a], -1) * sin
            yield f"rope_{style}_{pairs}", dict(interleaved=int(style == "interleaved"), frequency=frequency.numpy(),
                                                x=x, positions=positions, y=torch.cat([y, rest], -1))


def attend():
    """Causal attention of the last `new` of `tokens` rows, by the plain formula and, where it can, by PyTorch's own."""
    cases = {
        "plain": dict(), "gqa": dict(heads=6, kv=2), "mqa": dict(heads=4, kv=1), "window": dict(window=9),
        "window_1": dict(window=1), "softcap": dict(softcap=1.5), "all": dict(heads=4, kv=2, window=70, softcap=2.0),
    }
    for name, c in cases.items():
        heads, kv, dim = c.get("heads", 2), c.get("kv", 2), 13
        window, softcap, tokens, new, scale = c.get("window", 0), c.get("softcap", 0.0), 90, 8, 0.3125
        q, k, v = random(new, heads, dim), random(tokens, kv, dim), random(tokens, kv, dim)
        wide = [t.repeat_interleave(heads // kv, 1).transpose(0, 1) for t in (k, v)]
        score = torch.einsum("thd,hjd->htj", q, wide[0]) * scale
        if softcap:
            score = softcap * torch.tanh(score / softcap)
        p, j = torch.arange(tokens - new, tokens)[:, None], torch.arange(tokens)
        seen = (j <= p) & ((p - j < window) if window else True)
        score = score.masked_fill(~seen, -torch.inf)
        y = torch.einsum("htj,hjd->thd", torch.softmax(score, -1), wide[1])
        if not softcap:
            other = F.scaled_dot_product_attention(q.transpose(0, 1), *wide, attn_mask=seen, scale=scale)
            assert torch.allclose(other.transpose(0, 1), y, rtol=1e-12, atol=1e-12)
        yield f"attend_{name}", dict(window=window, softcap=softcap, scale=scale, q=q, k=k, v=v, y=y,
                                     lse=torch.logsumexp(score, -1).T.contiguous())


def glu():
    gate, up = random(3, 40) * 4, random(3, 40)
    yield "glu", dict(gate=gate, up=up, silu=F.silu(gate) * up, gelu_tanh=F.gelu(gate, approximate="tanh") * up)


def moe():
    """Router, experts and a shared expert with a gate, as in Mixtral and Qwen2-MoE, row by row."""
    for renormalise in (0, 1):
        rows, experts, top_k, dim, ff = 7, 6, 3, 24, 18
        x, router = random(rows, dim), random(experts, dim)
        gate, up, down = random(experts, ff, dim), random(experts, ff, dim), random(experts, dim, ff)
        shared, shared_gate = random(rows, dim), random(rows, 1)
        logits = (x @ router.T).float().double()
        weights, ids = torch.topk(torch.softmax(logits, -1), top_k)
        if renormalise:
            weights = weights / weights.sum(-1, keepdim=True)
        y = shared * torch.sigmoid(shared_gate)
        for t in range(rows):
            for w, e in zip(weights[t], ids[t]):
                y[t] += w * (down[e] @ (F.silu(gate[e] @ x[t]) * (up[e] @ x[t])))
        yield f"moe_{renormalise}", dict(renormalise=renormalise, x=x, router=router, logits=logits, gate=gate, up=up,
                                         down=down, shared=shared, shared_gate=shared_gate, ids=ids, weights=weights,
                                         y=y)


def main():
    here = pathlib.Path(__file__).resolve().parents[2]
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "tests" / "golden" / "ops"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    for make in (norm, rope, attend, glu, moe):
        for name, arrays in make():
            write(folder / f"{name}.bin", **arrays)


if __name__ == "__main__":
    main()
