"""The strings that text_tokenizers.py tries tokenizers on: nasty ones written by hand, and random ones with characters of
every general category. Standard library only, and always the same."""

import random
import unicodedata

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


LONG = [" " * 10_000, "a" * 3_000, "\u6f22" * 1_500, "ab " * 1_500, "\r\n" * 1_500, "\u0301" * 400, "e\u0301" * 700]

LETTERS = {
    "latin": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\u00e0\u00e9\u00ef\u00f1\u00fc\u00df\u0142",
    "greek": "\u03b1\u03b2\u03b3\u03b4\u03b5\u03ac\u03ad\u0391\u0393\u0394\u03c3\u03c2",
    "cyrillic": "\u0430\u0431\u0432\u0433\u0434\u0451\u0419\u0416\u0427",
    "hebrew": "\u05d0\u05d1\u05d2\u05d3\u05e9\u05b8\u05bc",
    "arabic": "\u0627\u0628\u062a\u062b\u0645\u0640\u064b\u064e\u0660\u0661",
    "devanagari": "\u0915\u0916\u0930\u094d\u093e\u093f\u0902\u0967",
    "thai": "\u0e01\u0e02\u0e32\u0e35\u0e48\u0e51",
    "han": "\u4e00\u4e8c\u6f22\u5b57\u4e16\u754c\u6c34",
    "kana": "\u3042\u3044\u304b\u3099\u30ab\u30d1\u30fc\uff76\uff9e",
    "hangul": "\uac00\ud55c\uae00\u1100\u1161\u11a8",
    "digits": "0123456789",
    "signs": ".,;:!?()[]{}<>+-*/=_\"'`@#$%^&|~\\",
    "spaces": "   \t\n\r\u00a0\u3000",
    "emoji": "\U0001f600\U0001f469\u200d\U0001f4bb\U0001f3fd\ufe0f\u2764",
}


def assigned() -> list[list[str]]:
    """Characters by general category, assigned by Unicode 14 (this interpreter's tables may be newer)."""
    table: dict[str, list[str]] = {}
    for code in list(range(0x20, 0x3134A)) + list(range(0xE0100, 0xE01F0)):
        category = unicodedata.category(chr(code))
        if category not in ("Cn", "Cs", "Co"):
            table.setdefault(category, []).append(chr(code))
    return [table[c] for c in sorted(table)]


def scattered(rng: random.Random, count: int) -> list[str]:
    groups = assigned()
    common = list(" \n\r\t'aAzZ09.,-_(/\u00e9\u6f22\u00f1\U0001f600") + ["'S", "  ", "\r\n", "ing", "THE", "\u0301"]
    out = []
    for _ in range(count):
        pick = lambda: rng.choice(common) if rng.random() < 0.55 else rng.choice(rng.choice(groups))
        out.append("".join(pick() for _ in range(rng.randrange(3, 16))))
    return out


def wordy(rng: random.Random, count: int) -> list[str]:
    """Runs of one script after another, as words, numbers and code have them."""
    names = sorted(LETTERS)
    out = []
    for _ in range(count):
        runs = []
        for _ in range(rng.randrange(2, 6)):
            letters = LETTERS[rng.choice(names)]
            runs.append("".join(rng.choice(letters) for _ in range(rng.randrange(1, 6))))
        out.append(rng.choice(["", " ", ""]).join(runs))
    return out


def all_strings() -> list[str]:
    rng = random.Random(14)
    return HAND_MADE + LONG + scattered(rng, 1200) + wordy(rng, 1200)
