"""Starts attention with heads that already look up and copy, instead of waiting for them to appear.

What recall, tool calls and JSON need is "find where these last few tokens stood before, and copy what
followed". Training from random weights takes millions of tokens to find that circuit; written down it
is small (head numbers are query heads; two of them share a key-value head):

- layer 0, heads 0 and 1 attend by RoPE phase alone: to the token before, and to the window of the last few
  tokens. Each writes what it saw into a subspace of the residual stream of its own;
- layer 1, heads 0 and 1: find where the present token stood before (keys read "the token before me"), and copy
  the token there; head 2 carries the window of the token before one place on;
- layer 2, heads 0 and 1: find where the present window stood before (keys read the carried window), and copy.

Everything stays trainable. Nothing here knows of data.
"""

import math

import torch
import torch.nn.functional as F

FIRM = 3.0  # larger queries and keys mean the same, being normalised, but training moves them less
GAIN = 2.4  # of the norms of positional queries and keys
MATCH_GAIN = 1.7  # of the norms of matching queries and keys
FIRST_SLOW_PAIR = 12  # from here on RoPE turns little over some hundred positions


def kernels(theta, context=3072, steps=400):
    """Amplitudes of the RoPE pairs: shared keys, the queries for one back (with phase), and for the window."""
    distance = torch.arange(context, dtype=torch.float32)
    scale = GAIN * GAIN * math.sqrt(2 * len(theta))
    back = torch.cos(torch.outer(distance - 1, theta))
    near = torch.cos(torch.outer(distance, theta))
    window = torch.softmax(-(torch.arange(context) / 4.5) ** 2, 0)
    raw = torch.zeros(3, len(theta))
    raw[:] = torch.linspace(1, -2, len(theta))
    raw.requires_grad_()
    optimizer = torch.optim.Adam([raw], lr=0.05)
    with torch.enable_grad():
        for _ in range(steps):
            key, one, wide = F.normalize(raw, dim=1)
            loss = -(scale * back @ (key * one)).log_softmax(0)[1]
            loss = loss - (window * (scale * near @ (key * wide)).log_softmax(0)).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return F.normalize(raw.detach(), dim=1)


def turned(amplitudes, theta, distance):
    """A head vector whose RoPE score against phase 0 peaks that far back."""
    return torch.cat((amplitudes * torch.cos(distance * theta), -amplitudes * torch.sin(distance * theta)))


def attention_input(model, ids, layer):
    """What attention in a layer reads, [rows, hidden]."""
    kept = []
    handle = model.layers[layer].input_layernorm.register_forward_hook(lambda _, __, out: kept.append(out))
    model.hidden(ids)
    handle.remove()
    return kept[0]


def shared_direction(rows):
    """The direction in which all rows point alike, which positional heads read."""
    direction = F.normalize(F.normalize(rows, dim=1).mean(0), dim=0)
    print(f"shared direction: smallest {(rows @ direction).min():.2f}, mean {(rows @ direction).mean():.2f}")
    return direction


@torch.no_grad()
def plant_copy_heads(model, ids, seed=11):
    """`ids` is any typical text; only the means of its activations are used."""
    c, d = model.config, model.config.head_dim
    model.eval()
    g = torch.Generator().manual_seed(seed)
    half = d // 2
    theta = 1.0 / (c.rope_base ** (torch.arange(half, dtype=torch.float32) / half))
    key, one, wide = kernels(theta)
    at_rest = torch.cat((key, torch.zeros(half)))
    basis = torch.linalg.qr(torch.randn(c.hidden_size, 3 * d, generator=g))[0].T
    before, window, carried = basis.split(d)
    slow = torch.cat((torch.arange(FIRST_SLOW_PAIR, half), half + torch.arange(FIRST_SLOW_PAIR, half)))

    def norms(attention, gain_of):
        for norm in (attention.q_norm, attention.k_norm):
            norm.weight.copy_(gain_of)

    positional = 1 + (GAIN - 1) * (torch.cat((key, key)).abs() > 0.1)
    both = torch.where(torch.isin(torch.arange(d), slow), MATCH_GAIN, positional)

    # layer 0: the token before, and the window
    attention, scale = model.layers[0].self_attn, model.layers[0].input_layernorm.weight
    rows = attention_input(model, ids, 0)
    constant = shared_direction(rows)
    centred = rows - torch.outer(rows @ constant, constant)
    axes = torch.linalg.svd(centred, full_matrices=False)[2][:d]  # the directions that tell tokens apart
    attention.k_proj.weight[:d] = FIRM * torch.outer(at_rest, constant)
    attention.q_proj.weight[:d] = FIRM * torch.outer(turned(one, theta, 1), constant)
    attention.q_proj.weight[d:2 * d] = FIRM * torch.outer(turned(wide, theta, 0), constant)
    norms(attention, positional)
    token = axes * scale
    token = token / token.norm(dim=1, keepdim=True)
    attention.v_proj.weight[:d] = axes
    size = model.embed_tokens.weight.norm(dim=1).mean() / (centred @ axes.T).norm(dim=1).mean()
    attention.o_proj.weight[:, :2 * d] = torch.cat((before.T * size, window.T * size * 2.5), dim=1)

    def matcher(layer, read, present):
        """Heads 0 and 1: keys read one subspace, queries another; the token found is written back."""
        attention, scale = model.layers[layer].self_attn, model.layers[layer].input_layernorm.weight
        mix = torch.linalg.qr(torch.randn(d, len(slow), generator=g))[0].T
        for matrix, source in ((attention.k_proj, read), (attention.q_proj, present)):
            planted = torch.zeros(d, c.hidden_size)
            planted[slow] = mix @ source
            matrix.weight[:d] = FIRM * planted / scale
        attention.q_proj.weight[d:2 * d] = attention.q_proj.weight[:d] \
            + 0.05 * torch.randn(d, c.hidden_size, generator=g)
        attention.v_proj.weight[:d] = token / scale
        attention.o_proj.weight[:, :2 * d] = torch.cat((token.T, token.T), dim=1) * 0.5

    # layer 1: match the present token; carry the window on
    matcher(1, before, token)
    attention, scale = model.layers[1].self_attn, model.layers[1].input_layernorm.weight
    constant = shared_direction(attention_input(model, ids, 1))
    attention.k_proj.weight[d:2 * d] = FIRM * torch.outer(at_rest, constant)
    attention.q_proj.weight[2 * d:3 * d] = FIRM * torch.outer(turned(one, theta, 1), constant)
    attention.v_proj.weight[d:2 * d] = window / scale
    norms(attention, both)
    rows = attention_input(model, ids, 1)
    size = (rows / scale @ window.T).norm(dim=1).mean()
    attention.o_proj.weight[:, 2 * d:3 * d] = carried.T * model.embed_tokens.weight.norm(dim=1).mean() * 1.5 / size
    attention.o_proj.weight[:, 3 * d:] *= 0.1

    # layer 2: match the window
    matcher(2, carried, window)
    norms(model.layers[2].self_attn, torch.where(torch.isin(torch.arange(d), slow), MATCH_GAIN, 1.0))


def several_back(theta, key, distances, context=512, steps=600):
    """A head vector, norm 1, that spreads attention evenly over some distances, given the shared keys."""
    distance = torch.arange(context, dtype=torch.float32)
    angle = torch.outer(distance, theta)
    cos, sin = torch.cos(angle) * key, -torch.sin(angle) * key
    scale = GAIN * GAIN * math.sqrt(2 * len(theta))
    vector = sum(turned(key, theta, n) for n in distances).clone().requires_grad_()
    optimizer = torch.optim.Adam([vector], lr=0.02)
    with torch.enable_grad():
        for _ in range(steps):
            score = scale * (torch.cat((cos, sin), dim=1) @ F.normalize(vector, dim=0))
            chances = score.log_softmax(0)
            loss = -sum(chances[n] for n in distances)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print("attention on", distances, [round(chances[n].exp().item(), 2) for n in distances])
    return F.normalize(vector.detach(), dim=0)


@torch.no_grad()
def plant_sum_readers(model, ids, digits, seed=12):
    """Heads that read both digits of one place in "27 + 11 = 38", whichever digit of the sum is next.

    Layer 2, heads 2 and 3, and layer 3, heads 2 and 3, look two places back at once; `digits` are their tokens' ids.
    """
    c, d = model.config, model.config.head_dim
    model.eval()
    g = torch.Generator().manual_seed(seed)
    half = d // 2
    theta = 1.0 / (c.rope_base ** (torch.arange(half, dtype=torch.float32) / half))
    key = kernels(theta)[0]
    at_rest = torch.cat((key, torch.zeros(half)))
    places = {2: ((2, 6), (3, 7)), 3: ((4, 8), (2, 5))}
    embedding = model.embed_tokens.weight
    shown = embedding[digits] - embedding[digits].mean(0)
    others = embedding - embedding.mean(0)
    first = torch.linalg.svd(shown, full_matrices=False)[2][:9]
    rest = torch.linalg.svd(others - others @ first.T @ first, full_matrices=False)[2][:d - 9]
    axes = torch.cat((first, rest))
    positional = torch.cat((key, key)).abs() > 0.1
    positional[FIRST_SLOW_PAIR:half] = positional[half + FIRST_SLOW_PAIR:] = False
    for layer, distances in places.items():
        attention, scale = model.layers[layer].self_attn, model.layers[layer].input_layernorm.weight
        rows = attention_input(model, ids, layer)
        constant = shared_direction(rows)
        attention.k_proj.weight[d:2 * d] = FIRM * torch.outer(at_rest, constant)
        attention.v_proj.weight[d:2 * d] = axes / scale
        size = embedding.norm(dim=1).mean() / (rows / scale @ axes.T).norm(dim=1).mean()
        basis = torch.linalg.qr(torch.randn(c.hidden_size, 2 * d, generator=g))[0]
        attention.o_proj.weight[:, 2 * d:] = basis * size
        for head, wanted in zip((2, 3), distances):
            vector = several_back(theta, key, wanted)
            attention.q_proj.weight[head * d:(head + 1) * d] = FIRM * torch.outer(vector, constant)
        for norm in (attention.q_norm, attention.k_norm):
            norm.weight.copy_(torch.where(positional, GAIN, norm.weight))
