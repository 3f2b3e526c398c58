"""The pre-tokenizers of text_tokenizers.py: the published patterns of each family of byte-level BPE models, as the
models' tokenizer.json have them, under the names that GGUF files use."""

from tokenizers import Regex, pre_tokenizers

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


O200K = cased(CONTRACTIONS + "?", r"\p{N}{1,3}", TAIL_SLASH)
EXAONE_MOE = (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?"
              r"|\s*[\r\n]|\s+(?!\S)|\s+")
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
DEEPSEEK_V3_CJK = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
SPARK = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
         r"| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+")
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


# name in GGUF -> (Hugging Face pre-tokenizers, whole words first); NFC: those whose models' tokenizers normalise
NFC = {"olmo", "qwen2", "qwen35", "command-r"}
FAMILIES = {
    "gpt-2": (split(GPT2), False),
    "olmo": (split(GPT2), False),
    "llama-bpe": (split(LLAMA3), True),
    "glm4": (split(LLAMA3), False),
    "qwen2": (split(QWEN2), False),
    "stablelm2": (split(QWEN2), False),
    "qwen35": (split(QWEN35), False),
    "deepseek-llm": (split("[\r\n]", deepseek_letters(), DEEPSEEK_MARKS, r"\s+$", DEEPSEEK_CJK, r"\p{N}+"), False),
    "deepseek-coder": (split("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_CJK, r"\p{N}"), False),
    "deepseek-v3": (split(r"\p{N}{1,3}", DEEPSEEK_V3_CJK, DEEPSEEK_V3), False),
    "youtu": (split(YOUTU_SCRIPTS, cased(CONTRACTIONS + "?", r"\p{N}", TAIL_SLASH)), True),
    # Falcon's Digits step runs after the byte mapping, where it sees ASCII digits; hence [0-9]+ here.
    # Its Punctuation step knows only the punctuation of an old Unicode; the pattern is its meaning.
    "falcon": (split(r"[\p{P}$+<=>^~|`]+", GPT2, "[0-9]+", "[0-9][0-9][0-9]"), False),
    "starcoder": ([pre_tokenizers.Digits(individual_digits=True)] + split(GPT2), False),
    "command-r": ([pre_tokenizers.Digits(individual_digits=True)] + split(GPT2), False),
    "tekken": (split(cased("", r"\p{N}", TAIL_SLASH)), True),
    "gpt-4o": (split(O200K), False),
    "granite-embed-multi-97m": (split(O200K), True),
    "tiny_aya": (split(r"\d{1,3}(?=(?:\d{3})*\b)", O200K), False),
    "kimi-k2": (split(KIMI), False),
    "bloom": (split(BLOOM), False),
    "viking": (split(BLOOM, r"\p{N}"), False),
    "bailingmoe": (split(BAILING), False),
    "seed-coder": (split(SEED), False),
    "jais-2": (split(JAIS2), False),
    "exaone-moe": (split(EXAONE_MOE), False),
    "ufakzeka": (split(QWEN2.removeprefix(CONTRACTIONS + "|")), False),
    "laguna": (split(r"[^\n]+|[\n]+", QWEN2), False),
    "minicpm5": (split(r"\p{N}{1,3}", QWEN2.replace(r"\p{N}|", r"\p{N}+|")), True),
    "spark2_5": (split(r"\p{N}{1,3}", DEEPSEEK_V3_CJK, SPARK, r"\p{N}"), False),
}
