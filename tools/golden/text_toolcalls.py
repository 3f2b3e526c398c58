#!/usr/bin/env python3
"""Makes tests/golden/toolcalls/rendered.json: assistant turns as the models' own chat templates write them.

Usage: text_toolcalls.py templates_folder [output file]. Jinja2 renders each template as transformers does (the same
environment options, the same tojson), so what a model was trained to write comes from the model's makers and not from
us. A turn is what stands between the assistant's header and the end of its turn. Goldens are made by hand, never in a
build; versions are in requirements.txt beside this file.

The file: "tools" (as the protocols give them), "calls" (sets of arguments), and "turns": template, format, thinking
markers, the text, and what was rendered (content, thinking, names of sets in "calls"). "prompts": how each template
begins the answer, with where the answer starts.
"""

import json
import pathlib
import sys
import types

import jinja2
import jinja2.ext
from jinja2.sandbox import SandboxedEnvironment

TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Weather of a city.",
        "parameters": {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "Which."}, "days": {"type": "integer", "description": "How many."},
            "metric": {"type": "boolean", "description": "Units."}, "hint": {"type": "string", "nullable": True, "description": "Any."}}}}},
    {"type": "function", "function": {
        "name": "search-notes.v2", "description": "Finds notes.",
        "parameters": {"type": "object", "required": ["query"], "properties": {
            "query": {"type": "string", "description": "Text."}, "tags": {"type": "array", "items": {"type": "string"}, "description": "Tags."},
            "nested": {"type": "object", "description": "More."}, "ratio": {"type": "number", "description": "Share."},
            "empty": {"type": "string", "description": "Nothing."}}}}},
]
CALLS = {
    "plain": ("get_weather", {"city": "Paris", "days": 3, "metric": True}),
    "unicode": ("get_weather", {"city": "東京 🗼 Zürich", "metric": False}),
    "none": ("get_weather", {}),
    "null": ("get_weather", {"city": "x", "hint": None}),
    "looks_like_json": ("get_weather", {"city": "12", "hint": "[true]", "days": -7}),
    "nested": ("search-notes.v2", {"query": "q", "tags": ["a", "b,c", "d'e"], "ratio": -0.125,
                                   "nested": {"k": {"x": [1, 2.5, None, False, {}], "y": []}}, "empty": ""}),
    "escapes": ("search-notes.v2", {"query": "He said \"hi\" \\ and <b>&amp;</b>\n\tnew 'line'\n\n{\"a\": [1}", "tags": []}),
    "markup": ("search-notes.v2", {"query": "write <tool_call>{\"name\": 1}</tool_call> and </parameter> then ``` or [ARGS] "
                                            "and <arg_value> too"}),
    "code": ("search-notes.v2", {"query": "\ndef f(a=1):\n    return {\"x\": [a]}\n"}),
}
SETS = [["plain"], ["unicode"], ["none"], ["null"], ["looks_like_json"], ["nested"], ["escapes"], ["markup"], ["code"],
        ["plain", "nested"], ["none", "escapes", "unicode"]]

THINK = ["<think>", "</think>"]
CHATML = ("<|im_start|>assistant\n", "<|im_end|>")
CHATML_BARE = ("<|im_start|>assistant", "<|im_end|>")  # the newline of the prompt is written with what follows
DEEPSEEK = ("<｜Assistant｜>", "<｜end▁of▁sentence｜>")
LLAMA = ("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>")
MISTRAL = ("[/INST]", "</s>")

# file, format, thinking markers, (header, end), calls in a turn, can hold content beside calls, can hold thinking
TEMPLATES = [
    ("NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "hermes", None, CHATML, 9, False, False),
    ("Qwen-Qwen2.5-7B-Instruct", "hermes", None, CHATML_BARE, 9, True, False),
    ("Qwen-Qwen3-0.6B", "hermes", THINK, CHATML, 9, True, True),
    ("MiMo-VL", "hermes", None, CHATML_BARE, 9, True, False),
    ("Qwen3-Coder", "qwen3_coder", None, CHATML_BARE, 9, True, False),
    ("Qwen3.5-4B", "qwen3_coder", THINK, CHATML, 9, True, True),
    ("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "qwen3_coder", THINK, CHATML, 9, True, True),
    ("ByteDance-Seed-OSS", "seed_oss", ["<seed:think>", "</seed:think>"], ("<seed:bos>assistant", "<seed:eos>"), 9, True, True),
    ("GLM-4.6", "glm4", THINK, ("<|assistant|>", None), 9, True, True),
    ("Kimi-K2-Instruct", "kimi_k2", None, ("<|im_assistant|>assistant<|im_middle|>", "<|im_end|>"), 9, True, False),
    ("deepseek-ai-DeepSeek-V4", "deepseek_v4", THINK, DEEPSEEK, 9, True, True),
    ("deepseek-ai-DeepSeek-V3.2", "deepseek_v32", THINK, DEEPSEEK, 9, True, True),
    ("llama-cpp-deepseek-r1", "deepseek_v3", THINK, DEEPSEEK, 9, False, False),
    ("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek_v3", THINK, DEEPSEEK, 9, False, False),
    ("meta-llama-Llama-3.1-8B-Instruct", "llama3_json", None, LLAMA, 1, False, False),
    ("meta-llama-Llama-3.3-70B-Instruct", "llama3_json", None, LLAMA, 1, False, False),
    ("mistralai-Mistral-Nemo-Instruct-2407", "mistral_list", None, MISTRAL, 9, False, False),
    ("unsloth-mistral-Devstral-Small-2507", "mistral_args", None, MISTRAL, 9, True, False),
    ("mistralai-Ministral-3-14B-Reasoning-2512", "mistral_args", ["[THINK]", "[/THINK]"], MISTRAL, 9, True, False),
    ("openai-gpt-oss-120b", "harmony", None, ("<|start|>assistant", "<|call|>"), 1, False, True),
    ("google-gemma-4-31B-it", "gemma4", ["<|channel>thought\n", "<channel|>"], ("<|turn>model\n", "<|tool_response>"), 9, False, True),
    ("CohereForAI-c4ai-command-r7b-12-2024-tool_use", "command_r7b", ["<|START_THINKING|>", "<|END_THINKING|>"],
     ("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"), 9, False, True),
    ("Apertus-8B-Instruct", "apertus", ["<|inner_prefix|>", "<|inner_suffix|>"], ("<|assistant_start|>", None), 9, False, False),
]

# file, variables, where the answer starts
PROMPTS = [
    ("Qwen-Qwen3-0.6B", {}, "content"), ("Qwen-Qwen3-0.6B", {"enable_thinking": False}, "after_thinking"),
    ("Qwen3.5-4B", {}, "thinking"), ("Qwen3.5-4B", {"enable_thinking": False}, "after_thinking"),
    ("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", {}, "thinking"),
    ("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", {"enable_thinking": False}, "after_thinking"),
    ("HuggingFaceTB-SmolLM3-3B", {}, "content"), ("HuggingFaceTB-SmolLM3-3B", {"enable_thinking": False}, "after_thinking"),
    ("GLM-4.6", {}, "content"), ("GLM-4.6", {"enable_thinking": False}, "after_thinking"),
    ("deepseek-ai-DeepSeek-V4", {"thinking": True}, "thinking"), ("deepseek-ai-DeepSeek-V4", {}, "after_thinking"),
    ("deepseek-ai-DeepSeek-V3.2", {"thinking": True}, "thinking"), ("deepseek-ai-DeepSeek-V3.2", {}, "after_thinking"),
    ("llama-cpp-deepseek-r1", {}, "thinking"),
    ("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", {"enable_thinking": True}, "thinking"),
    ("ByteDance-Seed-OSS", {}, "content"), ("ByteDance-Seed-OSS", {"thinking_budget": 0}, "after_thinking"),
    ("google-gemma-4-31B-it", {"enable_thinking": True}, "content"), ("google-gemma-4-31B-it", {}, "after_thinking"),
    ("CohereForAI-c4ai-command-r7b-12-2024-tool_use", {"enable_thinking": True}, "content"),
    ("CohereForAI-c4ai-command-r7b-12-2024-tool_use", {}, "after_thinking"),
    ("openai-gpt-oss-120b", {}, "header"), ("meta-llama-Llama-3.1-8B-Instruct", {}, "content"),
]


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env = SandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    env.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
        list(x) if isinstance(x, types.GeneratorType) else x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    env.filters["from_json"] = json.loads
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: "2026-01-01"
    return env


def render(env, folder, name, messages, **variables):
    template = env.from_string((folder / f"{name}.jinja").read_text())
    return template.render(messages=messages, bos_token="<s>", eos_token="</s>", **variables)


def turn(env, folder, entry, names, content, thinking):
    name, form, markers, (header, end), most, _, _ = entry
    calls = [{"id": f"call{i:05d}", "type": "function", "function": {"name": CALLS[n][0], "arguments": CALLS[n][1]}}
             for i, n in enumerate(names)]
    nothing = None if form in ("deepseek_v3", "apertus") else ""
    message = {"role": "assistant", "content": content or nothing, "tool_calls": calls}
    if thinking:
        message["thinking" if form == "harmony" else "reasoning_content"] = thinking
    if form == "harmony" or (form == "gemma4" and not content):
        del message["content"]
    messages = [{"role": "user", "content": "Hello."}, message]
    variables = {"tools": TOOLS, "enable_thinking": True, "thinking": True}
    if "command-r7b" in name:
        message.setdefault("reasoning_content", "")
    text = render(env, folder, name, messages, add_generation_prompt=False, **variables)
    begin = text.index(header) + len(header) if form in ("harmony", "command_r7b") else text.rindex(header) + len(header)
    stop = len(text) if end is None else text.index(end, begin)
    if not header.endswith("\n") and form in ("hermes", "qwen3_coder", "seed_oss"):
        begin += 1
    return {"template": name, "format": form, "thinking_markers": markers or ["", ""], "text": text[begin:stop],
            "content": content or "", "thinking": thinking or "", "calls": names}


def main():
    folder = pathlib.Path(sys.argv[1])
    default = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/toolcalls/rendered.json"
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else default
    env = environment()
    turns = []
    for entry in TEMPLATES:
        for names in SETS:
            if len(names) <= entry[4]:
                turns.append(turn(env, folder, entry, names, None, None))
        if entry[5]:
            turns.append(turn(env, folder, entry, ["plain"], "Let me look.", None))
        if entry[6]:
            turns.append(turn(env, folder, entry, ["unicode"], None, "The user greets me.\nI look first."))
    prompts = []
    markers = {entry[0]: entry[2] or ["", ""] for entry in TEMPLATES} | {"HuggingFaceTB-SmolLM3-3B": THINK}
    forms = {entry[0]: entry[1] for entry in TEMPLATES} | {"HuggingFaceTB-SmolLM3-3B": "hermes"}
    for name, variables, start in PROMPTS:
        text = render(env, folder, name, [{"role": "user", "content": "What do <think> and </think> mean?"}],
                      add_generation_prompt=True, **variables)
        prompts.append({"template": name, "format": forms[name], "thinking_markers": markers[name], "tail": text[-160:], "start": start})
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = lambda items: ",\n".join(json.dumps(i, ensure_ascii=False) for i in items)
    calls = {k: {"name": n, "arguments": a} for k, (n, a) in CALLS.items()}
    out.write_text('{"tools": ' + json.dumps(TOOLS, ensure_ascii=False) + ',\n"calls": ' + json.dumps(calls, ensure_ascii=False) +
                   ',\n"turns": [\n' + rows(turns) + '\n],\n"prompts": [\n' + rows(prompts) + "\n]}\n")


main()
