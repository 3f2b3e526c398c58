"""What training spends its time on, with forward and backward written out: products, attention, experts.

Matrix products take bf16 inputs (a CPU with AVX512-BF16 does two to three times as many), sums and most
of what is between them stay f32; attention scores are f32 throughout, since planted heads have large ones.
The plain f32 definitions are in model.py, and `python evaluate.py --check-training` compares the two.
"""

import torch

BF16 = torch.bfloat16  # the check sets this to f32
ROWS = 64  # shapes are rounded up to this, because each new shape makes the library generate code


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        x, weight = x.to(BF16), weight.to(BF16)
        ctx.save_for_backward(x, weight)
        return (x @ weight.T).float()

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        grad = grad.to(BF16)
        return (grad @ weight).float(), (grad.T @ x).float()


def rounded(count):
    return -(-count // ROWS) * ROWS


def blocks_of(length):
    """(first, end) of the query rows that are computed at once, against all keys before `end`."""
    step = 256 if length <= 1024 else 128
    return [(first, min(first + step, length)) for first in range(0, length, step)]


class Attention(torch.autograd.Function):
    """Causal attention within each (start, length) of `spans`; q [rows, heads, d], k and v [rows, kv heads, d]."""

    @staticmethod
    def forward(ctx, q, k, v, spans):
        out, saved = torch.empty_like(q), []
        for start, length in spans:
            rows = slice(start, start + length)
            one, (chances, *kept) = attend(q[rows], k[rows], v[rows])
            out[rows] = one
            saved += kept
            saved += chances
        ctx.save_for_backward(out, *saved)
        ctx.spans = spans
        return out

    @staticmethod
    def backward(ctx, grad):
        out, *saved = ctx.saved_tensors
        kv_heads = saved[1].shape[0]
        dq = torch.empty_like(out)
        dk, dv = (out.new_empty(out.shape[0], kv_heads, out.shape[2]) for _ in range(2))
        for start, length in ctx.spans:
            rows, count = slice(start, start + length), len(blocks_of(rounded(length)))
            kept, chances, saved = saved[:3], saved[3:3 + count], saved[3 + count:]
            dq[rows], dk[rows], dv[rows] = attend_backward(kept, chances, out[rows], grad[rows])
        return dq, dk, dv, None


def by_head(x, kv_heads, length):
    """[rows, heads, d] to [kv heads, heads of each, length, d], rows padded with zeros."""
    rows, heads, d = x.shape
    out = x.new_zeros(kv_heads, heads // kv_heads, length, d)
    out[:, :, :rows] = x.view(rows, kv_heads, -1, d).permute(1, 2, 0, 3)
    return out


def by_row(x, rows):
    """The inverse of `by_head`."""
    return x[:, :, :rows].permute(2, 0, 1, 3).reshape(rows, -1, x.shape[-1])


def attend(q, k, v):
    """One sequence: its output, and (weights of each block, q, k, v) as the backward pass wants them."""
    rows, length, kv_heads = q.shape[0], rounded(q.shape[0]), k.shape[1]
    q, k, v = (by_head(z, kv_heads, length) for z in (q, k, v))
    k, v = k[:, 0], v[:, 0].to(BF16)
    d, scaled, keys = q.shape[-1], q * q.shape[-1] ** -0.5, k.mT
    parts, chances = [], []
    for first, end in blocks_of(length):
        score = torch.bmm(scaled[:, :, first:end].reshape(kv_heads, -1, d), keys[:, :, :end])
        own = score.view(kv_heads, -1, end - first, end)[..., first:]
        own += torch.full((end - first, end - first), float("-inf")).triu(1)
        p = score.softmax(-1).to(BF16)
        chances.append(p)
        parts.append(torch.bmm(p, v[:, :end]).view(kv_heads, -1, end - first, d))
    return by_row(torch.cat(parts, dim=2), rows).float(), (chances, q.to(BF16), k.to(BF16), v)


def attend_backward(kept, chances, out, grad):
    q, k, v = kept
    rows, kv_heads, length, d = out.shape[0], k.shape[0], k.shape[1], k.shape[2]
    delta = by_head((grad * out).sum(-1, keepdim=True), kv_heads, length)
    grad = by_head(grad.to(BF16), kv_heads, length)
    dq = []
    dk, dv = torch.zeros(kv_heads, length, d), torch.zeros(kv_heads, length, d)
    for (first, end), p in zip(blocks_of(length), chances):
        wanted = grad[:, :, first:end].reshape(kv_heads, -1, d)
        dv[:, :end] += torch.bmm(p.mT, wanted)
        ds = torch.bmm(wanted, v[:, :end].mT).sub_(delta[:, :, first:end].reshape(kv_heads, -1, 1).to(BF16))
        ds = ds.mul_(p).mul_(d ** -0.5)
        dq.append(torch.bmm(ds, k[:, :end]).view(kv_heads, -1, end - first, d))
        dk[:, :end] += torch.bmm(ds.mT, q[:, :, first:end].reshape(kv_heads, -1, d))
    return by_row(torch.cat(dq, dim=2), rows).float(), dk[:, :rows].transpose(0, 1), dv[:, :rows].transpose(0, 1)


class Experts(torch.autograd.Function):
    """Each row through its chosen SwiGLU blocks, weighted; `chosen` and `weights` are [rows, experts used]."""

    @staticmethod
    def forward(ctx, x, weights, gate, up, down, chosen):
        used, (n, width) = chosen.shape[1], x.shape
        flat = chosen.flatten()
        counts = torch.bincount(flat, minlength=len(gate)).tolist()
        order, starts, shift = flat.argsort(stable=True), [0], []
        for e, count in enumerate(counts):  # where each expert's rows begin, rounded up
            shift.append(starts[-1] - sum(counts[:e]))
            starts.append(starts[-1] + rounded(count))
        slots = torch.empty_like(order)
        slots[order] = torch.arange(len(order)) + torch.tensor(shift).repeat_interleave(torch.tensor(counts))
        both, down16 = torch.cat((gate, up), dim=1).to(BF16), down.to(BF16)
        rows = torch.zeros(starts[-1], width, dtype=BF16)
        rows[slots] = x.to(BF16).repeat_interleave(used, 0)
        out, hidden = torch.empty_like(rows), torch.empty(starts[-1], both.shape[1], dtype=BF16)
        for e in range(len(gate)):
            part = slice(starts[e], starts[e + 1])
            if starts[e] < starts[e + 1]:
                torch.mm(rows[part], both[e].T, out=hidden[part])
                g, u = hidden[part].chunk(2, dim=1)
                torch.mm(torch.nn.functional.silu(g) * u, down16[e].T, out=out[part])
        picked = out[slots].view(n, used, width)
        ctx.save_for_backward(weights, slots, rows, both, down16, hidden, picked)
        ctx.starts = starts
        return (picked * weights.unsqueeze(-1)).sum(1)

    @staticmethod
    def backward(ctx, grad):
        weights, slots, rows, both, down, hidden, picked = ctx.saved_tensors
        starts, (n, used, width) = ctx.starts, picked.shape
        dweights = torch.stack([(grad * picked[:, i]).sum(-1) for i in range(used)], dim=1)
        dout = torch.zeros_like(rows)
        dout[slots] = (grad.unsqueeze(1) * weights.unsqueeze(-1)).view(-1, width).to(BF16)
        drows, dboth, ddown = torch.empty_like(rows), torch.zeros(both.shape), torch.zeros(down.shape)
        for e in range(len(both)):
            part = slice(starts[e], starts[e + 1])
            if starts[e] == starts[e + 1]:
                continue
            g, u = hidden[part].chunk(2, dim=1)
            s = torch.sigmoid(g)
            act = g * s
            ddown[e] = dout[part].T @ (act * u)
            dh = dout[part] @ down[e]
            dgu = torch.cat(((1 - s).mul_(g).add_(1).mul_(s).mul_(u).mul_(dh), act.mul_(dh)), dim=1)
            dboth[e] = dgu.T @ rows[part]
            torch.mm(dgu, both[e], out=drows[part])
        dx = drows[slots].view(n, used, width).sum(1, dtype=torch.float32)
        dgate, dup = dboth.chunk(2, dim=1)
        return dx, dweights, dgate, dup, ddown, None
