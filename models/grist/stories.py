"""Short stories from plots with slots, and loose sentences for filling long contexts.

A story is returned with the facts it holds, so that questions can be asked about it.
"""

from words import (ANIMALS, COLOURS, DAYS, FOODS, HELD_OUT_NAMES, JOBS, NAMES, OBJECTS, PLACES, TRAITS, WEATHER, pick)


def article(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def person(rng, held_out=False):
    return pick(rng, HELD_OUT_NAMES if held_out else NAMES, held_out)


def cast(rng, held_out=False, animal=None, name=None, thing=None):
    names = HELD_OUT_NAMES if held_out else NAMES  # no blended ones: whoever tells a story makes them up
    hero = name or rng.choice(names)
    friend = rng.choice([n for n in names if n != hero])
    places = rng.sample(PLACES, 3)
    foods = rng.sample(FOODS, 2)
    return {
        "hero": hero, "friend": friend, "kind": animal or rng.choice(ANIMALS), "other": rng.choice(ANIMALS),
        "trait": rng.choice(TRAITS), "trait2": rng.choice(TRAITS), "home": places[0], "place": places[1],
        "far": places[2], "thing": thing or rng.choice(OBJECTS), "colour": rng.choice(COLOURS), "food": foods[0],
        "food2": foods[1], "job": rng.choice(JOBS), "weather": rng.choice(WEATHER), "day": rng.choice(DAYS),
    }


def opening(rng, c, formal):
    """First sentences; the hero is an animal or a person with a job."""
    who = (f"{article(c['trait'])} {c['kind']}" if c["animal_hero"] else f"{article(c['trait'])} {c['job']}") \
        + f" named {c['hero']}"
    if formal:
        return f"Once upon a time, there was {who}. {c['hero']} lived near the {c['home']}."
    return rng.choice([f"There once was {who}. {c['hero']} lived near the {c['home']}.",
                       f"In a house by the {c['home']} lived {who}."])


def lost_and_found(rng, c):
    h, f, t = c["hero"], c["friend"], f"{c['colour']} {c['thing']}"
    return [
        rng.choice([f"One {c['weather']} morning, {h} lost {article(t)}.", f"On {c['day']}, {h} could not find the {t}."]),
        rng.choice([f"{h} looked in the {c['place']}, but it was not there.", f"{h} looked everywhere and felt sad."]),
        f"Then {f} came by and asked, \"Why are you sad, {h}?\"",
        f"\"I have lost my {t},\" said {h}.",
        rng.choice([f"\"I will help you,\" said {f}.", f"\"Let us look for it together,\" said {f}."]),
        f"They walked to the {c['far']} and looked under every stone.",
        rng.choice([f"At last they found the {t}.", f"There, next to an old tree, was the {t}."]),
        rng.choice([f"{h} was very happy and thanked {f}.", f"{h} laughed and gave {f} some {c['food']}."]),
    ], {"thing": t, "place": c["far"], "helper": f}


def storm(rng, c):
    h, f = c["hero"], c["friend"]
    return [
        f"One day a big storm came to the {c['home']}.",
        rng.choice(["The wind was strong and the rain fell all night.", "The sky was dark and the wind was loud."]),
        f"{f}, {article(c['other'])}, knocked at the door. \"May I come in?\" asked {f}.",
        rng.choice([f"\"Of course,\" said {h}. \"Come in and sit by the fire.\"",
                    f"{h} opened the door at once. \"You are welcome here,\" said {h}."]),
        f"They ate {c['food']} and {c['food2']} and told each other stories.",
        "In the morning the sun was shining again.",
        rng.choice([f"From that day on, {h} and {f} were good friends.", f"{f} thanked {h} and went home."]),
    ], {"helper": f, "food": c["food"]}


def market(rng, c):
    h, f, t = c["hero"], c["friend"], f"{c['colour']} {c['thing']}"
    return [
        f"On {c['day']}, {h} went to the market to buy {c['food']}.",
        f"On the way, {h} met {f}, who was very hungry.",
        rng.choice([f"{h} had only a little {c['food2']}, but shared it with {f}.",
                    f"\"Take half of my {c['food2']},\" said {h}."]),
        rng.choice([f"{f} smiled and gave {h} {article(t)}.", f"\"You are kind,\" said {f}. \"Here is {article(t)} for you.\""]),
        f"{h} carried the {t} home to the {c['home']}.",
        rng.choice(["It was the best day of the year.", f"That evening, {h} was very happy.",
                    f"And {h} never forgot {f}."]),
    ], {"thing": t, "helper": f, "place": "market"}


def journey(rng, c):
    h, f, t = c["hero"], c["friend"], f"{c['colour']} {c['thing']}"
    return [
        rng.choice([f"{h} wanted to see the {c['far']}.", f"{h} had never seen the {c['far']}."]),
        f"So one {c['weather']} day, {h} packed some {c['food']} and {article(t)} and began to walk.",
        f"The way went through the {c['place']}, and it was long.",
        f"In the {c['place']}, {h} met {article(c['other'])} named {f}.",
        rng.choice([f"\"The way is not safe,\" said {f}. \"I will go with you.\"",
                    f"\"I know the way,\" said {f}. \"Follow me.\""]),
        f"Together they came to the {c['far']}, and it was beautiful.",
        rng.choice([f"They ate the {c['food']} and looked at the stars.", "They stayed there until the evening."]),
        rng.choice([f"Then {h} went home and told everyone about it.", f"{h} was tired but happy."]),
    ], {"place": c["far"], "thing": t, "helper": f, "food": c["food"]}


def making(rng, c):
    h, f, t = c["hero"], c["friend"], f"{c['colour']} {c['thing']}"
    return [
        f"{h} wanted to make {article(t)} for {f}.",
        rng.choice(["It was hard work, and the first one broke.", "The first try did not go well."]),
        rng.choice([f"But {h} did not give up.", f"\"I will try again,\" said {h}."]),
        f"{h} worked in the {c['place']} every day until {c['day']}.",
        f"At last the {t} was ready.",
        rng.choice([f"When {f} saw it, {f} was full of joy.", f"{f} said, \"This is the best gift of all.\""]),
        f"Then they ate {c['food']} together.",
    ], {"thing": t, "helper": f, "place": c["place"], "food": c["food"]}


def secret(rng, c):
    h, f, t = c["hero"], c["friend"], f"{c['colour']} {c['thing']}"
    return [
        f"One night, {h} heard a sound in the {c['place']}.",
        rng.choice([f"{h} took a lamp and went out to look.", f"{h} was afraid, but went to look."]),
        f"Behind the wall sat {f}, {article(c['trait2'])} {c['other']}, with {article(t)}.",
        f"\"Please do not tell anyone,\" said {f}. \"I want to hide the {t} here.\"",
        rng.choice([f"{h} promised to keep the secret.", f"\"Your secret is safe with me,\" said {h}."]),
        f"Years later, {f} came back and shared the {t} with {h}.",
        rng.choice(["And they lived happily for a long time.", "A good friend keeps a promise."]),
    ], {"thing": t, "helper": f, "place": c["place"]}


PLOTS = [lost_and_found, storm, market, journey, making, secret]


def story(rng, held_out=False, formal=None, animal=None, name=None, thing=None):
    """Returns (text, cast, facts)."""
    c = cast(rng, held_out, animal, name, thing)
    c["animal_hero"] = animal is not None or rng.random() < 0.6
    plots = [p for p in PLOTS if thing is None or p is not storm]
    body, facts = rng.choice(plots)(rng, c)
    first = opening(rng, c, rng.random() < 0.6 if formal is None else formal)
    return first + " " + " ".join(body), c, facts


def filler(rng, held_out=False):
    """One everyday sentence that holds no code, number or key."""
    n, m = person(rng, held_out), person(rng, held_out)
    return rng.choice([
        lambda: f"{n} walked to the {rng.choice(PLACES)} on {rng.choice(DAYS)}.",
        lambda: f"The {rng.choice(PLACES)} was {rng.choice(TRAITS)} and the day was {rng.choice(WEATHER)}.",
        lambda: f"{n} saw {article(rng.choice(ANIMALS))} near the {rng.choice(PLACES)}.",
        lambda: f"{n} and {m} ate {rng.choice(FOODS)} and {rng.choice(FOODS)}.",
        lambda: f"The {rng.choice(JOBS)} bought {article(rng.choice(COLOURS))} {rng.choice(OBJECTS)}.",
        lambda: f"It was {rng.choice(WEATHER)} on {rng.choice(DAYS)}.",
        lambda: f"\"Where is the {rng.choice(OBJECTS)}?\" asked {n}.",
        lambda: f"The {rng.choice(ANIMALS)} slept under the {rng.choice(OBJECTS)}.",
        lambda: f"{n} gave {m} {article(rng.choice(COLOURS))} {rng.choice(OBJECTS)}.",
        lambda: f"Every {rng.choice(DAYS)} the {rng.choice(JOBS)} goes to the {rng.choice(PLACES)}.",
    ])()
