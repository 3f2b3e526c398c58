"""Writes tests/golden/tokenizers/: what Hugging Face tokenizers, tiktoken and sentencepiece make of some 2,600 nasty
strings, for one tokenizer per algorithm, normaliser and pre-tokenizer.

Vocabularies are trained here, on the strings themselves and without any pre-tokenizer, so that tokens reach across
every place where a pre-tokenizer might cut: a cut too many or too few changes the ids. A result is kept as a short hash
per string (check() below; the tests compute the same), "----" where the original's tables are of an older Unicode than
14 and the string shows it. Run by hand, and with a family and a string's number to see what was hashed:

    pip install -r tools/golden/requirements.txt
    python tools/golden/text_tokenizers.py [FAMILY NUMBER]
"""

import io
import json
import pathlib
import random
import sys
import tempfile
import unicodedata

import sentencepiece
import tiktoken
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from text_families import FAMILIES, NFC, O200K
from text_strings import HAND_MADE, LONG, all_strings

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "tokenizers"
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
MARK = "\u2581"


def check(values: list[int], size: int) -> str:
    """FNV-1a over 32-bit words, mixed, as `size` digits of six bits."""
    h = 0x811C9DC5
    for v in values:
        h = ((h ^ (v & 0xFFFFFFFF)) * 0x01000193) & 0xFFFFFFFF
    h ^= h >> 16
    h = (h * 0x45D9F3B) & 0xFFFFFFFF
    h ^= h >> 16
    return "".join(DIGITS[h >> (6 * i) & 63] for i in range(size))


def byte_offsets(text: str) -> list[int]:
    places = [0]
    for c in text:
        places.append(places[-1] + len(c.encode()))
    return places


def check_encoding(text: str, ids: list[int], offsets: list[tuple[int, int]], extra: list[int] = []) -> str:
    """Offsets are in characters; hashed in bytes."""
    places = byte_offsets(text)
    flat = [places[p] for pair in offsets for p in pair]
    return check([len(ids), *ids, *flat, *extra], 4)


def encode(tokenizer: Tokenizer, text: str) -> str:
    e = tokenizer.encode(text, add_special_tokens=False)
    return check_encoding(text, e.ids, e.offsets)


# Byte-level BPE


def train_byte_level(strings: list[str], size: int) -> tuple[list[str], list[tuple[str, str]]]:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, max_token_length=10,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    bpe.train_from_iterator(strings * 2, trainer)
    model = json.loads(bpe.to_str())["model"]
    tokens = [t for t, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    return tokens, [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]


def byte_level_tokenizer(tokens: list[str], merges: list, cuts: list, whole_words: bool, normalizer=None) -> Tokenizer:
    vocab = {t: i for i, t in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=whole_words))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        cuts + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    return tokenizer


def byte_level(strings: list[str], tokens: list[str], merges: list, unsafe: set[str]) -> dict:
    families = {}
    for name, (cuts, whole_words) in FAMILIES.items():
        nfc = name in NFC
        tokenizer = byte_level_tokenizer(tokens, merges, cuts, whole_words, normalizers.NFC() if nfc else None)
        cutter = pre_tokenizers.Sequence(cuts)
        pieces, ids = "", ""
        for s in strings:
            cut = [len(s[a:b].encode()) for _, (a, b) in cutter.pre_tokenize_str(s)]
            assert sum(cut) == len(s.encode()), (name, s, cut)
            pieces += check([len(cut), *cut], 2)
            ids += "----" if nfc and unsafe & set(s) else encode(tokenizer, s)
            decoded = tokenizer.decode(tokenizer.encode(s).ids, skip_special_tokens=False)
            assert decoded == (unicodedata.normalize("NFC", s) if nfc else s) or unsafe & set(s), (name, s)
        families[name] = {"pieces": pieces, "ids": ids}
    return {"tokens": tokens, "merges": [" ".join(m) for m in merges], "families": families,
            "tiktoken": tiktoken_ids(strings, tokens)}


def tiktoken_ids(strings: list[str], tokens: list[str]) -> dict:
    """The vocabulary as tiktoken's ranks, and the merges that lead to each token by tokens of lower rank."""
    bytes_of = {c: b for b, c in zip(sorted(BYTE_CHARACTERS), (BYTE_CHARACTERS[b] for b in sorted(BYTE_CHARACTERS)))}
    ranks = {bytes(bytes_of[c] for c in t): i for i, t in enumerate(tokens)}
    encoding = tiktoken.Encoding("trained", pat_str=O200K, mergeable_ranks=ranks, special_tokens={})
    merges = []
    for token, rank in ranks.items():
        parts = [bytes([b]) for b in token]
        while len(parts) > 2:
            best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], 1 << 30))
            assert ranks.get(parts[best] + parts[best + 1], 1 << 30) < rank
            parts[best:best + 2] = [parts[best] + parts[best + 1]]
        if len(parts) == 2:
            merges.append(" ".join("".join(BYTE_CHARACTERS[b] for b in p) for p in parts))
    return {"merges": merges, "ids": "".join(check(encoding.encode_ordinary(s), 4) for s in strings)}


def byte_characters() -> dict[int, str]:
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {b: chr(b) for b in plain}
    for b in range(256):
        if b not in table:
            table[b] = chr(0x100 + len(table) - len(plain))
    return table


BYTE_CHARACTERS = byte_characters()

# Normalisers, in this project's words and in Hugging Face's

NORMALIZERS = {
    "nfd": (["nfd"], normalizers.NFD()),
    "nfc": (["nfc"], normalizers.NFC()),
    "nfkd": (["nfkd"], normalizers.NFKD()),
    "nfkc": (["nfkc"], normalizers.NFKC()),
    "lowercase": (["lowercase"], normalizers.Lowercase()),
    "accents": (["nfd", "strip_accents"], normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])),
    "replace": (["replace\t \t_ab", "replace\te\t\u00e9\u6f22"],
                normalizers.Sequence([normalizers.Replace(" ", "_ab"), normalizers.Replace("e", "\u00e9\u6f22")])),
    "prepend": (["prepend\t" + MARK + "x"], normalizers.Prepend(MARK + "x")),
    "strip": (["strip_left", "strip_right"], normalizers.Strip(left=True, right=True)),
    "bert": (["clean_controls", "space_han", "nfd", "strip_nonspacing", "lowercase"], normalizers.BertNormalizer()),
    "many": (["nfkc", "lowercase", "prepend\t" + MARK, "replace\t \t" + MARK],
             normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Prepend(MARK),
                                   normalizers.Replace(" ", MARK)])),
}


def normaliser_goldens(strings: list[str], tokens: list[str], merges: list, unsafe: set[str]) -> dict:
    out = {}
    for name, (steps, normalizer) in NORMALIZERS.items():
        tokenizer = byte_level_tokenizer(tokens, merges, FAMILIES["gpt-2"][0], False, normalizer)
        out[name] = {"steps": steps,
                     "ids": "".join("----" if unsafe & set(s) else encode(tokenizer, s) for s in strings),
                     "characters": character_checks(normalizer, unsafe)}
    return {"cases": out, "ranges": safe_ranges(unsafe)}


def safe_ranges(unsafe: set[str]) -> list[list[int]]:
    """First and last of each run of characters that are assigned and safe."""
    out: list[list[int]] = []
    for code in range(0x110000):
        c = chr(code)
        if unicodedata.category(c) in ("Cn", "Cs", "Co") or c in unsafe:
            continue
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def character_checks(normalizer, unsafe: set[str]) -> str:
    """What becomes of each of those characters between two letters: a check for each run."""
    out = ""
    for first, last in safe_ranges(unsafe):
        out += check([ord(x) for c in range(first, last + 1) for x in normalizer.normalize_str("a" + chr(c) + "b")], 4)
    return out


def unsafe_characters() -> set[str]:
    """Assigned by Unicode 14, and of other kind or mapping in the older tables that Hugging Face's library has."""
    forms = {"NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD()}
    bert, cutter = normalizers.BertNormalizer(strip_accents=False, lowercase=False), pre_tokenizers.BertPreTokenizer()
    out = set()
    for code in range(0x110000):
        c = chr(code)
        category = unicodedata.category(c)
        if category in ("Cn", "Cs", "Co"):
            continue
        good = all(n.normalize_str(c) == unicodedata.normalize(f, c) for f, n in forms.items())
        # A mark that the old tables take for a starter is not put in order.
        if unicodedata.combining(c):
            good = good and forms["NFD"].normalize_str("a\u0345" + c) == unicodedata.normalize("NFD", "a\u0345" + c)
        good = good and normalizers.Lowercase().normalize_str(c) == c.lower()
        good = good and (normalizers.StripAccents().normalize_str(c) == "") == category.startswith("M")
        stripped = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, lowercase=False,
                                              strip_accents=True).normalize_str(c)
        good = good and (stripped == "") == (category == "Mn")
        good = good and (bert.normalize_str("a" + c + "b") == "ab") == (category in ("Cc", "Cf") and c not in "\t\n\r"
                                                                        or c == "\ufffd")
        if not c.isspace():
            punctuation = category.startswith("P") or (code < 128 and not c.isalnum() and c.isprintable())
            good = good and (len(cutter.pre_tokenize_str("a" + c + "b")) == 3) == punctuation
        if not good:
            out.add(c)
    return out


# Added tokens

ADDED = [
    ("<|im_start|>", dict(special=True, normalized=False)),
    ("<mask>", dict(special=True, normalized=False, lstrip=True)),
    ("<end>", dict(special=True, normalized=False, rstrip=True)),
    ("<both>", dict(special=False, normalized=False, lstrip=True, rstrip=True)),
    ("word", dict(special=False, normalized=False, single_word=True)),
    ("@@", dict(special=False, normalized=False)),
    ("@@x", dict(special=False, normalized=False)),
    ("HeLLo", dict(special=False, normalized=True)),
    ("caf\u00e9", dict(special=False, normalized=True, single_word=True, rstrip=True)),
    ("[\u00c9]", dict(special=False, normalized=True, lstrip=True)),
]


def added_goldens(tokens: list[str], merges: list) -> dict:
    rng = random.Random(3)
    parts = [t for t, _ in ADDED] * 2 + ["hello", "HELLO", "cafe\u0301", "CAF\u00c9", "[e\u0301]", "words", "_word", "word.",
                                         "\u00e9", "x", "1", "\u6f22", "\u0301", "\u00a0", "\u3000", "\r\n", "\t", "<", "@"]
    strings = ["".join(rng.choice(parts) + rng.choice(["", " ", "  "]) for _ in range(rng.randrange(1, 8)))
               for _ in range(600)]
    out = {"strings": strings, "tokens": [[t, o.get("special", False), [o.get("lstrip", False), o.get("rstrip", False),
                                                                         o.get("single_word", False), o["normalized"]]]
                                          for t, o in ADDED], "cases": []}
    for steps in ([], ["nfc", "lowercase"]):
        normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]) if steps else None
        tokenizer = byte_level_tokenizer(tokens, merges, FAMILIES["gpt-4o"][0], False, normalizer)
        for text, options in ADDED:
            add = tokenizer.add_special_tokens if options["special"] else tokenizer.add_tokens
            add([AddedToken(text, **options)])
        out["cases"].append({"steps": steps, "places": [tokenizer.token_to_id(t) for t, _ in ADDED],
                             "ids": "".join(encode(tokenizer, s) for s in strings)})
    return out


# SentencePiece and its relatives

RULES = ["e\u0301=\u00e9", "\ufb01=fi", "\ufb03=ffi", "\u2126=\u03a9", "\uff21=A", "\uff22=B", "\u3000= ", "\t= ", "\u00a0= ",
         "\u2003= ", "\u200b=", "\u00ad=", "\ufeff=", "\u2460=1", "\u00bd=1\u20442", "\uff76\uff9e=\u30ac", "\u304b\u3099=\u304c",
         "\u1100\u1161=\uac00", "\u1100\u1161\u11a8=\uac01", "A=a", "B=b", "\u00c9=\u00e9", "\u2026=...", "\u00b2=2", "\r\n=\n"]

SENTENCEPIECE = {
    "llama": dict(model_type="bpe", byte_fallback=True),
    "gemma": dict(model_type="bpe", add_dummy_prefix=False, byte_fallback=True,
                  user_defined_symbols=["<sep>", "@@", "</div>"]),
    "plain": dict(model_type="bpe", remove_extra_whitespaces=True, user_defined_symbols=["<sep>", "@@"]),
    "rules": dict(model_type="bpe", remove_extra_whitespaces=True, byte_fallback=True, rules=True),
    "unigram": dict(model_type="unigram"),
    "unigram-bytes": dict(model_type="unigram", byte_fallback=True, add_dummy_prefix=False),
    "t5": dict(model_type="unigram", remove_extra_whitespaces=True, rules=True, user_defined_symbols=["<sep>", "@@"]),
}


def train_sentencepiece(known: list[str], options: dict) -> bytes:
    options = dict(options)
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        if options.pop("rules", False):
            for r in RULES:
                a, b = r.split("=")
                rules.write(" ".join("%X" % ord(c) for c in a) + "\t" + " ".join("%X" % ord(c) for c in b) + "\n")
            rules.flush()
            options["normalization_rule_tsv"] = rules.name
        else:
            options["normalization_rule_name"] = "identity"
        options.setdefault("remove_extra_whitespaces", False)
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(known * 3), model_writer=model, vocab_size=900, hard_vocab_limit=False,
            character_coverage=0.98, split_digits=False, minloglevel=2, num_threads=1, **options)
        return model.getvalue()


def charsmap_of(model: bytes) -> bytes:
    """normalizer_spec.precompiled_charsmap, field 2 of field 3 of the ModelProto."""

    def fields(data):
        at = 0

        def varint():
            nonlocal at
            v = shift = 0
            while True:
                b = data[at]
                at += 1
                v |= (b & 127) << shift
                shift += 7
                if b < 128:
                    return v
        while at < len(data):
            tag = varint()
            if tag & 7 == 0:
                yield tag >> 3, varint()
            else:
                n = {2: varint, 1: lambda: 8, 5: lambda: 4}[tag & 7]()
                yield tag >> 3, data[at:at + n]
                at += n

    for number, value in fields(model):
        if number == 3:
            for inner, bytes_ in fields(value):
                if inner == 2:
                    return bytes_
    return b""


def sentencepiece_check(sp, text: str) -> str:
    found = sp.encode(text, return_type="offset_mapping", return_bytes=True)
    offsets = [list(pair) for pair in found["offsets"]]
    # The bytes of a character: here each stands for all of it, there the last one only.
    for i in range(len(offsets) - 2, -1, -1):
        if sp.is_byte(found["ids"][i]) and offsets[i][0] == offsets[i][1]:
            offsets[i][1] = offsets[i + 1][1]
    return check([len(found["ids"]), *found["ids"], *(p for pair in offsets for p in pair)], 4)


def unigram_ids(sp, strings: list[str], bytes_: bool) -> list[list[int]]:
    """The same model in Hugging Face's library, which adds scores up in double; sentencepiece does it in float."""
    vocab = [(sp.id_to_piece(i), sp.get_score(i)) for i in range(sp.vocab_size())]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=0, byte_fallback=bytes_))
    return [tokenizer.encode(sp.normalize(s)).ids for s in strings]


def sentence_piece(strings: list[str]) -> dict:
    # Half of the written ones: the others hold characters that the vocabulary lacks.
    known = [s for s in HAND_MADE[::2] + [s for s in strings[-600:] if all(ord(c) < 0x600 for c in s)] if s and "\0" not in s and MARK not in s]
    out = {}
    for name, options in SENTENCEPIECE.items():
        model = train_sentencepiece(known, options)
        sp = sentencepiece.SentencePieceProcessor(model_proto=model)
        user = options.get("user_defined_symbols", [])
        kinds = [2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 5 if sp.is_unused(i)
                 else 4 if sp.id_to_piece(i) in user else 1 for i in range(sp.vocab_size())]
        # A zero byte ends a string in the library's rules.
        skipped = ["\0" in s and bool(options.get("rules")) for s in strings]
        if options["model_type"] == "unigram":
            double = unigram_ids(sp, strings, options.get("byte_fallback", False))
            # Where the two libraries differ, by what rounding does to equal sums, the tests follow the one in double.
            ties = [d != sp.encode(s) and not any(u in s for u in user) for s, d in zip(strings, double)]
            print(name, sum(ties), "ties")
            assert sum(ties) < 40
            skipped = [a or b for a, b in zip(skipped, ties)]
            # That library also makes control and byte tokens of text that spells them.
            spelled = ["<s>", "</s>", "<unk>", "<0x"]
            extra = {} if user else {"double": "".join(
                "----" if any(t in s for t in spelled) else check(d, 4) for s, d in zip(strings, double))}
        else:
            extra = {}
        out[name] = extra | {
            "model": "llama" if options["model_type"] == "bpe" else "t5",
            "tokens": [sp.id_to_piece(i) for i in range(sp.vocab_size())],
            "scores": [sp.get_score(i) for i in range(sp.vocab_size())],
            "types": kinds,
            "add_space_prefix": options.get("add_dummy_prefix", True),
            "remove_extra_whitespaces": options.get("remove_extra_whitespaces", False),
            "charsmap": list(charsmap_of(model)),
            "ids": "".join("----" if skip else sentencepiece_check(sp, s) for s, skip in zip(strings, skipped)),
            "same": "".join("1" if sp.decode(sp.encode(s)) == s else "0" for s in strings),
        }
    return out


def merged_sentence_piece(strings: list[str]) -> dict:
    """SentencePiece's way of writing text with a list of merges, as Hugging Face has Gemma's and Llama 2's."""
    trained = Tokenizer(models.BPE())
    spaces = normalizers.Replace(" ", MARK)
    trained.normalizer = spaces
    trained.train_from_iterator(strings[::3], trainers.BpeTrainer(
        vocab_size=900, show_progress=False, max_token_length=8, limit_alphabet=300, special_tokens=["<unk>"]))
    model = json.loads(trained.to_str())["model"]
    tokens = [t for t, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    types = [2] + [1] * (len(tokens) - 1) + [6] * 256
    tokens += ["<0x%02X>" % b for b in range(256)]
    merges = [tuple(m) for m in model["merges"]]
    out = {"tokens": tokens, "types": types, "merges": [" ".join(m) for m in merges]}
    for name, normalizer in (("gemma4", spaces), ("prefix", normalizers.Sequence([normalizers.Prepend(MARK), spaces]))):
        tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges, unk_token="<unk>",
                                         fuse_unk=True, byte_fallback=True))
        tokenizer.normalizer = normalizer
        if name == "gemma4":
            out[name] = "".join(encode(tokenizer, s) for s in strings)
        else:  # the place of the space in front is another one here: SentencePiece's
            out[name] = "".join(check(tokenizer.encode(s).ids, 4) for s in strings)
    return out


# WordPiece

WORDPIECE = {
    "uncased": dict(),
    "cased": dict(lowercase=False),
    "accents": dict(lowercase=True, strip_accents=False),
    "stripped": dict(lowercase=False, strip_accents=True),
}


def word_piece(strings: list[str], unsafe: set[str]) -> dict:
    out = {}
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    for name, options in WORDPIECE.items():
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(**options)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        tokenizer.train_from_iterator(strings[::2], trainers.WordPieceTrainer(
            vocab_size=1500, show_progress=False, limit_alphabet=600, special_tokens=special))
        vocab = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
        checks = ""
        for s in strings:
            e = tokenizer.encode(s, add_special_tokens=False)
            decoded = tokenizer.decode(e.ids, skip_special_tokens=True)
            checks += "----" if unsafe & set(s) else check_encoding(s, e.ids, e.offsets, [ord(c) for c in decoded])
        out[name] = {
            "tokens": [t if t in special else t[2:] if t.startswith("##") else MARK + t for t, _ in vocab],
            "lowercase": options.get("lowercase", True),
            "strip_accents": options.get("strip_accents", options.get("lowercase", True)),
            "ids": checks,
        }
    return out


def write(name: str, value: dict) -> None:
    path = OUT / name
    path.write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=True) + "\n")
    print(path.name, path.stat().st_size, "bytes")


def show(family: str, text: str, tokens: list[str], merges: list) -> None:
    cuts, whole_words = FAMILIES[family]
    e = byte_level_tokenizer(tokens, merges, cuts, whole_words, normalizers.NFC() if family in NFC else None).encode(text)
    print(repr(text), pre_tokenizers.Sequence(cuts).pre_tokenize_str(text), e.ids, e.offsets, sep="\n")


def main() -> None:
    assert unicodedata.unidata_version.split(".")[0] == "14", unicodedata.unidata_version
    OUT.mkdir(parents=True, exist_ok=True)
    strings = all_strings()
    tokens, merges = train_byte_level(strings[:800], 1100)
    if len(sys.argv) == 3:
        return show(sys.argv[1], strings[int(sys.argv[2])], tokens, merges)
    unsafe = unsafe_characters()
    write("strings.json", {"strings": strings})
    write("byte_level.json", byte_level(strings, tokens, merges, unsafe))
    write("normalizers.json", normaliser_goldens(strings, tokens, merges, unsafe))
    write("added.json", added_goldens(tokens, merges))
    write("sentencepiece.json", sentence_piece(strings))
    write("merged.json", merged_sentence_piece(strings))
    write("wordpiece.json", word_piece(strings, unsafe))


if __name__ == "__main__":
    main()
