"""Documents of random tokens that teach nothing but matching and copying.

Heads that look up an earlier occurrence and copy what followed are what recall, tool calls and JSON
rest on; a diet of such drills early in training makes them appear many times sooner.
"""

SPACE = chr(0x120)


class Drills:
    def __init__(self, tokenizer, specials):
        vocab = tokenizer.get_vocab()
        self.plain = sorted(i for t, i in vocab.items() if t not in specials)
        # a piece and the same piece with a space before it
        self.twin = {vocab[SPACE + t]: i for t, i in vocab.items() if SPACE + t in vocab and t not in specials}
        self.spaced = sorted(self.twin)
        self.letters = sorted(i for t, i in vocab.items() if t.isascii() and t.isalpha())
        self.quote, self.comma = vocab[SPACE + '"'], vocab['",']

    @staticmethod
    def share(progress):
        """Of all documents: many at first, few later."""
        return 0.20 if progress < 0.3 else 0.10 if progress < 1.2 else 0.25

    def draw(self, rng):
        """(ids, which of them are learned)."""
        kind = rng.random()
        if kind < 0.25:
            return self.repeated(rng)
        if kind < 0.75:
            return self.unspaced(rng) if kind < 0.35 else self.quoted(rng)
        return self.pairs(rng)

    def repeated(self, rng):
        """A random sequence several times over; the repetitions are learned.

        Half of them use few different tokens, so that one token alone does not tell where it continues.
        """
        alphabet = rng.sample(self.plain, rng.randint(3, 12)) if rng.random() < 0.5 else self.plain
        text = rng.choices(alphabet, k=rng.randint(6, 40))
        times = rng.randint(2, 4)
        return text * times, [False] * (len(text) + 1) + [True] * (len(text) * (times - 1) - 1)

    def unspaced(self, rng):
        """Words with spaces before them, then the same words without, as when a value goes into JSON."""
        spaced = rng.sample(self.spaced, rng.randint(6, 40))
        bare = [self.twin[i] for i in spaced]
        if rng.random() < 0.3:
            spaced, bare = bare, spaced
        return spaced + bare, [False] * (len(spaced) + 1) + [True] * (len(spaced) - 1)

    def quoted(self, rng):
        """Words in a sentence, then the same in quotes or as one name, in the same or another order."""
        items = []
        for _ in range(rng.randint(4, 14)):
            first = rng.choice(self.spaced)
            items.append((first, rng.choices(self.letters, k=rng.choice([0, 0, 1, 2]))))
        ids = [i for first, rest in items for i in (first, *rest)]
        learned = [False] * len(ids)
        if rng.random() < 0.5:
            rng.shuffle(items)
            chosen = False  # which item comes next is not to be known
        else:
            chosen = True
        for first, rest in items:
            ids += [self.quote, self.twin[first], *rest, self.comma]
            learned += [False, chosen] + [True] * (len(rest) + 1)
        return ids, learned

    def pairs(self, rng):
        """Keys with values of one to four tokens; then the keys in another order, and the values are learned."""
        keys = rng.sample(self.plain, rng.randint(4, 20))
        width = rng.randint(1, 4)
        table = [(k, rng.choices(self.plain, k=width)) for k in keys]
        ids = [i for k, v in table for i in (k, *v)]
        learned = [False] * len(ids)
        for _ in range(rng.randint(1, 2)):
            rng.shuffle(table)
            for k, v in table:
                ids += [k, *v]
                learned += [False] + [True] * width
        return ids, learned
