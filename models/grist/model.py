"""Grist's network: a Qwen3-MoE decoder in plain PyTorch, written for training on a CPU.

Owns the hyper-parameters and the forward pass; knows nothing of data, optimisers or file formats.
Parameter shapes follow `transformers`' Qwen3MoeForCausalLM, except that the experts of a layer are
stacked into one tensor; `hf_state_dict` gives the published names.
"""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

import fast


@dataclass(frozen=True)
class Config:
    vocab_size: int = 2560
    hidden_size: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    experts: int = 8
    experts_used: int = 2
    expert_ff: int = 256
    context: int = 4096
    rope_base: float = 100000.0
    rms_eps: float = 1e-6

    def to_dict(self):
        return asdict(self)


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def norm_and_rotate(x, weight, eps, cos, sin):
    a, b = rms_norm(x, weight, eps).chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class RMSNorm(nn.Module):
    def __init__(self, dim, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x):
        return rms_norm(x, self.weight, self.eps)


def rope_table(config, length=None):
    """cos and sin, [length, head_dim / 2] each: pair i is (x[i], x[i + head_dim / 2])."""
    half = config.head_dim // 2
    inverse = 1.0 / (config.rope_base ** (torch.arange(half, dtype=torch.float32) / half))
    angle = torch.outer(torch.arange(length or config.context, dtype=torch.float32), inverse)
    return angle.cos(), angle.sin()


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.q_proj = nn.Linear(c.hidden_size, c.heads * c.head_dim, bias=False)
        self.k_proj = nn.Linear(c.hidden_size, c.kv_heads * c.head_dim, bias=False)
        self.v_proj = nn.Linear(c.hidden_size, c.kv_heads * c.head_dim, bias=False)
        self.o_proj = nn.Linear(c.heads * c.head_dim, c.hidden_size, bias=False)
        self.q_norm = RMSNorm(c.head_dim, c.rms_eps)
        self.k_norm = RMSNorm(c.head_dim, c.rms_eps)

    def forward(self, x, cos, sin, spans=None, cache=None, wanted=None):
        c = self.c
        linear = F.linear if spans is None else fast.Linear.apply
        q, k, v = (linear(x, p.weight).view(len(x), -1, c.head_dim) for p in (self.q_proj, self.k_proj, self.v_proj))
        q = norm_and_rotate(q, self.q_norm.weight, c.rms_eps, cos, sin)
        k = norm_and_rotate(k, self.k_norm.weight, c.rms_eps, cos, sin)
        if cache is not None:
            out = cache.attend(self, q, k, v)
        elif spans is None:
            out = self.attend(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0))[0]
        else:
            out = fast.Attention.apply(q, k, v, spans).flatten(1)
        return linear(out if wanted is None else out[wanted], self.o_proj.weight)

    def attend(self, q, k, v, mask=None):
        """[batch, rows, heads, head_dim] to [batch, rows, heads * head_dim], causal unless there is a mask."""
        repeat = self.c.heads // self.c.kv_heads
        k, v = k.repeat_interleave(repeat, dim=2), v.repeat_interleave(repeat, dim=2)
        q, k, v = (z.transpose(1, 2) for z in (q, k, v))
        out = F.scaled_dot_product_attention(q, k, v, mask, is_causal=mask is None and q.shape[2] > 1)
        return out.transpose(1, 2).flatten(2)


class LayerCache:
    """Keys and values of one layer and one sequence; the prompt first, then one position at a time."""

    def __init__(self):
        self.k = self.v = None

    def attend(self, attention, q, k, v):
        self.k = k if self.k is None else torch.cat((self.k, k))
        self.v = v if self.v is None else torch.cat((self.v, v))
        return attention.attend(q.unsqueeze(0), self.k.unsqueeze(0), self.v.unsqueeze(0))[0]


class BatchCache:
    """Keys and values of one layer and several sequences that each write one position at a time."""

    def __init__(self, caches, room):
        self.lengths = torch.tensor([len(c.k) for c in caches])
        shape = (len(caches), int(self.lengths.max()) + room, *caches[0].k.shape[1:])
        self.k, self.v = torch.zeros(shape), torch.zeros(shape)
        for row, c in enumerate(caches):
            self.k[row, :len(c.k)], self.v[row, :len(c.v)] = c.k, c.v

    def attend(self, attention, q, k, v):
        rows = torch.arange(len(q))
        self.k[rows, self.lengths], self.v[rows, self.lengths] = k, v
        self.lengths = self.lengths + 1
        used = int(self.lengths.max())
        mask = (torch.arange(used) < self.lengths.unsqueeze(1))[:, None, None]
        return attention.attend(q.unsqueeze(1), self.k[:, :used], self.v[:, :used], mask)[:, 0]


class MoE(nn.Module):
    """Softmax over all experts, the best two renormalised; each expert is a SwiGLU block."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.gate = nn.Linear(c.hidden_size, c.experts, bias=False)
        self.gate_proj = nn.Parameter(torch.empty(c.experts, c.expert_ff, c.hidden_size))
        self.up_proj = nn.Parameter(torch.empty(c.experts, c.expert_ff, c.hidden_size))
        self.down_proj = nn.Parameter(torch.empty(c.experts, c.hidden_size, c.expert_ff))
        self.balance = None

    def forward(self, x, quick=False):
        c = self.c
        probs = F.softmax(self.gate(x), dim=-1)
        weights, chosen = probs.topk(c.experts_used, dim=-1)
        weights = weights / weights.sum(-1, keepdim=True)
        if quick:  # the Switch load-balancing loss, 1 when even
            counts = torch.bincount(chosen.flatten(), minlength=c.experts)
            self.balance = c.experts * (counts / chosen.numel() * probs.mean(0)).sum()
            return fast.Experts.apply(x, weights, self.gate_proj, self.up_proj, self.down_proj, chosen)
        out = torch.zeros_like(x)
        for e in range(c.experts):
            rows, slot = (chosen == e).nonzero(as_tuple=True)
            hidden = F.silu(x[rows] @ self.gate_proj[e].T) * (x[rows] @ self.up_proj[e].T)
            out = out.index_add(0, rows, hidden @ self.down_proj[e].T * weights[rows, slot].unsqueeze(1))
        return out


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = RMSNorm(c.hidden_size, c.rms_eps)
        self.self_attn = Attention(c)
        self.post_attention_layernorm = RMSNorm(c.hidden_size, c.rms_eps)
        self.mlp = MoE(c)

    def forward(self, x, cos, sin, spans=None, cache=None, wanted=None):
        attended = self.self_attn(self.input_layernorm(x), cos, sin, spans, cache, wanted)
        x = attended + (x if wanted is None else x[wanted])
        return x + self.mlp(self.post_attention_layernorm(x), quick=spans is not None)


class Grist(nn.Module):
    def __init__(self, config=Config()):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_eps)
        cos, sin = rope_table(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def hidden(self, ids, positions=None, spans=None, caches=None, wanted=None):
        """Final normed rows [rows, hidden] of the tokens `ids` [rows]; positions default to 0, 1, 2, ...

        Without `spans` the tokens are one sequence, in f32. For training, `spans` are the (start, length) of
        the sequences that the rows hold, one after the other, and products are in bf16 (see fast.py).
        With `wanted`, a mask, the last layer computes only those rows.
        """
        if positions is None:
            positions = torch.arange(len(ids))
        cos, sin = self.cos[positions].unsqueeze(1), self.sin[positions].unsqueeze(1)
        x = self.embed_tokens(ids)
        for i, layer in enumerate(self.layers):
            last = i == len(self.layers) - 1
            x = layer(x, cos, sin, spans, caches[i] if caches else None, wanted if last else None)
        return self.norm(x)

    def logits(self, hidden, quick=False):
        return (fast.Linear.apply if quick else F.linear)(hidden, self.embed_tokens.weight)

    def balance_loss(self):
        return sum(layer.mlp.balance for layer in self.layers) / len(self.layers)

    @torch.no_grad()
    def init_weights(self, seed):
        """Random weights: rows of the embedding as large as what the layers will add, or tokens drown in it.

        All rows share a constant part, which positional heads read (see plant.py); it moves all logits alike.
        The final norm starts small, because the head is the same large embedding.
        """
        torch.manual_seed(seed)
        c = self.config
        shared = F.normalize(torch.randn(c.hidden_size), dim=0) * math.sqrt(c.hidden_size)
        self.embed_tokens.weight.copy_(0.87 * torch.randn_like(self.embed_tokens.weight) + 0.5 * shared)
        self.norm.weight.fill_(0.05)
        for layer in self.layers:
            attention, moe = layer.self_attn, layer.mlp
            for matrix in (attention.q_proj, attention.k_proj, attention.v_proj):
                nn.init.normal_(matrix.weight, std=1 / math.sqrt(c.hidden_size))
            nn.init.normal_(attention.o_proj.weight, std=0.1 / math.sqrt(c.hidden_size))
            nn.init.normal_(moe.gate.weight, std=0.02)
            nn.init.normal_(moe.gate_proj, std=1 / math.sqrt(c.hidden_size))
            nn.init.normal_(moe.up_proj, std=1 / math.sqrt(c.hidden_size))
            nn.init.normal_(moe.down_proj, std=0.1 / math.sqrt(c.expert_ff))

    @torch.no_grad()
    def generate(self, ids, max_new, stop_ids, want_margin=False):
        """Greedy continuation of `ids`, stop id included; with the smallest top-1 margin if wanted."""
        self.eval()
        caches = [LayerCache() for _ in self.layers]
        step, position, out, margin = torch.tensor(ids), 0, [], float("inf")
        while len(out) < max_new and position + len(step) <= self.config.context:
            positions = torch.arange(position, position + len(step))
            row = self.logits(self.hidden(step, positions, caches=caches)[-1])
            best = row.topk(2)
            margin = min(margin, (best.values[0] - best.values[1]).item())
            token = best.indices[0].item()
            out.append(token)
            if token in stop_ids:
                break
            position += len(step)
            step = torch.tensor([token])
        return (out, margin) if want_margin else out

    @torch.no_grad()
    def generate_many(self, prompts, max_new, stop_ids):
        """Greedy continuations of several prompts at once, for scores; sums may differ in the last bit."""
        self.eval()
        caches, tokens = [], []
        for ids in prompts:
            own = [LayerCache() for _ in self.layers]
            tokens.append(self.logits(self.hidden(torch.tensor(ids), caches=own)[-1]).argmax().item())
            caches.append(own)
        batch = [BatchCache([own[i] for own in caches], max_new) for i in range(len(self.layers))]
        out, done = [[t] for t in tokens], [t in stop_ids for t in tokens]
        for _ in range(max_new - 1):
            if all(done):
                break
            tokens = self.logits(self.hidden(torch.tensor(tokens), batch[0].lengths, caches=batch)).argmax(-1).tolist()
            for row, token in enumerate(tokens):
                if not done[row]:
                    out[row].append(token)
                    done[row] = token in stop_ids
        return out


def hf_state_dict(model):
    """Weights under the names of `Qwen3MoeForCausalLM` checkpoints, one tensor per expert."""
    out = {}
    for name, tensor in model.state_dict().items():
        stem, _, leaf = name.rpartition(".")
        if leaf in ("gate_proj", "up_proj", "down_proj"):
            for e in range(tensor.shape[0]):
                out[f"model.{stem}.experts.{e}.{leaf}.weight"] = tensor[e].clone()
        else:
            out["model." + name] = tensor.clone()
    return out
