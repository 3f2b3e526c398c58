"""Writes tests/golden/grammar/pairs.json: schemas and instances with the verdict of the Python package jsonschema.

The schemas are random combinations of the keywords that grammars know, nested and with references; the instances are
random values, chosen so that each schema has some of both kinds. A few hand-made ones test formats. Run by hand:

    pip install -r tools/golden/requirements.txt
    python tools/golden/grammar.py
"""

import json
import pathlib
import random

from jsonschema import Draft202012Validator

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "grammar"
KEYS = ["a", "b", "ab", 'a"b', "é", "x1"]
STRINGS = ["", "a", "ab", "abc", "b", "é", 'a"b', "a\nb", "x1", "\U0001f600\U0001f600", "12"]
NUMBERS = [0, 1, 2, 3, -1, -2, 10, 12, 1.5, 0.5, -0.5, 2.0, 2.25, 100]
PATTERNS = ["^a", "b$", "^[a-c]*$", "a|x", "^.{2}$", "\\d", "^$", "é"]

rng = random.Random(20)


def value(depth):
    kind = rng.randrange(4 if depth <= 0 else 7)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice(NUMBERS)
    if kind <= 3:
        return rng.choice(STRINGS)
    if kind == 4:
        return [value(depth - 1) for _ in range(rng.randrange(5))]
    return {k: value(depth - 1) for k in rng.sample(KEYS, rng.randrange(5))}


def some(probability):
    return rng.random() < probability


def schema(depth):
    if depth <= 0:
        return rng.choice(
            [
                True,
                {},
                {"type": "integer"},
                {"type": "string"},
                {"const": rng.choice(STRINGS)},
                {"type": "null"},
                {"enum": [value(0) for _ in range(3)]},
                {"minimum": rng.choice(NUMBERS)},
                {"maxLength": 1},
                False,
            ]
        )
    s = {}
    if some(0.4):
        kinds = ["null", "boolean", "integer", "number", "string", "array", "object"]
        s["type"] = rng.choice(kinds) if some(0.5) else sorted(rng.sample(kinds, rng.randrange(1, 5)))
    for group in rng.sample([numbers, strings, arrays, objects, combined, values], rng.randrange(1, 3)):
        group(s, depth)
    return s


def numbers(s, depth):
    if some(0.5):
        s[rng.choice(["minimum", "exclusiveMinimum"])] = rng.choice(NUMBERS)
    if some(0.5):
        s[rng.choice(["maximum", "exclusiveMaximum"])] = rng.choice(NUMBERS)
    if some(0.3):
        s["multipleOf"] = rng.choice([1, 2, 3, 0.5, 0.25])


def strings(s, depth):
    if some(0.4):
        s["minLength"] = rng.randrange(3)
    if some(0.4):
        s["maxLength"] = rng.randrange(1, 4)
    if some(0.4):
        s["pattern"] = rng.choice(PATTERNS)


def arrays(s, depth):
    if some(0.4):
        s["prefixItems"] = [schema(depth - 1) for _ in range(rng.randrange(1, 3))]
    if some(0.5):
        s["items"] = schema(depth - 1)
    if some(0.3):
        s["minItems"] = rng.randrange(3)
    if some(0.3):
        s["maxItems"] = rng.randrange(4)
    if some(0.3):
        s["contains"] = schema(depth - 1)
        if some(0.4):
            s["minContains"] = rng.randrange(3)
        if some(0.4):
            s["maxContains"] = rng.randrange(3)


def objects(s, depth):
    if some(0.7):
        s["properties"] = {k: schema(depth - 1) for k in rng.sample(KEYS, rng.randrange(1, 4))}
    if some(0.3):
        s["patternProperties"] = {rng.choice(PATTERNS): schema(depth - 1)}
    if some(0.4):
        s["additionalProperties"] = rng.choice([False, schema(depth - 1)])
    if some(0.4):
        s["required"] = rng.sample(KEYS, rng.randrange(3))
    if some(0.2):
        s["minProperties"] = rng.randrange(3)
    if some(0.2):
        s["maxProperties"] = rng.randrange(4)
    if some(0.2):
        s["propertyNames"] = rng.choice([{"pattern": rng.choice(PATTERNS)}, {"maxLength": 2}, {"enum": KEYS[:3]}])
    if some(0.2):
        s["dependentRequired"] = {rng.choice(KEYS): [rng.choice(KEYS)]}
    if some(0.15):
        s["dependentSchemas"] = {rng.choice(KEYS): schema(depth - 1)}


def combined(s, depth):
    kind = rng.randrange(6)
    if kind < 3:
        s[["allOf", "anyOf", "oneOf"][kind]] = [schema(depth - 1) for _ in range(rng.randrange(1, 4))]
    elif kind == 3:
        s["not"] = schema(depth - 1)
    elif kind == 4:
        s["if"] = schema(depth - 1)
        if some(0.7):
            s["then"] = schema(depth - 1)
        if some(0.7):
            s["else"] = schema(depth - 1)
    else:
        s["anyOf"] = [
            {"type": ["array", "object"], "items": {"$ref": "#"}, "additionalProperties": {"$ref": "#"}},
            schema(depth - 1),
        ]


def values(s, depth):
    if some(0.3):
        s["const"] = value(2)
    else:
        s["enum"] = [value(rng.randrange(3)) for _ in range(rng.randrange(1, 5))]


FORMATS = {
    "date": [
        "2024-02-29",
        "2023-02-29",
        "1900-02-29",
        "2000-02-29",
        "2024-13-01",
        "2024-04-31",
        "24-01-01",
        "2024-1-1",
    ],
    "time": ["12:00:00Z", "23:59:59.123+01:30", "24:00:00Z", "12:00:00", "12:60:00Z"],
    "date-time": [
        "2024-02-29T12:00:00Z",
        "2024-02-30T12:00:00Z",
        "2024-02-29 12:00:00Z",
        "2024-02-29T12:00:00.5-08:00",
    ],
    "ipv4": ["127.0.0.1", "256.1.1.1", "1.1.1", "0.0.0.0", "1.1.1.1.1", "255.255.255.255"],
    "ipv6": [
        "::",
        "::1",
        "1::",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "::ffff:1.2.3.4",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1::8",
        "fe80::a%eth0",
    ],
    "uuid": [
        "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
        "2eb8aa08aa9811eab4aa73b441d16380",
        "2EB8AA08-AA98-11EA-B4AA-73B441D16380",
        "",
    ],
    "email": ["joe@example.org", "joe", "@"],
}


def main():
    out = []
    while len(out) < 420:
        s = schema(rng.choice([1, 2, 2, 3]))
        if not isinstance(s, dict) or len(json.dumps(s)) > 700:
            continue
        check = Draft202012Validator(s)
        good, bad = {}, {}
        for _ in range(300):
            v = value(3)
            text = json.dumps(v, ensure_ascii=False)
            (good if check.is_valid(v) else bad)[text] = v
        chosen = [(v, True) for v in list(good.values())[:5]] + [(v, False) for v in list(bad.values())[:5]]
        if good or some(0.05):
            out.append(
                {"schema": s, "valid": [v for v, ok in chosen if ok], "invalid": [v for v, ok in chosen if not ok]}
            )
    for name, texts in FORMATS.items():
        check = Draft202012Validator(
            {"format": name, "type": "string"}, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        texts = [t for t in texts if t != "@" or name != "email"]
        out.append(
            {
                "schema": {"format": name, "type": "string"},
                "valid": [t for t in texts if check.is_valid(t)],
                "invalid": [t for t in texts if not check.is_valid(t)],
            }
        )
    OUT.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in out)
    (OUT / "pairs.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
