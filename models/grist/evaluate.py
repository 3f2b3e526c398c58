"""Held-out scores, greedy, on the weights of the shipped GGUF or of a checkpoint; and the golden file.

    python evaluate.py --gguf grist.gguf [--n 200] [--out scores.json]
    python evaluate.py --checkpoint DIR/latest.pt --n 40
    python evaluate.py --gguf grist.gguf --golden golden.json
    python evaluate.py --check-template         rendering here against the Jinja template
    python evaluate.py --gguf grist.gguf --check-training    loss and gradients of fast.py against model.py

Names, pairs of summands, tool names, parameter names and words to copy in these prompts never occur in training.
"""

import argparse
import json
import os
import time

import torch
from tokenizers import Tokenizer

import fast
import generate
import tasks
import tool_tasks
from chat import CONTROL, render
from export import load_checkpoint, load_gguf

HERE = os.path.dirname(os.path.abspath(__file__))

# label: (generator, options, thinking, share of n)
SUITE = {
    "tool call": (tool_tasks.tool_call, {}, False, 1.0),
    "tool call, thinking": (tool_tasks.tool_call, {}, True, 0.5),
    "recall at 3k tokens": (tasks.recall, {"tokens": 3000}, False, 0.5),
    "recall at 1k tokens": (tasks.recall, {"tokens": 1000}, False, 0.25),
    "recall at 200 tokens": (tasks.recall, {"tokens": 200}, False, 0.5),
    "valid JSON": (tasks.json_object, {}, False, 1.0),
    "two-digit addition": (tasks.addition, {}, False, 1.0),
    "two-digit addition, thinking": (tasks.addition, {}, True, 0.5),
    "answer after a tool result": (tool_tasks.tool_result, {}, False, 0.5),
    "no call where none is wanted": (tool_tasks.no_tool, {}, False, 0.5),
    "copying": (tasks.copying, {}, False, 0.5),
    "sorting and picking": (tasks.listing, {}, False, 0.5),
    "other arithmetic": (tasks.arithmetic, {}, False, 0.5),
    "memory over turns": (tasks.memory, {}, False, 0.5),
    "reading": (tasks.reading, {}, False, 0.5),
}
FLOORS = {"tool call": 0.90, "recall at 3k tokens": 0.90, "valid JSON": 0.95, "two-digit addition": 0.90}


class Runner:
    def __init__(self, model):
        self.model = model
        self.tokenizer = Tokenizer.from_file(os.path.join(HERE, "tokenizer.json"))
        self.stops = {self.tokenizer.token_to_id(t) for t in CONTROL}

    def ids(self, text):
        return self.tokenizer.encode(text).ids

    def text(self, ids):
        return self.tokenizer.decode([i for i in ids if i not in self.stops], skip_special_tokens=False)

    def answers(self, samples, thinking, limit=160, batch=25):
        """The text written for each sample, some at a time."""
        out = []
        for start in range(0, len(samples), batch):
            prompts = [self.ids(render(s.messages, s.tools, thinking=thinking)) for s in samples[start:start + batch]]
            out += [self.text(ids) for ids in self.model.generate_many(prompts, limit, self.stops)]
        return out


def strip_thought(text):
    return text.split("</think>")[-1].strip("\n")


def parse_calls(text):
    """The tool calls in an answer; None where one cannot be read."""
    calls = []
    for part in text.split("<tool_call>")[1:]:
        try:
            calls.append(json.loads(part.split("</tool_call>")[0]))
        except ValueError:
            return None
    return calls


def scores_of(label, sample, text):
    """{measure: right or wrong}; JSON prompts give a second measure, the right content."""
    if sample.calls:
        return {label: parse_calls(text) == sample.calls}
    answer = strip_thought(text)
    if label == "valid JSON":
        try:
            value = json.loads(answer)
        except ValueError:
            return {label: False, "right JSON": False}
        invented = "make up" in sample.thought
        wanted = json.loads(sample.answer)
        right = list(value) == list(wanted) if invented and isinstance(value, dict) else value == wanted
        return {label: True, "right JSON": right}
    if label == "no call where none is wanted":
        return {label: "<tool_call>" not in text}
    return {label: answer == sample.answer}


def evaluate(model, n, only=None, show=0):
    runner, results = Runner(model), {}
    for label, (task, options, thinking, share) in SUITE.items():
        if only and not any(o in label for o in only):
            continue
        count, began = max(1, int(n * share)), time.time()
        shown = 0
        samples = [generate.held_out(task, i, **options) for i in range(count)]
        for sample, text in zip(samples, runner.answers(samples, thinking)):
            for measure, right in scores_of(label, sample, text).items():
                result = results.setdefault(measure, {"right": 0, "n": 0})
                result["right"] += bool(right)
                result["n"] += 1
                if not right and shown < show:
                    shown += 1
                    wanted = generate.answer_text(sample)
                    print(f"  {measure}: {sample.messages[-1]['content'][-160:]!r}\n    wanted {wanted!r}\n    got    {text!r}")
        line = {k: v for k, v in results.items() if k == label or (label == "valid JSON" and k == "right JSON")}
        print(line, f"{time.time() - began:.0f} s", flush=True)
    return results


# ---------------------------------------------------------------- golden outputs
def golden_candidates(spare):
    """(kind, prompt text, tokens to write), up to `spare` more of each kind than will be kept."""
    for label, kept in KEEP.items():
        for i in range(kept + spare if label in SUITE else 0):
            task, options, thinking, _ = SUITE[label]
            sample = generate.held_out(task, 5000 + i, **options)
            yield label, render(sample.messages, sample.tools, thinking=thinking), 80
    for text in ("Hello", "What is the capital of France?", "Explain a quern."):
        for thinking in (False, True):
            yield "question", render([{"role": "user", "content": text}], thinking=thinking), 96
    yield "story", render([{"role": "user", "content": "Tell me a story about a fox."}], thinking=False), 96
    yield "raw story", "Once upon a time", 96
    yield "raw story", "Once upon a time, there was a small fox named Agnes.", 96


KEEP = {"tool call": 3, "tool call, thinking": 1, "recall at 200 tokens": 1, "recall at 1k tokens": 1,
        "recall at 3k tokens": 1, "valid JSON": 2, "two-digit addition": 1, "two-digit addition, thinking": 1,
        "answer after a tool result": 1, "copying": 1, "memory over turns": 1, "reading": 1, "question": 3,
        "story": 1, "raw story": 1}


def write_golden(model, path, spare):
    """Twenty prompts with the ids written greedily in f32; of each kind those with the widest margins."""
    runner, by_kind = Runner(model), {}
    for kind, prompt, limit in golden_candidates(spare):
        ids = runner.ids(prompt)
        out, margin = model.generate(ids, limit, runner.stops, want_margin=True)
        by_kind.setdefault(kind, []).append(dict(kind=kind, prompt=prompt, prompt_ids=ids, output_ids=out,
                                                 output=runner.text(out), min_margin=round(margin, 4)))
    kept = []
    for kind, count in KEEP.items():
        kept += sorted(by_kind[kind], key=lambda e: -e["min_margin"])[:count]
    with open(path, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(e, ensure_ascii=False) for e in kept) + "\n]\n")
    for e in kept:
        print(e["kind"], len(e["prompt_ids"]), len(e["output_ids"]), e["min_margin"], repr(e["output"][:80]))


def check_template(count=300):
    """Renders samples here and with the Jinja template; they must be equal."""
    import random

    import jinja2
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    with open(os.path.join(HERE, "chat_template.jinja"), encoding="utf-8") as file:
        template = environment.from_string(file.read().rstrip("\n"))
    for i in range(count):
        rng = random.Random(i)
        sample = generate.with_system(rng, rng.choice(list(generate.MIX))(rng, False, 0.2))
        for thinking in (None, True, False):
            options = {} if thinking is None else {"enable_thinking": thinking}
            theirs = template.render(messages=sample.messages, tools=sample.tools or None, add_generation_prompt=True, **options)
            ours = render(sample.messages, sample.tools, thinking=thinking)
            assert theirs == ours, f"sample {i}:\n{theirs}\n=====\n{ours}"
    print(f"{count} samples render equally")


def check_training(model):
    """Loss and gradients as in training, of three sequences: in f32 equal to the plain pass, in bf16 close."""
    ids = torch.randint(0, model.config.vocab_size, (900,), generator=torch.Generator().manual_seed(0))
    spans = [(0, 70), (70, 430), (500, 400)]

    def gradients(quick):
        model.zero_grad()
        if quick:
            rows = model.hidden(ids, torch.cat([torch.arange(n) for _, n in spans]), spans)
        else:
            rows = torch.cat([model.hidden(ids[start:start + n]) for start, n in spans])
        loss = torch.nn.functional.cross_entropy(model.logits(rows, quick), ids.roll(-1))
        loss.backward()
        return {"loss": loss.detach(), **{name: p.grad.clone() for name, p in model.named_parameters()}}

    plain = gradients(False)
    for kind, bound in ((torch.float32, 1e-4), (torch.bfloat16, 0.05)):
        fast.BF16 = kind
        found = gradients(True)
        off = {name: ((found[name] - g).norm() / g.norm()).item() for name, g in plain.items()}
        print(f"{kind}: gradients differ by {max(off.values()):.2g} of their norm at most, {max(off, key=off.get)}; "
              f"half of them by less than {sorted(off.values())[len(off) // 2]:.2g}")
        assert (max(off.values()) if kind == torch.float32 else sorted(off.values())[len(off) // 2]) <= bound


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf")
    parser.add_argument("--checkpoint")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--only", nargs="*", help="measures whose label contains one of these")
    parser.add_argument("--show", type=int, default=0, help="print this many wrong answers of each kind")
    parser.add_argument("--out")
    parser.add_argument("--golden")
    parser.add_argument("--spare", type=int, default=4, help="golden candidates of a kind beyond those kept")
    parser.add_argument("--check-template", action="store_true")
    parser.add_argument("--check-training", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.check_template:
        return check_template()
    model = load_gguf(options.gguf) if options.gguf else load_checkpoint(options.checkpoint)[0]
    if options.check_training:
        return check_training(model)
    if options.golden:
        return write_golden(model, options.golden, options.spare)
    results = evaluate(model, options.n, options.only, options.show)
    for label, r in results.items():
        floor = f"  (floor {FLOORS[label]:.0%})" if label in FLOORS else ""
        print(f"{label:32} {r['right'] / r['n']:6.1%}  n={r['n']}{floor}")
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
