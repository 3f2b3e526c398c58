"""Starts attention with heads that already look up and copy, instead of waiting for them to appear.

What recall, tool calls and JSON need is "find where this token stood before, and copy what followed it".
Training from random weights takes millions of tokens to find that circuit; written down it is small:

- layer 0, key-value head 0: query heads 0 and 1 look one and two positions back, by RoPE phase alone, and write
  what stood there into a subspace of their own;
- layer 1, key-value head 0: keys read that subspace ("what stood before me"), queries read the present token,
  in the slowly turning RoPE pairs; values carry the token itself and are written back as its embedding.

Everything stays trainable. Nothing here knows of data.
"""

import math

import torch

FIRM = 3.0  # larger queries and keys mean the same, being normalised, but the first steps of training move them less
FIRST_SLOW_PAIR = 12  # from here on RoPE turns little over some hundred positions


def orthonormal_rows(rows, columns, generator):
    return torch.linalg.qr(torch.randn(columns, rows, generator=generator))[0].T


def positional_amplitudes(theta, scale, context=1024, steps=300):
    """Amplitudes of RoPE pairs, squares summing to 1, that put most attention on one distance."""
    distance = torch.arange(-1, context - 1, dtype=torch.float32)  # 0 is the wanted one
    waves = torch.cos(torch.outer(distance, theta))
    raw = torch.linspace(1, -3, len(theta), requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.05)
    with torch.enable_grad():
        for _ in range(steps):
            loss = -(scale * waves @ raw.softmax(0)).log_softmax(0)[1]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return raw.detach().softmax(0).sqrt()


def rotated(amplitudes, theta, distance):
    """A head vector whose RoPE score against `amplitudes` at phase 0 peaks that far back."""
    return torch.cat((amplitudes * torch.cos(distance * theta), -amplitudes * torch.sin(distance * theta)))


@torch.no_grad()
def plant_copy_heads(model, seed=11):
    c, d = model.config, model.config.head_dim
    g = torch.Generator().manual_seed(seed)
    half = d // 2
    theta = 1.0 / (c.rope_base ** (torch.arange(half, dtype=torch.float32) / half))
    first, second = model.layers[0], model.layers[1]
    embedding = model.embed_tokens.weight
    normed = embedding / embedding.pow(2).mean(-1, keepdim=True).sqrt() * first.input_layernorm.weight
    constant = normed.mean(0)
    constant = constant / constant.norm()

    # layer 0: one and two positions back
    gain = 2.2
    amplitudes = positional_amplitudes(theta, gain * gain * math.sqrt(d))
    attention = first.self_attn
    at_rest = torch.cat((amplitudes, torch.zeros(half)))
    attention.k_proj.weight[:d] = FIRM * torch.outer(at_rest, constant)
    for head in (0, 1):
        vector = rotated(amplitudes, theta, head + 1)
        attention.q_proj.weight[head * d:(head + 1) * d] = FIRM * torch.outer(vector, constant)
    for norm in (attention.q_norm, attention.k_norm):
        norm.weight.fill_(1.0)
        norm.weight.mul_(1 + (gain - 1) * (torch.cat((amplitudes, amplitudes)) > 0.15))
    centred = normed - torch.outer(normed @ constant, constant)
    axes = torch.linalg.svd(centred, full_matrices=False)[2][:d]  # the directions that tell tokens apart
    attention.v_proj.weight[:d] = axes
    behind = orthonormal_rows(2 * d, c.hidden_size, g)  # the subspace for "what stood before", two blocks of rows
    size = embedding.norm(dim=1).mean() / (centred @ axes.T).norm(dim=1).mean()
    attention.o_proj.weight[:, :2 * d] = behind.T * size

    # layer 1: match "before me" with the present token, copy the token
    attention, scale = second.self_attn, second.input_layernorm.weight
    slow = torch.cat((torch.arange(FIRST_SLOW_PAIR, half), half + torch.arange(FIRST_SLOW_PAIR, half)))
    mix = orthonormal_rows(len(slow), d, g)
    match = torch.zeros(d, c.hidden_size)
    match[slow] = mix @ axes * first.input_layernorm.weight
    before = torch.zeros(d, c.hidden_size)
    before[slow] = mix @ behind[:d]
    attention.k_proj.weight[:d] = FIRM * before / scale
    for head in (0, 1):
        attention.q_proj.weight[head * d:(head + 1) * d] = FIRM * match / scale
        attention.q_proj.weight[head * d:(head + 1) * d] += 0.05 * torch.randn(d, c.hidden_size, generator=g)
    for norm in (attention.q_norm, attention.k_norm):
        norm.weight.fill_(1.0)
        norm.weight[slow] = 1.7
    attention.v_proj.weight[:d] = axes / scale
    attention.o_proj.weight[:, :2 * d] = torch.cat((axes.T, axes.T), dim=1) * 0.5
