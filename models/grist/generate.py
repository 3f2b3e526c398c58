"""The mix: draws training documents and held-out prompts, deterministic in their seed.

    python generate.py --show 20            print samples
    python generate.py --tokenizer out.json train the tokenizer on 20,000 samples and the word lists
"""

import argparse
import random
import re
from collections import Counter

import tasks
import tool_tasks
import words
from chat import IM_END, SPECIALS, call_text, completion, next_turn, render
from stories import filler, story

VOCAB_SIZE = 2560
PIECES = 1300
QWEN2_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
                 r"\s+(?!\S)|\s+")

RAW_STORIES = 0.03


def answer_text(sample):
    return "\n".join(call_text(c) for c in sample.calls) if sample.calls else sample.answer


def dialogue(rng, held_out, size):
    """One of the short tasks after a few turns of others."""
    short = [tasks.addition, tasks.arithmetic, tasks.copying, tasks.json_object, tasks.listing, tasks.question,
             tasks.question, tasks.told_story]
    turns = [rng.choice(short)(rng, held_out, 0.2 * size) for _ in range(rng.randint(2, 4))]
    last = turns.pop()
    earlier = [m for t in turns for m in (*t.messages, {"role": "assistant", "content": t.answer})]
    last.messages = earlier + last.messages
    last.task = "dialogue"
    return last


def sums(rng):
    """Lines of sums, of which only the results are learned; never a held-out pair."""
    parts = []
    for _ in range(rng.randint(12, 24)):
        if rng.random() < 0.35:
            numbers = [rng.randint(0, 9), rng.randint(0, 9)] + ([1] if rng.random() < 0.4 else [])
        else:
            numbers = tasks.summands(rng, False, 10, 99)
        parts += [(" + ".join(map(str, numbers)) + " = ", False), (str(sum(numbers)), True), ("\n", False)]
    return parts


# generator: share of the documents at the start and at the end of training
MIX = {
    tasks.copying: (0.20, 0.08), tasks.recall: (0.18, 0.11), tool_tasks.tool_call: (0.12, 0.25),
    tool_tasks.tool_choice: (0.04, 0.07),
    tool_tasks.tool_result: (0.03, 0.04), tool_tasks.no_tool: (0.02, 0.03), tasks.json_object: (0.12, 0.28),
    tasks.addition: (0.08, 0.12), tasks.arithmetic: (0.04, 0.02), tasks.listing: (0.05, 0.02),
    tasks.memory: (0.03, 0.02), tasks.reading: (0.03, 0.02), tasks.question: (0.06, 0.04),
    tasks.told_story: (0.04, 0.02), dialogue: (0.02, 0.02),
}
SUMS = 0.02
# how many further questions of the same kind may follow in the same document
FURTHER = {tasks.copying: 2, tasks.json_object: 5, tasks.addition: 6, tasks.arithmetic: 3, tasks.listing: 2,
           tasks.question: 2}


def with_system(rng, sample):
    if rng.random() < 0.35:
        content = rng.choice(words.SYSTEM_PROMPTS)
        if rng.random() < 0.2:  # whatever else a system prompt may say
            content += " " + " ".join(filler(rng) for _ in range(rng.randint(1, 8)))
        sample.messages.insert(0, {"role": "system", "content": content})
    return sample


def document(seed, progress):
    """One training document: (task, [(text, weight)]). Only the assistant's words are learned.

    A document may go on with further questions on the same text or tools; unlike in the chat template,
    their thoughts stay in the history, so that one long prompt teaches several answers.
    """
    rng = random.Random(seed)
    size = min(1.0, 0.05 + 1.2 * progress)
    if rng.random() < RAW_STORIES:
        return "raw_story", [(story(rng, formal=rng.random() < 0.8)[0] + IM_END, True)]
    shares = [a + (b - a) * min(1.0, progress * 2) for a, b in MIX.values()]
    if rng.random() < SUMS:
        return "sums", sums(rng)
    task = rng.choices(list(MIX), shares)[0]
    sample = with_system(rng, task(rng, False, size))
    for _ in range(rng.randint(0, FURTHER.get(task, 0))):
        other = task(rng, False, size)
        sample.more.append((other.messages[0]["content"], other.answer, other.thought))
    thinking = rng.random() < (0.75 if task is tasks.addition else 0.4)  # digit by digit is what it can learn
    parts = [(render(sample.messages, sample.tools, thinking=thinking), False),
             *weighted(completion(answer_text(sample), sample.thought if thinking else None))]
    for question, answer, thought in sample.more:
        parts.append(("\n" + next_turn(question, thinking), False))
        parts += weighted(completion(answer, thought if thinking else None))
    return sample.task, parts


DECISIONS = re.compile(r'(?<=\{"name": ")[^"]+(?=", "arguments")|(?<=I call) \S+(?=\.\n)|(?<=\d = )\d+(?=[,.<])')


def weighted(text):
    """Splits an answer, so that the words which decide (tool names, results of sums) count four times."""
    parts, end = [], 0
    for found in DECISIONS.finditer(text):
        parts += [(text[end:found.start()], 1.0), (found.group(), 4.0)]
        end = found.end()
    return parts + [(text[end:], 1.0)]


def held_out(task, index, **options):
    """The index-th evaluation sample of a generator; disjoint in names, pairs and words from training."""
    rng = random.Random(f"held-out {task.__name__} {index}")
    return task(rng, True, 1.0, **options)


def train_tokenizer(path):
    """Byte-level BPE in two layers, so that copying is easy to learn.

    First ordinary merges that never cross between letters, digits, signs and spaces; then, ranked after
    all of those, merges of a space with a whole piece. A word is thus cut in the same way with and
    without a space before it, and only its first token differs.
    """
    import json

    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    def byte_level(pattern):
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])

    texts = list(tokenizer_corpus())
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = byte_level(r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|[\r\n]+|\s")
    inner.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=256 + PIECES, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(inner.to_str())["model"]
    vocab, merges = model["vocab"], [tuple(m) for m in model["merges"]]

    space = chr(0x120)
    first = Counter()
    for text in texts:
        tokens = inner.encode(text).tokens
        first.update(b for a, b in zip(tokens, tokens[1:]) if a == space and not b.isdigit())
    first.update({chr(c): 10 ** 6 for c in (*range(65, 91), *range(97, 123))})
    for piece, _ in sorted(first.items(), key=lambda item: (-item[1], item[0])):
        if len(vocab) == VOCAB_SIZE - len(SPECIALS):
            break
        if space + piece not in vocab:
            vocab[space + piece] = len(vocab)
            merges.append((space, piece))

    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = byte_level(QWEN2_PATTERN)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken(s, special=s.startswith("<|"), normalized=False) for s in SPECIALS])
    assert tokenizer.get_vocab_size() == VOCAB_SIZE
    tokenizer.save(path)


def tokenizer_corpus():
    for i in range(20000):
        _, parts = document(f"tokenizer {i}", random.Random(i).random() * 0.3)
        yield from split_specials("".join(text for text, _ in parts))
    for value in vars(words).values():
        if isinstance(value, list) and isinstance(value[0], str):
            for word in value:
                yield " ".join([word] * 60)
    rng = random.Random(1)
    for _ in range(4000):
        yield filler(rng)


def split_specials(text):
    for special in SPECIALS:
        text = text.replace(special, "\0")
    return text.split("\0")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--progress", type=float, default=0.3)
    parser.add_argument("--tokenizer")
    options = parser.parse_args()
    if options.tokenizer:
        train_tokenizer(options.tokenizer)
    count = Counter()
    for i in range(options.show):
        task, parts = document(f"show {i}", options.progress)
        count[task] += 1
        print(f"---------- {task}\n" + "".join(f"[[[{text}]]]" if learned else text for text, learned in parts))
    print(dict(count))


if __name__ == "__main__":
    main()
