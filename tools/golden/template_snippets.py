"""Small templates, each for one thing of the language, with the variables they are rendered with."""

DATA = {"n": 7, "f": 2.5, "s": "Hello World", "u": "Grüße ΑΣ ǆ ß", "e": "", "z": None, "t": True,
        "l": [3, 1, 2], "w": ["b", "A", "c"], "d": {"b": 2, "a": 1, "items": "x"},
        "m": [{"role": "user", "n": 2, "x": {"y": 1}}, {"role": "tool", "n": 1}, {"role": "User", "n": 3}],
        "ws": " \t\n x \u00a0\u3000", "q": "it's \"q\" \\ \n\t\x07\u200b é"}

EXPRESSIONS = """
1 + 2 * 3 - 4 // 3 % 5 / 2
7 // 2, -7 // 2, 7 // -2, 7 % 3, -7 % 3, 7 % -3, 7.5 // 2, -7.5 % 2, 2 ** 10, 2 ** -1, 2 ** 0.5
1 / 3, 10 / 2, 1e3, 1.5e-7, 1e16, 1e15, 123456789.123, 0.1 + 0.2, -0.0, 1e22, 12345678901234567890.0
5 // 0
5 % 0
1 / 0
9223372036854775807
-9223372036854775807 - 1
true + true, true * 3, -true, not true, +true
true == 1, 1 == 1.0, "1" == 1, none == false, [] == (), [1] == [1.0], {} == {}, {"a": 1} == {"a": 1.0}
1 < 2 < 3, 1 < 2 > 3, 3 >= 3, "a" < "b", "é" > "z", [1, 2] < [1, 3], (1,) < (1, 0)
1 < "a"
none < 1
undefined_name < 1
"a" in "abc", "x" in "abc", 1 in [1], "a" in {"a": 1}, 1 not in [2], "" in ""
1 in "abc"
1 in none
1 in undefined_name
undefined_name in [1]
undefined_name in "abc"
"a" ~ 1 ~ none ~ true ~ 2.0 ~ [1, "x"] ~ undefined_name
"a" + 1
"a" + none
"a" + undefined_name
undefined_name + "a"
"ab" * 3, 2 * "x", [1] * 2, "a" * -1
"a" "b" 'c'
"\\n\\t\\x41\\u00e9\\U0001F600\\101\\q\\\\\\'"
[1, 2.0, "three", none, true, (1,), (), {"k": [1]}, {1: 2, none: 3}]
(1, 2), (1,), ()
s | upper, s | lower, s | title, s | capitalize, u | upper, u | lower, u | title, u | capitalize
u.upper(), u.lower(), u.title(), u.capitalize(), "ǆab cd'ef".title()
s | length, l | length, d | length, u | length, undefined_name | length
n | length
z | length
s | replace("o", "0"), s | replace("o", "0", 1), s | replace("", "-")
s.replace("l", "L"), s.replace("l", "L", 1)
s.replace("l", "L", count=1)
ws | trim, s | trim("Hd"), ws.strip(), ws.lstrip(), ws.rstrip(), s.strip("dH"), s.lstrip("H"), s.rstrip("d"), \
s.strip(none)
"üxü".strip("ü"), "a-b".strip("-"), "".strip()
s.split(), s.split("o"), s.split("o", 1), s.split(" ", maxsplit=1), "a  b ".split(), "a  b ".split(" "), \
"".split(), "".split(",")
s.rsplit("o", 1), " a b  c ".rsplit(none, 1), "a,b,c".rsplit(","), " a b c ".split(none, 1)
s.split("")
s.partition("o"), s.rpartition("o"), s.partition("x"), s.rpartition("x")
"a\\nb\\r\\nc\\n".splitlines(), "a\\nb\\n".splitlines(true), "".splitlines()
s.startswith("He"), s.startswith(("x", "He")), s.endswith("ld"), s.endswith("ld", 2, 5), s.startswith("lo", 3), \
s.startswith("", 20)
s.find("o"), s.find("o", 5), s.rfind("o"), s.find("x"), s.index("W"), u.find("Σ"), s.rfind("o", 0, 5)
s.index("x")
s.count("l"), s.count(""), u.count("ß"), s.count("l", 4)
"-".join(["a", "b"]), "".join([]), ", ".join(w)
"-".join([1])
"7".zfill(3), "-7".zfill(4), "ab".ljust(4, ".") ~ "|", "ab".rjust(4), "abc".center(8, "*"), "abcd".center(7, "*"), \
"ab".center(1)
"abc".isalpha(), "a1".isalnum(), "12".isdigit(), " ".isspace(), "".isalpha(), "AB".isupper(), "ab1".islower(), \
"é".isalpha(), "²".isdigit(), "²".isdecimal()
"prefix-x".removeprefix("prefix-"), "x.txt".removesuffix(".txt"), "x".removeprefix("y")
"a".join(iterable=["b"])
s[0], s[-1], s[1:4], s[::-1], s[::2], s[-3:], s[:0], u[2], u[4:6], s[99] is defined, s[-99] is defined, s[5:2], \
s[-100:100]
l[0], l[-1], l[1:], l[::-1], l[:2], l[9] is defined, (1, 2, 3)[1:], l[::2], l[-1:0:-1]
l[::0]
z[0]
z[1:]
undefined_name[0]
undefined_name[1:]
l["x"] is defined, n[0] is defined, s["x"] is defined
d.a, d["a"], d.items is callable, d["items"], d.x is defined, d.get("a"), d.get("x"), d.get("x", 5), \
d.keys() | list, d.values() | list
d.items() | list, d | items | list, d | list, d | dictsort, d.keys(), d.values(), d.items(), range(3), range(1, 7, \
2), range(0)
d | dictsort(reverse=true), {"b": 1, "A": 2} | dictsort, {"b": 1, "A": 2} | dictsort(true), {"a": 2, \
"b": 1} | dictsort(by="value")
z | items | list
undefined_name | items | list
l | dictsort
undefined_name.x
undefined_name.x.y
d.x.y
z.x is defined, z.x.y is defined
z.x.y
l | sort, w | sort, w | sort(case_sensitive=true), l | sort(reverse=true), \
m | sort(attribute="n") | map(attribute="n") | list
m | sort(attribute="role,n") | map(attribute="n") | list, w | sort(true), [1, "a"] | map("string") | sort | list
[1, "a"] | sort
[none, none] | sort
l | join, l | join(", "), m | join("/", attribute="role"), "abc" | join("-"), undefined_name | join("x")
n | join
l | first, l | last, [] | first, "abc" | first, "abc" | last, d | first
l | max, l | min, w | max, w | min, [] | max, m | max(attribute="n") | string | length
l | sum, [1.5, 2] | sum, m | sum(attribute="n"), [] | sum, l | sum(start=10)
["a"] | sum
l | reverse | list, "abc" | reverse, d | reverse | list
[1, 2, 1, "a", "A"] | unique | list, m | map(attribute="role") | unique | list
m | map(attribute="x.y") | list, m | map(attribute="x") | list, m | map(attribute="q", default="?") | list, \
w | map("upper") | list
w | map("nope") | list
l | select | list, l | select("odd") | list, l | reject("odd") | list, l | select("gt", 1) | list, [0, 1, "", \
"a"] | select | list
m | selectattr("role", "equalto", "user") | list | length, m | selectattr("x") | list | length, \
m | rejectattr("x") | list | length
m | selectattr("role", "in", ["user", "tool"]) | map(attribute="n") | join(","), m | rejectattr("n", "lt", \
2) | list | length
l | select("nope") | list
l | map("string") | join, l | list, "abc" | list, d | list, (1, 2) | list
l | batch(2) | list, l | batch(2, 0) | list
n | default(1), undefined_name | default(1), e | default("x"), e | default("x", true), z | default("y"), \
z | default("y", boolean=true), undefined_name | d("q"), undefined_name | default
d.q | default([])
n | string, z | string, f | string, l | string, undefined_name | string, true | string
n | int, "12" | int, "1_0" | int, " 7 " | int, "x" | int, "x" | int(5), "3.9" | int, 3.9 | int, -3.9 | int, \
z | int, true | int, "+4" | int
f | float, "2.5" | float, "x" | float, "1e3" | float, 3 | float, "x" | float(1.5)
f | round, 2.567 | round(2), 2.5 | round, 3.5 | round, 2.4 | round(0, "ceil"), 2.6 | round(method="floor"), \
7 | round, 0.125 | round(2)
-5 | abs, 2.5 | abs, -2.5 | abs
q, q | tojson, [q], {"k": q}, q | tojson(ensure_ascii=true), "\\u007f" | tojson, "/<>&'" | tojson
l | tojson, d | tojson, m | tojson, f | tojson, z | tojson, true | tojson, 1e16 | tojson, (1, 2) | tojson, \
{} | tojson, [] | tojson, "é😀" | tojson, "é😀" | tojson(ensure_ascii=true)
d | tojson(indent=2), m | tojson(indent=4), [] | tojson(indent=2), d | tojson(indent="--"), [[], \
{}] | tojson(indent=1), d | tojson(indent=0)
d | tojson(sort_keys=true), d | tojson(separators=(",", ":")), d | tojson(indent=2, separators=(", ", " = "), \
sort_keys=true)
{1: 2, true: 3, none: 4, 2.5: 5} | tojson
{(1, 2): 3} | tojson
undefined_name | tojson
l | select | tojson
d.items() | tojson
range(3) | tojson
l | map("string") | length
l | select is iterable, l | select is sequence, range(3) is sequence, d.items() is sequence, d is sequence, \
s is sequence, undefined_name is sequence, n is sequence
s is string, n is string, s is iterable, n is iterable, d is iterable, undefined_name is iterable, z is iterable, \
d is mapping, l is mapping
n is number, f is number, t is number, n is integer, t is integer, f is float, n is float, t is boolean, \
n is boolean, z is none, e is none
t is true, 1 is true, false is false, 0 is false, n is odd, n is even, n is divisibleby 7, n is divisibleby(2), \
undefined_name is undefined, s is defined
n is eq 7, n is ne 7, n is lt 8, n is le 7, n is gt 6, n is ge 8, n is in [7], n is not in [7], n is equalto(7), \
n is greaterthan 3, n is lessthan 3, n is sameas n if false else "-", none is sameas none
n is not none, not n is none, not n == 7, not (n == 7)
"abc" is upper, "ABC" is upper, "abc" is lower, "" is lower, "upper" is filter, "nope" is filter, "odd" is test, \
raise_exception is callable, s is callable
s is s is s
"x" if t, "x" if not t, "x" if not t else "y", ("x" if not t) is defined, 1 if t else 2 if t else 3
t and 1, e or "or", e and 1, none or 0 or [], 1 and 2 and 3, not e
d.a + d["b"], m[0].x.y, m[0]["x"]["y"], m.0.n, m[-1].role
{"a": 1, "b": {"c": [1, 2]}}.b.c[1], {1: "x"}[1], {true: "y"}[1], {"a": 1}["b"] is defined
{[1]: 2}
{"a": 1, "a": 2}
dict(a=1, b="x"), dict({"a": 1}, b=2), dict([("k", 1)]), namespace(a=1).a, namespace({"x": 5}).x, \
namespace().y is defined
namespace(_x=1)
range(5) | list, range(2, 5) | list, range(5, 0, -2) | list, range(3)[1], range(3) | length, 2 in range(3)
range(1, 2, 0)
range(200000)
range("a")
"%s and %d" % ("a", 3), "%5d|%-5d|%05d" % (1, 2, -3), "%.2f" % 2.345, "%x" % 255, "%%", "%r" % "a", "%s" % z, \
"%s" | format("x"), "%s %s" | format(1, [2])
"%s %s" % "a"
"<b>" | e, "<b>&'\\"" | escape, ("<b>" | safe) ~ "<i>", ("<b>" | safe) + "<i>", "<i>" + ("<b>" | safe), \
"<b>" | e | e, "<b>" | e | forceescape, "<" | e | string | e
("<b> <" | safe).split(" "), ("<b>" | safe).replace("b", "<"), ("<b>" | safe)[0] + "<", "<b>" | safe | upper, \
"<b>" | safe | tojson, ["<" | safe], ("a<" | safe) * 2
"a b\\nc\\n\\nd" | indent, "a\\nb" | indent(2), "a\\nb" | indent(2, true), "a\\n\\nb" | indent(1, false, true), \
"a\\nb" | indent("> "), "a\\n" | indent(2)
"hello big world" | truncate(9), "hello big world" | truncate(9, true), "hello big world" | truncate(9, false, \
"..", 0), "hello" | truncate(3), "abc def" | truncate(5, leeway=0)
"one two, three_x é" | wordcount, "a b/c?é" | urlencode, "ab" | center(6) ~ "|"
s | attr("upper") is callable, d | attr("a") is defined, d | attr("keys") is defined
strftime_now("%Y-%m-%d %H:%M:%S"), strftime_now("%d %b %Y"), strftime_now("%A, %B %d, %Y"), \
strftime_now("%-d/%-m/%y %I:%M %p %j %U %%"), strftime_now("plain")
raise_exception("no")
s.foo is defined
n()
undefined_name()
"abc".upper(1)
s.split(nope=1)
s | upper(1)
s | replace
s | replace("a", "b", "c", "d")
l.append(4), l.extend([5]), l.insert(0, 9), l, l.pop(), l.pop(0), l, l.index(1), l.count(1)
l.pop(10)
d.update({"z": 1}), d.setdefault("y", 2), d.pop("a"), d
(l.copy()), l.reverse(), l
[[1, [2, [3]]], {"a": {"b": {}}}]
"{'a': \\"b\\"}", ["it's", 'say "x"', "both ' and \\""], ["\\x00\\x1f\\x7f\\x80\\xad\\u2028\\U000e0001"]
"{{ n }}", "{% x %}", "}}", "#}"
{"a": {"b": 1}}["a"]["b"]
f == 2.5 and n == 7 or false
-n ** 2, (-2) ** 2, 2 ** 3 ** 2, - 2 | abs, -7 | string
1 if 0 else 2, (1, 2)[0], [1, 2,], {"a": 1,}, [[1, 2], [3]][0][1]
n.x is defined, f.x is defined, t.x is defined
1_000 + 1, 0x1F, 0b11, 0o17
'a' 'b' ~ "c", "\u00e9" | length
f | truncate(5)
l | truncate(9)
n | indent
undefined_name | indent
"" % 7
"a" % d, "a" % l, "a" % undefined_name
undefined_name | float
undefined_name | int
("<b>" | safe) | list, ("<b>" | safe).center(5), ("a b" | safe).split()
0 | select | list, none | map("upper") | list, false | selectattr("x") | list
n | select | list
m | unique | list
"ΑΣ".lower(), "ΑΣ ΑΣΒ Σ".lower(), "ŉ".upper(), "ﬃ".upper(), "ﬃ".title(), "İ".lower() | length
""".strip().split("\n")

TEMPLATES = [
    # White space.
    "a\n{% if t %}\nb\n{% endif %}\nc\n",
    "a\n  {% if t %}  \n  b\n  {%- endif %}\nc\n\n",
    "a  {{- n -}}  b  {{ n }}\n{{ n }}\n\n",
    "  {% if t %}x{% endif %}  {% if t %}  y  {% endif %}\n  z",
    "{%+ if t %}x{% endif %}\n   {%+ if t %}y{%+ endif %}\n",
    "x\n  {#- c -#}  \n y {# d #}\n z{#+ e +#}\n",
    "{# a #}{# b\nc #}\nx\n  {# d #}\ny",
    "{% raw %}{{ n }} {% if %} {# #}{% endraw %}\n  {%- raw -%}  x  {%- endraw -%}  y",
    " {% raw %}\n a {% endraw +%}\n b",
    "a\r\nb\rc{% if t %}\r\nd{% endif %}\r\n",
    "{{ '}}' }}{{ {'a': {'b': 1}} }}{{ \"{%\" }}",
    "\u3000{%- if t -%}\u00a0x\u3000{%- endif %}",
    "\n{% if t %}\n\n{% endif %}\n\n\n", "", "\n", "\n\n", "  {% if t %}\n{% endif %}", "{{-n}}{{n-}}", "{{- -n }}",
    "{%- set x = 1 -%}\n\n   {{ x }}\n", "a {%- if t %} b {% endif -%} c", "{% if t -%}\n  {% endif %}x\n",
    "  x{% if t %}  {% endif %}\n  {{ n }}", "{% if t %}\n  a\n  {% else %}\n  b\n  {% endif %}\n",
    # Statements.
    "{% if e %}a{% elif z %}b{% elif t %}c{% else %}d{% endif %}",
    "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}"
    "{{ loop.last }}{{ loop.length }}{{ x }},{{ loop.previtem }},{{ loop.nextitem }};{% endfor %}",
    "{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% else %}none{% endfor %}",
    "{% for x in [] %}{{ x }}{% else %}none{% endfor %}{% for x in l if x > 9 %}{{ x }}{% else %}none{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }} {% endfor %}{% for k in d %}{{ k }}{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}", "{% for a, b in [1] %}{% endfor %}",
    "{% for c in 'añ' %}[{{ c }}]{% endfor %}{% for x in undefined_name %}{% else %}u{% endfor %}",
    "{% for x in z %}{% endfor %}", "{% for x in n %}{% endfor %}",
    "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in l %}{% for y in l %}{% if y == 1 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}",
    "{% for x in l %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }}{{ loop.depth }}{% endfor %}",
    "{% for x in [1, [2, [3]]] recursive %}{% if x is number %}{{ x }}@{{ loop.depth }}{% else %}({{ loop(x) }})"
    "{% endif %}{% endfor %}",
    "{% for x in [{'c': [{'c': [], 'n': 2}], 'n': 1}] recursive %}{{ x.n }}{{ loop(x.c) }}{{ loop.depth0 }}{% endfor %}",
    "{% for x in l %}{% set y = x %}{% endfor %}{{ y is defined }}",
    "{% set y = 0 %}{% for x in l %}{{ y }}{% set y = x %}{{ y }} {% endfor %}{{ y }}",
    "{% set ns = namespace(a=0) %}{% for x in l %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}{{ ns.b is defined }}",
    "{% set ns.a = 1 %}", "{% set d.a = 1 %}", "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set a, b = b, a %}{{ a }}{{ b }}{% set t2 = 1, 2 %}{{ t2 }}",
    "{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}",
    "{% set x %}  a {{ n }} {% endset %}[{{ x }}]{% set x | upper | trim %} b {% endset %}[{{ x }}]",
    "{% if t %}{% set x = 1 %}{% endif %}{{ x }}{% set x = x + 1 %}{{ x }}",
    "{% set n = n + 1 %}{{ n }}{% for i in l %}{{ n }}{% set n = i %}{% endfor %}{{ n }}",
    "{% with %}{% set x = 1 %}{{ x }}{% endwith %}{{ x is defined }}",
    "{% with a = 1, b = n %}{{ a }}{{ b }}{% with a = a + 1 %}{{ a }}{% endwith %}{{ a }}{% endwith %}",
    "{% with a, b = (1, 2) %}{{ a }}{{ b }}{% endwith %}",
    "{% filter upper %}a{{ s }}{% endfilter %}{% filter replace('a', 'b') | trim %} aa {% endfilter %}|",
    "{% print n, s %}", "{% filter length %}abc{% endfilter %}",
    "{% set x | length %}abc{% endset %}{{ x + 1 }}",
    "{% generation %}a{{ n }}{% endgeneration %}b{% generation %}{% set x = 1 %}{% endgeneration %}{{ x is defined }}",
    "{% for x in l %}{% generation %}{{ x }}{{ loop.last }}{% endgeneration %}{% endfor %}",
    # Macros.
    "{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c='z') }}{{ m(b=5, a=4) }}{{ m() }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}{{ m() }}",
    "{% macro m(a) %}{{ a }}{{ varargs | join('-') }}{{ kwargs.items() | list }}{% endmacro %}{{ m(1, 2, 3, z=4) }}",
    "{% macro m(n) %}{% if n > 0 %}{{ n }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}",
    "{% set x = 1 %}{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}",
    "{% macro m() %}{% if n is defined %}{% set n = 1 %}{% endif %}{{ n }}{% endmacro %}{{ m() }}{{ n }}",
    "{% macro m(x) %}<{{ caller() }}{{ x }}>{% endmacro %}{% call m(1) %}body{{ n }}{% endcall %}",
    "{% macro m() %}{{ caller(1, b=2) }}{% endmacro %}{% call(a, b=3) m() %}{{ a }}{{ b }}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}{% endcall %}",
    "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}",
    "{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}{{ m is defined }}",
    "{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% macro m() -%}  x  {%- endmacro %}[{{ m() }}]{{ m() | upper }}{{ m() ~ 'y' }}{{ m() is string }}",
    "{% macro m(l) %}{% for x in l %}{{ loop.index }}{% if not loop.last %},{% endif %}{% endfor %}{% endmacro %}{% for y in l %}{{ m(l) }}{{ loop.index }};{% endfor %}",
    "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'a': 3, 'b': 4}) }}{{ m(1, *[2]) }}",
    "{% macro m(a=[]) %}{{ a }}{% endmacro %}{{ m() }}{{ m(none) }}{{ m(undefined_name) }}",
    "{{ 'a\\\nb' }}", "{% if t %}{{ '[1, {\"a\": null}]' | from_json }}{% endif %}",
    "{% if t %}{{ '{' | from_json }}{% endif %}",
    # Errors of form.
    "{% if t %}", "{{ n", "{% endif %}", "{{ }}", "{{ 1 + }}", "{% for x %}{% endfor %}", "{% set 1 = 2 %}", "{# x",
    "{% raw %}x", "{{ 'x }}", "{{ (1 }}", "{{ 1) }}", "{% if %}{% endif %}", "{{ a b }}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{% set true = 1 %}", "{{ f(a=1, 2) }}", "{% unknown %}", "{% break %}", "{{ n | }}", "{{ n is }}",
    "{% for x in l %}{% endif %}",
    "{{ n ? 1 }}", "{% call n %}{% endcall %}", "{{ {1} }}", "{{ [1 2] }}",
]

SNIPPETS = ["{{ (" + e + ") }}" for e in EXPRESSIONS] + TEMPLATES
