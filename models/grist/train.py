"""Trains Grist on a CPU: Muon for the matrices, AdamW for the rest, warm-up - stable - decay.

    python train.py --out DIR --minutes 100           start, or go on with --resume
    touch DIR/decay                                   begin the decay now (also: --decay-at STEP)

Documents are drawn by generate.document from the seed (run seed, document number), so a resumed run
sees the documents it would have seen. Documents are packed without padding, except inside attention,
which takes those of similar length together; only the assistant's tokens are learned.
"""

import argparse
import ctypes
import json
import os
import random
import signal
import time
from collections import defaultdict

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F
from tokenizers import Tokenizer

import generate
from chat import SPECIALS
from drills import Drills
from export import load_gguf
from model import Config, Grist
from plant import plant_copy_heads, plant_sum_readers

HERE = os.path.dirname(os.path.abspath(__file__))


# ---------------------------------------------------------------- data
class Stream:
    """Optimiser batches, each a list of micro-batches as made by `pack`."""

    def __init__(self, tokenizer, seed, step_tokens, micro_tokens, context, rank, ranks):
        self.tokenizer, self.seed, self.context, self.rank, self.ranks = tokenizer, seed, context, rank, ranks
        self.step_tokens, self.micro_tokens = step_tokens, micro_tokens
        self.next_document = 0
        self.drills = Drills(tokenizer, SPECIALS)

    def documents(self, progress):
        """Our share of the step's documents (task, ids, which of them are learned), shortest first."""
        total, drawn = 0, []
        while total < self.step_tokens:
            document = self.document(f"{self.seed} {self.next_document}", progress)
            self.next_document += 1
            if len(document[1]) <= self.context:
                total += len(document[1])
                drawn.append(document)
        loads, ours = [0.0] * self.ranks, []
        for d in sorted(drawn, key=lambda d: -len(d[1])):
            lightest = loads.index(min(loads))
            loads[lightest] += len(d[1]) * (1 + len(d[1]) / 4000)
            if lightest == self.rank:
                ours.append(d)
        return ours[::-1]

    def document(self, seed, progress):
        rng = random.Random("drill " + seed)
        if rng.random() < self.drills.share(progress):
            return "drill", *self.drills.draw(rng)
        task, parts = generate.document(seed, progress)
        encoded = [(self.tokenizer.encode(text).ids, learned) for text, learned in parts]
        ids = [i for part, _ in encoded for i in part]
        return task, ids, [learned for part, learned in encoded for _ in part]

    def positions(self, task, length, rng):
        """0, 1, 2, ...; for some documents with gaps, so that short ones also teach long distances."""
        p = torch.arange(length)
        chance = {"recall": 0.5, "tool": 0.3, "memory": 0.3, "json": 0.3, "reading": 0.3, "drill": 0.3}.get(task, 0)
        if length < 1500 and rng.random() < chance:
            for _ in range(rng.randint(1, 3)):
                room = self.context - 1 - int(p[-1])
                p[rng.randrange(1, length):] += rng.randint(0, room // 2)
        return p

    def batch(self, progress):
        rng = random.Random(f"positions {self.seed} {self.next_document} {self.rank}")
        micro, rows = [[]], 0
        for d in self.documents(progress):
            if rows + len(d[1]) > self.micro_tokens and micro[-1]:
                micro.append([])
                rows = 0
            micro[-1].append(d)
            rows += len(d[1])
        return [self.pack(documents, rng) for documents in micro]

    def pack(self, documents, rng):
        """(ids, weights of what follows, positions, spans, tasks, document of each row), rows in order."""
        ids = torch.tensor([i for _, tokens, _ in documents for i in tokens])
        weights, positions, owner, spans, start = [], [], [], [], 0
        for number, (task, tokens, learned) in enumerate(documents):
            n = len(tokens)
            weights.append(torch.tensor([float(w) for w in learned[1:]] + [0.0]))
            positions.append(self.positions(task, n, rng))
            owner.append(torch.full((n,), number))
            spans.append((start, n))
            start += n
        return ids, torch.cat(weights), torch.cat(positions), spans, [d[0] for d in documents], torch.cat(owner)


# ---------------------------------------------------------------- optimiser
# Coefficients of the odd quintics of Amsel et al. 2025 (Polar Express), which bring singular values to 1.
POLAR = [(8.28721201814563, -23.595886519098837, 17.300387312530933),
         (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
         (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
         (3.3184196573706015, -2.488488024314874, 0.51004894012372)]


def orthogonal(g):
    """The nearest orthogonal matrix, about; batched over leading dimensions, in bf16."""
    flip = g.shape[-2] > g.shape[-1]
    x = g.mT if flip else g
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) * 1.02 + 1e-7)).bfloat16()
    for a, b, c in POLAR:
        s = x @ x.mT
        x = a * x + (b * s + c * (s @ s)) @ x
    return (x.mT if flip else x).float()


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised (Jordan 2024), for matrices and stacks of matrices.

    Each process updates its share of the parameters and sends them to the others.
    """

    def __init__(self, params, lr, rank, ranks, momentum=0.95, weight_decay=0.1):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))
        ordered = sorted(self.param_groups[0]["params"], key=lambda p: -p.numel())
        self.shares, self.rank = [ordered[r::ranks] for r in range(ranks)], rank

    @torch.no_grad()
    def step(self):
        group, by_shape = self.param_groups[0], defaultdict(list)
        for p in group["params"]:
            buffer = self.state[p].setdefault("buffer", torch.zeros_like(p))
            buffer.lerp_(p.grad, 1 - group["momentum"])
        for p in self.shares[self.rank]:
            update = p.grad.lerp(self.state[p]["buffer"], group["momentum"])
            by_shape[tuple(p.shape[-2:])].append((p, update.reshape(-1, *p.shape[-2:])))
        for (rows, columns), entries in by_shape.items():
            updates = orthogonal(torch.cat([u for _, u in entries]))
            scale = group["lr"] * max(1, rows / columns) ** 0.5
            for (p, _), update in zip(entries, updates.split([u.shape[0] for _, u in entries])):
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update.view_as(p), alpha=-scale)
        for owner, share in enumerate(self.shares):
            if len(self.shares) > 1:
                flat = torch.cat([p.flatten() for p in share])
                dist.broadcast(flat, owner)
                for p, new in zip(share, flat.split([p.numel() for p in share])):
                    p.copy_(new.view_as(p))


def make_optimizers(model, options, rank):
    matrices, others, embedding, final = [], [], [], []
    for name, p in model.named_parameters():
        if name.startswith("embed"):
            embedding.append(p)
        elif name == "norm.weight":
            final.append(p)
        elif p.ndim >= 2 and not name.endswith("gate.weight"):
            matrices.append(p)
        else:
            others.append(p)
    adam = torch.optim.AdamW([dict(params=embedding, lr=options.embed_lr), dict(params=others, lr=options.adam_lr),
                              dict(params=final, lr=options.adam_lr / 20)],
                             betas=(0.9, 0.98), eps=1e-10, weight_decay=0.0, foreach=True)
    return [Muon(matrices, options.lr, rank, options.processes), adam]


def rate(step, decay_start, decay_steps, warmup=30):
    if decay_start is not None and step >= decay_start:
        return max(0.02, 1 - (step - decay_start) / decay_steps)
    return min(1.0, (step + 1) / warmup)


# ---------------------------------------------------------------- loop
def train_step(model, micro_batches, total, balance_weight, by_task):
    """Adds this process's gradients; `total` is the weight of all learned tokens in all processes."""
    for ids, weights, positions, spans, tasks, owner in micro_batches:
        learned = weights > 0
        rows = model.hidden(ids, positions, spans, wanted=learned)
        losses = F.cross_entropy(model.logits(rows, quick=True), ids.roll(-1)[learned], reduction="none")
        share = weights.sum().item() / total
        loss = (losses * weights[learned]).sum() / total
        (loss + balance_weight * share * model.balance_loss()).backward()
        owner = owner[learned]
        sums = torch.zeros(len(tasks)).index_add(0, owner, losses.detach())
        for task, loss, count in zip(tasks, sums.tolist(), torch.bincount(owner, minlength=len(tasks)).tolist()):
            by_task[task][0] += loss
            by_task[task][1] += count


def sum_gradients(parameters):
    flat = torch.cat([p.grad.flatten() for p in parameters])
    dist.all_reduce(flat)
    for p, grad in zip(parameters, flat.split([p.numel() for p in parameters])):
        p.grad.copy_(grad.view_as(p))


def save(path, model, average, optimizers, state):
    torch.save(dict(model=model.state_dict(), average=average, optimizers=[o.state_dict() for o in optimizers],
                    state=state, config=model.config.to_dict()), path + ".new")
    os.replace(path + ".new", path)


def keep_memory():
    """Makes malloc reuse what was freed: else every large tensor is mapped, zeroed and unmapped by the kernel."""
    libc, m_trim_threshold, m_top_pad, m_mmap_max = ctypes.CDLL(None), -1, -2, -4
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, 2 ** 31 - 1)
    libc.mallopt(m_top_pad, 2 ** 28)


def train(rank, options):
    keep_memory()
    torch.set_num_threads(options.threads)
    if options.processes > 1:
        rendezvous = "file://" + os.path.join(os.path.abspath(options.out), "rendezvous")
        dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=options.processes)
    latest = os.path.join(options.out, "latest.pt")
    model = Grist(Config())
    model.init_weights(options.seed)
    optimizers = make_optimizers(model, options, rank)
    base = [[g["lr"] for g in o.param_groups] for o in optimizers]
    tokenizer = Tokenizer.from_file(os.path.join(HERE, "tokenizer.json"))
    stream = Stream(tokenizer, options.seed, options.step_tokens, options.micro_tokens, model.config.context,
                    rank, options.processes)
    state = dict(step=0, tokens=0, seconds=0.0, next_document=0)
    text = "".join(t for i in range(12) for t, _ in generate.document(f"plant {i}", 0.2)[1])
    sample = torch.tensor(tokenizer.encode(text).ids[:2000])
    digits = [tokenizer.token_to_id(str(i)) for i in range(10)]
    if options.init:
        model.load_state_dict(load_gguf(options.init).state_dict())
    elif not options.resume:
        plant_copy_heads(model, sample)
        plant_sum_readers(model, sample, digits)
    average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if options.resume:
        saved = torch.load(latest, weights_only=True)
        model.load_state_dict(saved["model"])
        average = saved.get("average") or {name: tensor.clone() for name, tensor in saved["model"].items()}
        if options.replant:
            plant_copy_heads(model, sample)
        else:
            for optimizer, old in zip(optimizers, saved["optimizers"]):
                optimizer.load_state_dict(old)
        if options.plant_sums:
            plant_sum_readers(model, sample, digits)
        state = saved["state"]
        stream.next_document = state["next_document"]
    parameters, decay_start, stopping = list(model.parameters()), options.decay_at, []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    log = open(os.path.join(options.out, "log.jsonl"), "a", buffering=1) if rank == 0 else None

    began = last_save = last_log = time.time()
    by_task, tokens, norms = defaultdict(lambda: [0.0, 0]), 0, []
    model.train()
    while True:
        step, started = state["step"], time.time()
        batch = stream.batch(step / options.curriculum_steps)
        late = rank == 0 and started - began > options.minutes * 60
        shared = torch.tensor([sum(float(b[1].sum()) for b in batch), sum(len(b[0]) for b in batch),
                               bool(stopping) or late, rank == 0 and os.path.exists(os.path.join(options.out, "decay"))])
        if options.processes > 1:
            dist.all_reduce(shared)
        learned, count, stop, decay = shared.tolist()
        if decay and decay_start is None:
            decay_start = step
        done = decay_start is not None and step >= decay_start + options.decay_steps
        if stop or done:
            break
        factor = rate(step, decay_start, options.decay_steps)
        for optimizer, rates in zip(optimizers, base):
            for group, lr in zip(optimizer.param_groups, rates):
                group["lr"] = lr * factor
        train_step(model, batch, learned, options.balance, by_task)
        if options.processes > 1:
            sum_gradients(parameters)
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        for optimizer in optimizers:
            optimizer.step()
        model.zero_grad(set_to_none=False)
        for name, tensor in model.state_dict().items():  # over the last forty steps or so; this is what ships
            average[name].lerp_(tensor, max(0.025, 1 / (step + 1)))
        count = int(count)
        tokens += count
        state = dict(step=step + 1, tokens=state["tokens"] + count, next_document=stream.next_document,
                     seconds=state["seconds"] + time.time() - started)
        if rank == 0 and state["step"] % 20 == 0:
            now = time.time()
            record = dict(step=state["step"], tokens=state["tokens"], minutes=round(state["seconds"] / 60, 2),
                          speed=round(tokens / (now - last_log)), rate=round(factor, 3),
                          norm=round(sum(norms) / len(norms), 3), balance=round(model.balance_loss().item(), 3),
                          loss={k: round(s / max(n, 1), 3) for k, (s, n) in sorted(by_task.items())})
            log.write(json.dumps(record) + "\n")
            by_task, tokens, last_log, norms = defaultdict(lambda: [0.0, 0]), 0, now, []
        if rank == 0 and time.time() - last_save > options.save_every * 60:
            save(latest, model, average, optimizers, state)
            last_save = time.time()
    if rank == 0:
        save(latest, model, average, optimizers, state)
        if done:
            save(os.path.join(options.out, "final.pt"), model, average, [], state)
        print("stopped at", state, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=100, help="when to stop, decay included")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--lr", type=float, default=0.015)
    parser.add_argument("--embed-lr", type=float, default=0.04)
    parser.add_argument("--adam-lr", type=float, default=0.005)
    parser.add_argument("--balance", type=float, default=0.01)
    parser.add_argument("--step-tokens", type=int, default=6144)
    parser.add_argument("--micro-tokens", type=int, default=4096)
    parser.add_argument("--curriculum-steps", type=int, default=600, help="steps until documents are at full size")
    parser.add_argument("--decay-at", type=int)
    parser.add_argument("--decay-steps", type=int, default=250)
    parser.add_argument("--processes", type=int, default=2, help="each takes half of every step's documents")
    parser.add_argument("--threads", type=int, default=1, help="in each process")
    parser.add_argument("--save-every", type=float, default=4, help="minutes")
    parser.add_argument("--init", metavar="GGUF", help="start from these weights instead of random ones with planted heads")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--replant", action="store_true", help="with --resume: plant the copying heads anew")
    parser.add_argument("--plant-sums", action="store_true", help="with --resume: plant the sum readers")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "pid"), "w") as file:
        file.write(str(os.getpid()))
    rendezvous = os.path.join(options.out, "rendezvous")
    if os.path.exists(rendezvous):
        os.remove(rendezvous)
    if options.processes == 1:
        return train(0, options)
    context = multiprocessing.spawn(train, (options,), nprocs=options.processes, join=False)
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(pid, signal.SIGTERM) for pid in context.pids()])
    while not context.join():
        pass


if __name__ == "__main__":
    main()
