"""Goldens for src/text/template/: what Jinja2, set up as transformers does, makes of templates and conversations.

    pip install -r requirements.txt      (jinja2 and transformers; no PyTorch)
    python3 templates.py [TEMPLATES]     writes tests/golden/templates; TEMPLATES: a folder of real models' templates
    python3 templates.py --show TEMPLATE.jinja CONVERSATION      prints one rendering

Two things differ from transformers: a filter `from_json`, which the published DeepSeek templates call and transformers
lacks, and lists may be changed (append, pop), which its immutable sandbox refuses and Kimi K2's template does.

renderings.json: for each template and conversation the length and FNV-1a hash of the bytes, or null where Jinja2
raises. texts.json: some renderings in full. snippets.json: small templates and what each gives, or null.
"""
import datetime
import json
import pathlib
import sys

import jinja2.sandbox
from transformers.utils import chat_template_utils

import template_conversations
import template_snippets

jinja2.sandbox.ImmutableSandboxedEnvironment.is_safe_attribute = jinja2.sandbox.SandboxedEnvironment.is_safe_attribute

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/templates"
IN_FULL = [("chatml", "multi_system"), ("llama3", "date"), ("everything", "tools_deep"), ("everything", "unicode")]


def render(source, variables):
    variables = json.loads(json.dumps(variables))
    now = datetime.datetime.fromisoformat(variables.pop("now", template_conversations.NOW))
    template = chat_template_utils._cached_compile_jinja_template(source)
    template.environment.filters["from_json"] = json.loads
    return template.render(strftime_now=now.strftime, **variables)


def chat(source, conversation):
    return render(source, {"tools": None, "documents": None, "add_generation_prompt": True, "bos_token": "<s>",
                           "eos_token": "</s>", **conversation})


def attempt(f, *args):
    try:
        return f(*args)
    except RecursionError:
        raise
    except Exception:
        return None


def fnv1a(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = (h ^ b) * 0x100000001B3 % 2**64
    return f"{h:016x}"


def digest(text):
    if text is None:
        return None
    data = text.encode()
    return f"{len(data)} {fnv1a(data)}"


def write(name, value, indent=0):
    (OUT / name).write_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def main(arguments):
    conversations = template_conversations.CONVERSATIONS
    if arguments[:1] == ["--show"]:
        source = pathlib.Path(arguments[1]).read_text()
        sys.stdout.write(chat(source, conversations[arguments[2]]))
        return
    files = [f for folder in [OUT, *arguments] for f in sorted(pathlib.Path(folder).glob("*.jinja"))]
    renderings, texts = {}, {}
    for f in files:
        source = f.read_text()
        results = {name: attempt(chat, source, c) for name, c in conversations.items()}
        renderings[f.stem] = {name: digest(text) for name, text in results.items()}
        print(f"{f.stem}: {sum(t is not None for t in results.values())} renderings, "
              f"{sum(t is None for t in results.values())} errors")
        texts |= {f"{t} {c}": results[c] for t, c in IN_FULL if t == f.stem}
    write("conversations.json", conversations)
    write("renderings.json", renderings)
    write("texts.json", texts)
    data = template_snippets.DATA
    snippets = [[s, attempt(render, s, data)] for s in template_snippets.SNIPPETS]
    write("snippets.json", {"data": data, "snippets": snippets})


main(sys.argv[1:])
