"""Tasks without tools: arithmetic, copying, sorting, recall, JSON, questions, stories.

Each generator takes (rng, held_out, size) and returns a Sample; size in 0..1 grows with training.
Held-out samples use names, number pairs and words that training samples never contain.
"""

import zlib
from dataclasses import dataclass, field

from chat import to_json
from stories import article, filler, person, story
from words import (ANIMALS, CAPITALS, CITIES, CODAS, COLOURS, COMMON, EXPLAIN, FACTS, FOODS, GREETINGS, HELD_OUT_NOUNS,
                   JOBS, NAMES, NOUNS, OBJECTS, ONSETS, PLACES, TRAITS, VOWELS, blend, pick)


@dataclass
class Sample:
    task: str
    messages: list
    answer: str
    thought: str = ""
    tools: list = field(default_factory=list)
    calls: list = field(default_factory=list)  # the expected tool calls, when the answer is made of them
    more: list = field(default_factory=list)  # further turns for training: (question, answer, thought)


def ask(task, question, answer, thought, **more):
    return Sample(task, [{"role": "user", "content": question}], answer, thought, **more)


def is_held_out_pair(a, b):
    """One tenth of all pairs of summands is never shown in training."""
    return zlib.crc32(f"{a}+{b}".encode()) % 10 == 0


def syllables(rng, count):
    return "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + (rng.choice(CODAS) if i == count - 1 else "")
                   for i in range(count))


def random_word(rng, held_out=False, nouns=()):
    """A word to copy: known, made up, or a number; in training now and then one of `nouns`."""
    if held_out:
        return rng.choice(HELD_OUT_NOUNS) if rng.random() < 0.5 else syllables(rng, rng.randint(2, 3))
    if nouns and rng.random() < 0.3:
        return rng.choice(nouns)
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(rng.choice((COMMON, NOUNS, OBJECTS, ANIMALS, FOODS, PLACES, TRAITS)))
    if kind < 0.6:
        return blend(rng)
    if kind < 0.88:
        return syllables(rng, rng.randint(1, 3))
    return str(rng.randint(0, 10 ** rng.randint(1, 5)))


# ---------------------------------------------------------------- arithmetic
def summands(rng, held_out, low, high):
    while True:
        a, b = rng.randint(low, high), rng.randint(low, high)
        if is_held_out_pair(a, b) == held_out:
            return a, b


def add_steps(a, b):
    """Column addition, units first."""
    parts, carry, place = [], 0, 0
    while a or b or place == 0:
        x, y = a % 10, b % 10
        total = x + y + carry
        parts.append(f"{x} + {y}" + (f" + {carry}" if carry else "") + f" = {total}")
        carry, a, b, place = total // 10, a // 10, b // 10, place + 1
    return ", ".join(parts)


def addition(rng, held_out, size):
    low, high = (0, 9) if rng.random() < 0.1 and not held_out else (10, 99)
    a, b = summands(rng, held_out, low, high)
    form = rng.choice(["What is {} + {}?", "{} + {} = ?", "Add {} and {}.", "What is {} plus {}?", "Compute {} + {}.",
                       "What is {}+{}?", "{}+{}", "How much is {} + {}?"])
    return ask("add", form.format(a, b), f"{a} + {b} = {a + b}", f"{add_steps(a, b)}. So {a} + {b} = {a + b}.")


def arithmetic(rng, held_out, size):
    """Subtraction, small products, comparisons and one-step word problems."""
    kind = rng.randrange(4)
    if kind == 0:
        a, b = rng.randint(0, 60), rng.randint(0, 30)
        a, b = max(a, b), min(a, b)
        q = rng.choice(["What is {} - {}?", "{} - {} = ?", "Subtract {1} from {0}."]).format(a, b)
        return ask("arith", q, f"{a} - {b} = {a - b}", f"The difference of {a} and {b} is {a - b}.")
    if kind == 1:
        a, b = rng.randint(0, 10), rng.randint(0, 10)
        q = rng.choice(["What is {} * {}?", "What is {} times {}?", "{} * {} = ?"]).format(a, b)
        return ask("arith", q, f"{a} * {b} = {a * b}", f"{a} times {b} is {a * b}.")
    if kind == 2:
        a, b = rng.sample(range(100), 2)
        word = rng.choice(["larger", "smaller"])
        best = max(a, b) if word == "larger" else min(a, b)
        return ask("arith", f"Which number is {word}, {a} or {b}?", f"{best} is {word}.", f"{a} or {b}: {best} is {word}.")
    a, b = summands(rng, held_out, 2, 30)
    n, thing = person(rng, held_out), rng.choice(["apples", "books", "coins", "stones", "eggs", "pears"])
    q = f"{n} has {a} {thing} and gets {b} more. How many {thing} does {n} have now?"
    return ask("arith", q, f"{n} has {a + b} {thing}.", f"{a} + {b} = {a + b}.")


# ---------------------------------------------------------------- copying and sorting
def copying(rng, held_out, size):
    count = rng.randint(2, 6 + int(24 * size))
    kind = rng.random()
    if kind < 0.08:
        text = "".join(chr(rng.choice([rng.randint(0xA1, 0x17F), rng.randint(0x391, 0x3C9), rng.randint(0x410, 0x44F),
                                       rng.randint(0x4E00, 0x4E80), rng.randint(0x1F600, 0x1F64F)]))
                       for _ in range(rng.randint(1, 8)))
    elif kind < 0.2:
        text = "".join(chr(rng.randint(33, 126)) for _ in range(rng.randint(3, 16)))
    else:
        text = rng.choice([" ", " ", ", ", "-"]).join(random_word(rng, held_out) for _ in range(count))
    form = rng.choice(["Repeat: {}", "Repeat exactly: {}", "Say this again: {}", "Copy this text: {}", "Echo: {}"])
    if rng.random() < 0.15:
        return ask("copy", "Repeat this twice: " + text, text + "\n" + text, "I say it twice.")
    return ask("copy", form.format(text), text, "I repeat the text.")


def listing(rng, held_out, size):
    """Sorting and picking from lists."""
    kind = rng.randrange(6)
    count = rng.randint(3, 5 + int(3 * size))
    words = rng.sample(ANIMALS + FOODS + OBJECTS, count)
    listed = ", ".join(words)
    if kind < 2:
        numbers = rng.sample(range(100), count)
        down = rng.random() < 0.25
        answer = ", ".join(map(str, sorted(numbers, reverse=down)))
        order = " from large to small" if down else rng.choice(["", " from small to large"])
        return ask("sort", f"Sort these numbers{order}: " + ", ".join(map(str, numbers)), answer,
                   "I put the numbers in order.")
    if kind == 2:
        answer = ", ".join(sorted(words))
        form = rng.choice(["Sort these words by the alphabet: ", "Sort alphabetically: ", "Sort these words: "])
        return ask("sort", form + listed, answer, "I put the words in order.")
    if kind == 3:
        which, index = rng.choice([("first", 0), ("second", 1), ("third", 2), ("last", -1)])
        return ask("pick", f"What is the {which} word of this list? {listed}", f"The {which} word is {words[index]}.",
                   f"I look for the {which} word.")
    if kind == 4:
        return ask("pick", f"Reverse this list: {listed}", ", ".join(reversed(words)), "I start at the end.")
    return ask("pick", f"How many words are in this list? {listed}", f"The list has {count} words.",
               "I count: " + ", ".join(f"{w} {i + 1}" for i, w in enumerate(words)) + ".")


# ---------------------------------------------------------------- recall
RELATIONS = ["code", "number", "key", "room number", "password", "favourite word", "ticket"]


def recall(rng, held_out, size, tokens=None):
    """Facts of the form "The code of NAME is VALUE." among other text; one is asked for.

    `tokens` is the wanted length of the passage, about; without it the length is drawn from size.
    """
    if tokens is None:
        longest = 150 + size * 3500
        tokens = rng.uniform(40, min(longest, rng.choice([300, 300, 700, 700, 1600, longest])))
    names = set()
    for _ in range(min(int(2 + tokens / 60), rng.randint(2, 24))):
        made_up = syllables(rng, rng.randint(2, 3)).capitalize()
        names.add(made_up if rng.random() < 0.4 else person(rng, held_out))
    names = sorted(names)
    rng.shuffle(names)
    relation = rng.choice(RELATIONS[:2]) if held_out or rng.random() < 0.6 else rng.choice(RELATIONS)
    wordy = relation in ("password", "favourite word")
    value = {n: syllables(rng, rng.randint(2, 3)) if wordy else str(rng.randint(1000, 9999)) for n in names}
    lines = [f"The {relation} of {n} is {value[n]}." for n in names]
    spare = tokens - 13 * len(lines)
    listed = rng.random() < 0.25 and not held_out and tokens < 400
    fillers = [] if listed else [filler(rng) for _ in range(max(0, int(spare / 7.85)))]
    text = lines + fillers
    rng.shuffle(text)
    passage = ("\n" if listed else " ").join(text)
    turns = []
    for target in rng.sample(names, min(len(names), 1 if held_out else rng.randint(4, 20))):
        if rng.random() < 0.12 and not held_out:
            turns.append((f"Who has the {relation} {value[target]}?", f"{target} has the {relation} {value[target]}.",
                          f"I look for {value[target]}."))
        else:
            turns.append((f"What is the {relation} of {target}?", f"The {relation} of {target} is {value[target]}.",
                          f"I look for the {relation} of {target}: {value[target]}."))
    question, answer, thought = turns[0]
    body = rng.choice([passage + "\n\n" + question, passage + "\n" + question, question + "\n\n" + passage,
                       "Read this text.\n\n" + passage + "\n\n" + question]) if not held_out else passage + "\n\n" + question
    return ask("recall", body, answer, thought, more=turns[1:])


def reading(rng, held_out, size):
    """A question about a story that is in the prompt."""
    text, c, facts = story(rng, held_out, name=person(rng, held_out))
    choices = [("Who is the story about?", f"The story is about {c['hero']}."),
               (f"Where did {c['hero']} live?", f"{c['hero']} lived near the {c['home']}.")]
    if "helper" in facts:
        choices.append((f"Who did {c['hero']} meet?", f"{c['hero']} met {facts['helper']}."))
    if "thing" in facts:
        choices.append(("What thing is in the story?", f"The story has {article(facts['thing'])} in it."))
    rng.shuffle(choices)
    turns = [(q, a, "I look in the story.") for q, a in choices]
    return ask("reading", text + "\n\n" + turns[0][0], *turns[0][1:], more=turns[1:])


def memory(rng, held_out, size):
    """Facts told by the user in earlier turns."""
    n = person(rng, held_out)
    told = [("My name is {}.", n, "What is my name?", "Your name is {}."),
            ("I live in {}.", pick(rng, CITIES, held_out, 0.3), "Where do I live?", "You live in {}."),
            ("My favourite colour is {}.", rng.choice(COLOURS), "What is my favourite colour?",
             "Your favourite colour is {}."),
            ("I have a {}.", pick(rng, ANIMALS, held_out, 0.3), "Which animal do I have?", "You have a {}."),
            ("I work as a {}.", pick(rng, JOBS, held_out, 0.3), "What is my job?", "You work as a {}."),
            ("Remember the word {}.", random_word(rng, held_out), "Which word did I tell you?", "The word is {}."),
            ("Remember the number {}.", str(rng.randint(10, 9999)), "Which number did I tell you?",
             "The number is {}.")]
    facts = rng.sample(told, rng.randint(1, 3))
    messages = []
    for statement, value, _, _ in facts:
        messages += [{"role": "user", "content": statement.format(value)},
                     {"role": "assistant", "content": rng.choice(["Good to know.", "I will remember that.", "Okay."])}]
        if rng.random() < 0.3:
            q, a = rng.choice(FACTS)
            messages += [{"role": "user", "content": q}, {"role": "assistant", "content": a}]
    _, value, question, answer = rng.choice(facts)
    if rng.random() < 0.2:
        return Sample("memory", messages[:1], messages[1]["content"], "The user tells me something.")
    messages.append({"role": "user", "content": question})
    return Sample("memory", messages, answer.format(value), f"The user said: {value}.")


# ---------------------------------------------------------------- JSON
def distinct(rng, words, count, held_out):
    """As many different words, as `pick` draws them."""
    found = {}
    while len(found) < count:
        found[pick(rng, words, held_out)] = True
    return list(found)


def json_value(rng, held_out, depth=0):
    kind = rng.random()
    if kind < 0.35:
        return rng.randint(0, 10 ** rng.randint(1, 4))
    if kind < 0.45:
        return rng.choice([True, False])
    if kind < 0.5:
        return round(rng.uniform(0, 100), rng.randint(1, 2))
    if kind < 0.6 and depth == 0:
        return [random_word(rng, held_out) for _ in range(rng.randint(1, 4))]
    if kind < 0.66 and depth == 0:
        return {k: json_value(rng, held_out, 1) for k in distinct(rng, NOUNS, rng.randint(1, 3), held_out)}
    if kind < 0.8:
        return person(rng, held_out)
    return " ".join(random_word(rng, held_out) for _ in range(rng.randint(1, 3)))


def say_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "the list " + " and ".join(value)
    if isinstance(value, dict):
        return "an object with " + " and ".join(f"{k} {say_value(v)}" for k, v in value.items())
    return str(value)


def json_object(rng, held_out, size):
    kind = rng.random() * (1 if held_out else 0.91)  # made-up persons teach little
    words = HELD_OUT_NOUNS if held_out and rng.random() < 0.5 else NOUNS
    keys = distinct(rng, words, rng.randint(1, 3 + int(3 * size)), held_out)
    if kind < 0.45:
        value = {k: json_value(rng, held_out) for k in keys}
        listed = ", ".join(f"{k} {say_value(v)}" if rng.random() < 0.5 else f"{k} = {say_value(v)}"
                           for k, v in value.items())
        form = rng.choice(["Write a JSON object with {}.", "Give me JSON with {}.", "Make a JSON object: {}.",
                           "Return as JSON: {}.", "Answer in JSON: {}."])
        return ask("json", form.format(listed), to_json(value), "I write the JSON object.")
    if kind < 0.6:
        items = [random_word(rng, held_out) for _ in range(rng.randint(1, 6))]
        form = rng.choice(["Write a JSON array of these words: {}.", "Give me a JSON list with {}."])
        return ask("json", form.format(", ".join(items)), to_json(items), "I write the JSON list.")
    invented = kind >= 0.88
    n = rng.choice(NAMES) if invented and not held_out else person(rng, held_out)
    age, city = rng.randint(2, 90), pick(rng, CITIES, held_out or invented)
    job = pick(rng, JOBS, held_out or invented)
    facts = {"name": n, "age": age, "city": city, "job": job}
    chosen = rng.sample(sorted(facts), rng.randint(1, 4))
    value = {k: facts[k] for k in chosen}
    text = f"{n} is {age} years old, lives in {city} and works as {article(job)}."
    if kind < 0.75:
        return ask("json", f"{text} Write this as JSON with the keys {', '.join(chosen)}.", to_json(value),
                   "I take the values from the text.")
    types = {"name": "string", "age": "integer", "city": "string", "job": "string"}
    schema = {"type": "object", "properties": {k: {"type": types[k]} for k in chosen}, "required": chosen}
    if kind < 0.88:
        return ask("json", f"{text}\nAnswer with JSON for this schema: {to_json(schema)}", to_json(value),
                   "I follow the schema.")
    return ask("json", rng.choice(["Write a JSON object that describes a person with the keys {}.",
                                   "Describe a person as JSON. Use the keys {}.",
                                   "Make up a person as JSON with {}."]).format(", ".join(chosen)),
               to_json(value), "I make up the values.")


# ---------------------------------------------------------------- questions, explanations, stories
def question(rng, held_out, size):
    kind = rng.random()
    if kind < 0.35:
        q, a = rng.choice(GREETINGS)
        return ask("qa", q, a, "The user talks to me.")
    if kind < 0.6:
        q, a = rng.choice(FACTS)
        return ask("qa", q, a, "I know this.")
    if kind < 0.75:
        country, city = rng.choice(sorted(CAPITALS.items()))
        if rng.random() < 0.2:
            return ask("qa", f"In which country is {city}?", f"{city} is in {country}.", "I know this.")
        return ask("qa", f"What is the capital of {country}?", f"The capital of {country} is {city}.", "I know this.")
    topic = rng.choice(sorted(EXPLAIN))
    form = rng.choice(["Explain {}.", "What is {}?", "Tell me about {}.", "Explain {} to me.", "Describe {}."])
    return ask("explain", form.format(topic), " ".join(EXPLAIN[topic]), f"I explain {topic}.")


def told_story(rng, held_out, size):
    animal = rng.choice(ANIMALS)
    kind = rng.random()
    if kind < 0.35:
        text = story(rng, held_out, animal=animal)[0]
        q = rng.choice(["Tell me a story about {}.", "Write a short story about {}.", "Tell me about {} in a story."])
        return ask("story", q.format(article(animal)), text, f"I tell a story about {article(animal)}.")
    if kind < 0.55:
        n = person(rng, held_out)
        text = story(rng, held_out, name=n)[0]
        return ask("story", f"Tell me a story about {n}.", text, f"I tell a story about {n}.")
    if kind < 0.75:
        thing = rng.choice(OBJECTS)
        text = story(rng, held_out, thing=thing)[0]
        return ask("story", f"Tell me a story with {article(thing)}.", text, f"I tell a story with {article(thing)}.")
    q = rng.choice(["Tell me a story.", "Write a short story.", "Tell me a short story, please.", "Write a story."])
    return ask("story", q, story(rng, held_out)[0], "I tell a story.")
