"""Writes tests/golden/tokenizers/: what Hugging Face tokenizers and sentencepiece make of a few hundred nasty strings.

Vocabularies are trained here, on the strings themselves and without any pre-tokenizer, so that tokens reach across
every place where a pre-tokenizer might cut: a cut too many or too few changes the ids. Run by hand:

    pip install -r tools/golden/requirements.txt
    python tools/golden/text_tokenizers.py
"""

import io
import json
import pathlib
import random
import sys
import unicodedata

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "tokenizers"

CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TAIL_SLASH = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + TAIL
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + TAIL
QWEN35 = (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
          r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"


def cased(contraction: str, digits: str, tail: str) -> str:
    start = r"[^\r\n\p{L}\p{N}]?"
    return f"{start}{UPPER}*{LOWER}+{contraction}|{start}{UPPER}+{LOWER}*{contraction}|{digits}|{tail}"


NOT_HAN_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
NOT_HAN_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
KIMI = "|".join([
    r"[\p{Han}]+",
    r"[^\r\n\p{L}\p{N}]?" + NOT_HAN_UPPER + "*" + NOT_HAN_LOWER + "+" + CONTRACTIONS + "?",
    r"[^\r\n\p{L}\p{N}]?" + NOT_HAN_UPPER + "+" + NOT_HAN_LOWER + "*" + CONTRACTIONS + "?",
    r"\p{N}{1,3}",
    TAIL,
])
DEEPSEEK_CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
DEEPSEEK_V3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
               r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK_MARKS = "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+"
BLOOM = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"
BAILING = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"
           r"|\s*[\r\n]|\s+(?!\S)|\s+")
SEED = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"
JAIS2 = (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
         + "".join(r"|\s{%d}(?!\S)" % n for n in (512, 256, 128, 64, 32, 16, 8, 4)) + r"|\s{1,2}(?!\S)|\s{1}")
YOUTU_SCRIPTS = ("[\uac00-\ud7a3\u3131-\u318e]+"
                 "|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+"
                 "|[\u3105-\u312f]+|[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+")

CASED_RANGES = """B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 37B-37D 37F 386 388-38A 38C 38E-3A1
3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A
1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4
1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128
212A-212D 212F-2134 2139 213C-213F 2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D
A680-A69B A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3
104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943""".split()


def deepseek_letters() -> str:
    parts = ["-".join(chr(int(c, 16)) for c in r.split("-")) for r in CASED_RANGES]
    return r"\s?[A-Za-z" + "".join(parts) + "]+"


def split(*patterns: str) -> list:
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]


# name in GGUF -> (Hugging Face pre-tokenizers, whole words first)
FAMILIES = {
    "gpt-2": (split(GPT2), False),
    "llama-bpe": (split(LLAMA3), True),
    "glm4": (split(LLAMA3), False),
    "qwen2": (split(QWEN2), False),
    "qwen35": (split(QWEN35), False),
    "deepseek-llm": (split("[\r\n]", deepseek_letters(), DEEPSEEK_MARKS, r"\s+$", DEEPSEEK_CJK, r"\p{N}+"), False),
    "deepseek-coder": (split("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_CJK, r"\p{N}"), False),
    "deepseek-v3": (split(r"\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", DEEPSEEK_V3), False),
    "youtu": (split(YOUTU_SCRIPTS, cased(CONTRACTIONS + "?", r"\p{N}", TAIL_SLASH)), True),
    # Falcon's Digits step runs after the byte mapping, where it sees ASCII digits; hence [0-9]+ here.
    # Its Punctuation step knows only the punctuation of an old Unicode; the pattern is its meaning.
    "falcon": (split(r"[\p{P}$+<=>^~|`]+", GPT2, "[0-9]+", "[0-9][0-9][0-9]"), False),
    "starcoder": ([pre_tokenizers.Digits(individual_digits=True)] + split(GPT2), False),
    "tekken": (split(cased("", r"\p{N}", TAIL_SLASH)), True),
    "gpt-4o": (split(cased(CONTRACTIONS + "?", r"\p{N}{1,3}", TAIL_SLASH)), False),
    "kimi-k2": (split(KIMI), False),
    "bloom": (split(BLOOM), False),
    "viking": (split(BLOOM, r"\p{N}"), False),
    "bailingmoe": (split(BAILING), False),
    "seed-coder": (split(SEED), False),
    "jais-2": (split(JAIS2), False),
}

HAND_MADE = [
    "", " ", "  ", "   ", "\t", "\n", "\r\n", "\r\n\r\n", "\n\n\n", " \n", "\n ", "\t\n", " \t \n \t ", "\x0b\x0c",
    "a", " a", "a ", "  a", "a  b", "a   b", "a\nb", "a \n b", "a\r\nb", "\u00a0a", "a\u00a0\u00a0b", "\u2003\u2003x",
    "\u3000全角\u3000空白", "\u180e x \u180e", "\u200b zero\u200bwidth", "\ufeffbom", "x\u2028y\u2029z", "\x85next",
    "I'm you're he's we'll they'd I've don't", "I'M YOU'RE HE'S WE'LL THEY'D I'VE DON'T", "I'm'S'tHe'LLo", "'s", "'S 'Ll",
    "it\u2019s we\u2019re", "fi\u017f\u017f 'ſ 'ſx", "O'Neill's rock'n'roll", "'" * 5 + "s", "camelCaseHTTPServer XMLHttpRequest2",
    "ALLCAPS Title lower mIxEd", "ÀÉÎõü ŁódŹ İstanbul ıspanak", "ǅ ǈ ǋ ǲ titlecase", "ʰʷʲ modifier ʼ letters", "ªº",
    "1", "12", "123", "1234", "12345", "1234567890", " 1", "  12", "a1b22c333d4444", "3.14159", "1,234,567.89", "1e-10",
    "0x1F 0b1010 0o17", "½ ⅓ ¼", "²³¹ x²+y³", "①②③ ⅷ Ⅻ", "٠١٢٣٤ ۰۱۲۳", "०१२३ ১২৩", "௧௨௩", "１２３４５", "〇一二三",
    "Hello, world!", "Hello World", " Hello", "foo(bar, baz);", "if (a == b && c != d) { return x->y; }",
    "for (int i = 0; i < n; ++i)\n{\n\tsum += a[i];\n}\n", "def f(x):\n    return x ** 2  # square\n", "#include <vector>\r\n",
    "http://example.org/a?b=c&d=%20e#f", "user@example.org", "C:\\Program Files\\x", "a/b//c///d", "--flag=value -x", "</div>\n\n",
    "!!!", "...", "?!?!", "……", "--- *** ___", "\"quoted\" 'single' `tick`", "$100 €50 £20 ¥", "+ - * / = < > ^ ~ |", "§ ¶ † ‡",
    "(((nested)))", "[a][b]{c}", "a\\\nb", "!\n!\r\n!", ";\n\n;", " !", "  !!", "a!b", "«guillemets» „low“", "‘’‚‛“”„‟",
    "你好，世界！", "漢字とひらがなとカタカナ", "々〆〤 〇", "日本語abc漢字", "abc漢字def", "한국어 텍스트", "ㄱㄴㄷ ㅏㅑ", "ㄅㄆㄇ注音",
    "中文 English 混合 text", "、。〈〉《》「」", "ｱｲｳ ﾊﾝｶｸ", "Ｆｕｌｌ　Ｗｉｄｔｈ", "𠀀𠀁𪜀 ext", "㐀㐁 䶵", "豈更車",
    "Привет, мир!", "ПРИВЕТ Ёлка", "Ελληνικά ΑΒΓ άέή", "ὈΔΥΣΣΕΎΣ ᾳῃῳ", "ﬀ ﬁ ﬂ ﬆ", "ℂ ℕ ℝ Ω K Å ℮", "Ⴀ Ⴥ ა ჰ Ა", "Հայերեն", "Ꭰ Ꮿ ꭰ",
    "שלום עולם", "שָׁלוֹם", "مرحبا بالعالم", "مَرْحَبًا", "كـــتاب", "۔؟،", "\u202bRTL\u202c \u200fmark", "ܫܠܡܐ", "ދިވެހި",
    "नमस्ते दुनिया", "क्षत्रिय।", "বাংলা ভাষা", "தமிழ் மொழி", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "ภาษาไทยไม่มีช่องว่าง", "ພາສາລາວ",
    "ខ្មែរ កាន់តែ", "မြန်မာဘာသာ", "བོད་ཡིག", "አማርኛ", "ᐃᓄᒃᑎᑐᑦ", "ᠮᠣᠩᠭᠣᠯ", "ⴰⵎⴰⵣⵉⵖ", "ꦗꦮ", "𐐀𐐨 Deseret", "𞤀𞤣 Adlam", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛",
    "e\u0301 e\u0301e\u0301 a\u0308\u0323", "Z\u0351\u036b\u0343a\u0329\u0321l\u0348g\u0349o\u0347", "\u0301start", "a \u0301b", "1\u0301 2", "q\u20dd x\u20e3",
    "😀", "😀😁😂", "a😀b", " 😀", "👨‍👩‍👧‍👦", "👩🏽‍💻", "🏳️‍🌈🏴‍☠️", "🇩🇪🇫🇷🇯🇵", "❤️ ❤", "1️⃣2️⃣", "🧑‍🚀 done ✅", "☺︎☺️", "🀄🃏", "←↑→↓ ⇒", "∑∫√∞≠≤", "█▓▒░", "♠♥♦♣",
    "\x00", "a\x00b", "\x01\x02\x1f", "\x7f\x80\x9f", "\ufffd", "\uffff", "\ue000\uf8ff", "\U0010ffff", "\U000e0001\U000e0020", "\u2060\u2061", "soft\u00adhyphen",
    "<|im_start|>user\nhi<|im_end|>\n", "<think>so</think>", "<s></s><unk>", "<|endoftext|>", "[INST] x [/INST]", "<0x0A>", "@@x@@", "<sep>a<sep> b <sep>",
    "\u2581marks\u2581of space", "Ġ literal Ċ", " " * 33 + "x", " " * 64, "\n" * 17 + " x", "ab" * 40, "a" * 70, "1" * 25, "." * 37, "\t\t\tindent\n\t\tback", "x" + " " * 9 + "\n",
    "The quick brown fox jumps over the lazy dog. The quick brown fox jumps again, quickly and brownly, over 13 lazy dogs.",
]


def assigned() -> list[list[str]]:
    """Characters by general category, assigned by Unicode 14 (this interpreter's tables may be newer)."""
    table: dict[str, list[str]] = {}
    for code in list(range(0x20, 0x3134A)) + list(range(0xE0100, 0xE01F0)):
        category = unicodedata.category(chr(code))
        if category not in ("Cn", "Cs", "Co"):
            table.setdefault(category, []).append(chr(code))
    return [table[c] for c in sorted(table)]


def random_strings(count: int) -> list[str]:
    rng = random.Random(14)
    groups = assigned()
    common = list(" \n\r\t'aAzZ09.,-_(/é漢ñ😀") + ["'S", "  ", "\r\n", "ing", "THE", "\u0301"]
    out = []
    for _ in range(count):
        pick = lambda: rng.choice(common) if rng.random() < 0.55 else rng.choice(rng.choice(groups))
        out.append("".join(pick() for _ in range(rng.randrange(4, 22))))
    return out


def train_byte_level(strings: list[str], size: int) -> tuple[list[str], list[tuple[str, str]]]:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, max_token_length=10,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    bpe.train_from_iterator(strings * 2, trainer)
    model = json.loads(bpe.to_str())["model"]
    tokens = [t for t, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    return tokens, [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]


def byte_level(strings: list[str]) -> dict:
    tokens, merges = train_byte_level(strings, 1100)
    vocab = {t: i for i, t in enumerate(tokens)}
    families = {}
    for name, (cuts, whole_words) in FAMILIES.items():
        tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=whole_words))
        cutter = pre_tokenizers.Sequence(cuts)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            cuts + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        tokenizer.decoder = decoders.ByteLevel()
        ids = [tokenizer.encode(s).ids for s in strings]
        for s, i in zip(strings, ids):
            assert tokenizer.decode(i, skip_special_tokens=False) == s, (name, s)
        pieces = [[len(s[a:b].encode()) for _, (a, b) in cutter.pre_tokenize_str(s)] for s in strings]
        for s, p in zip(strings, pieces):
            assert sum(p) == len(s.encode()), (name, s, p)
        families[name] = {"pieces": pieces, "ids": ids}
    # Added tokens, with Qwen's pre-tokenizer: found in text before it.
    added = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<sep>", "@@", "@@x"]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        FAMILIES["qwen2"][0] + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in added[:3]])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in added[3:]])
    places = [tokenizer.token_to_id(t) for t in added]  # some are in the trained vocabulary already
    return {"tokens": tokens, "merges": [" ".join(m) for m in merges], "families": families,
            "added": {"tokens": added, "places": places, "controls": 3, "ids": [tokenizer.encode(s).ids for s in strings]}}


SENTENCEPIECE = {
    "llama": dict(add_dummy_prefix=True, remove_extra_whitespaces=False, byte_fallback=True, user_defined_symbols=[]),
    "gemma": dict(add_dummy_prefix=False, remove_extra_whitespaces=False, byte_fallback=True,
                  user_defined_symbols=["<sep>", "@@", "</div>"]),
    "plain": dict(add_dummy_prefix=True, remove_extra_whitespaces=True, byte_fallback=False,
                  user_defined_symbols=["<sep>", "@@"]),
}


def sentence_piece(strings: list[str]) -> dict:
    # Half of the written ones: the others hold characters that the vocabulary lacks.
    known = [s for s in HAND_MADE[::2] if s and "\0" not in s and "\u2581" not in s]
    out = {}
    for name, options in SENTENCEPIECE.items():
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(known * 3), model_writer=model, model_type="bpe", vocab_size=900,
            hard_vocab_limit=False, character_coverage=0.98, normalization_rule_name="identity",
            split_digits=False, minloglevel=2, num_threads=1, **options)
        sp = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
        kinds = []
        for i in range(sp.vocab_size()):
            kinds.append(2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 5 if sp.is_unused(i)
                         else 4 if sp.id_to_piece(i) in options["user_defined_symbols"] else 1)
        out[name] = {
            "tokens": [sp.id_to_piece(i) for i in range(sp.vocab_size())],
            "scores": [sp.get_score(i) for i in range(sp.vocab_size())],
            "types": kinds,
            "add_space_prefix": options["add_dummy_prefix"],
            "remove_extra_whitespaces": options["remove_extra_whitespaces"],
            "ids": [sp.encode(s) for s in strings],
            "texts": [sp.decode(sp.encode(s)) == s for s in strings],
        }
    return out


def write(name: str, value: dict) -> None:
    path = OUT / name
    path.write_text(json.dumps(value, separators=(",", ":"), ensure_ascii=True) + "\n")
    print(path.name, path.stat().st_size, "bytes")


def main() -> None:
    assert unicodedata.unidata_version.split(".")[0] in ("14", "15", "16"), unicodedata.unidata_version
    OUT.mkdir(parents=True, exist_ok=True)
    strings = HAND_MADE + random_strings(int(sys.argv[1]) if len(sys.argv) > 1 else 120)
    write("strings.json", {"strings": strings})
    write("byte_level.json", byte_level(strings))
    write("sentencepiece.json", sentence_piece(strings))


if __name__ == "__main__":
    main()
