"""Writes src/text/template/jinja/case_table.h: upper, lower and title case of all characters, from Python's own tables
(3.11: Unicode 14, as PCRE2 10.42's).

    python3 tools/golden/case_table.py > src/text/template/jinja/case_table.h
"""


def ranges(change):
    """[first, last, stride, delta] for the characters that become one other character."""
    out = []
    for code in range(0x80, 0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        to = change(chr(code))
        if len(to) != 1 or ord(to) == code:
            continue
        delta = ord(to) - code
        if out:
            first, last, stride, d = out[-1]
            if d == delta and (code - last == stride or (first == last and code - last <= 2)):
                out[-1] = [first, code, code - last, d]
                continue
        out.append([code, code, 1, delta])
    return out


def several(change):
    return [(c, change(chr(c))) for c in range(0x80, 0x110000)
            if not 0xD800 <= c < 0xE000 and len(change(chr(c))) > 1]


def literal(text):
    return '"' + "".join(f"\\x{b:02x}" for b in text.encode()) + '"'


def lines(items, width=116):
    line = "   "
    for item in items:
        if len(line) + 1 + len(item) > width:
            yield line
            line = "   "
        line += " " + item
    yield line


def table(name, change):
    print(f"inline constexpr CaseRange {name}_ranges[] = {{")
    print("\n".join(lines(f"{{{a:#x}, {b:#x}, {s}, {d}}}," for a, b, s, d in ranges(change))))
    print("};")
    print(f"inline constexpr CaseText {name}_texts[] = {{")
    print("\n".join(lines(f"{{{c:#x}, {literal(t)}}}," for c, t in several(change))))
    print("};")


def title_only(c):
    return c.title() if c.title() != c.upper() else c


print("""// Upper, lower and title case of what is not ASCII. Made by tools/golden/case_table.py; not to be edited.
#pragma once

#include <cstdint>

namespace quern::text::jinja {

struct CaseRange {
    std::uint32_t first, last, stride;  // every stride-th character from first to last
    std::int32_t delta;                 // is moved so far
};
struct CaseText {  // a character that becomes several
    std::uint32_t code;
    const char* to;
};

// clang-format off""")
table("upper", str.upper)
table("lower", str.lower)
print("// Where title case is not upper case.")
table("title", title_only)
print("""// clang-format on

}  // namespace quern::text::jinja""")
