"""How a conversation becomes the text the model sees; mirrors chat_template.jinja exactly.

Training text is rendered here because it is many times faster than a template engine; the check in
evaluate.py renders samples with both and compares.
"""

import json

IM_START, IM_END, END_OF_TEXT = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
CONTROL = [END_OF_TEXT, IM_START, IM_END]
MARKERS = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
SPECIALS = CONTROL + MARKERS

TOOLS_HEAD = "# Tools\n\nYou may call these functions:\n<tools>"
TOOLS_TAIL = ("\n</tools>\n\nTo call a function, answer with\n<tool_call>\n"
              '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>')


def to_json(value):
    return json.dumps(value, ensure_ascii=False)


def call_text(call):
    return '<tool_call>\n{"name": "' + call["name"] + '", "arguments": ' + to_json(call["arguments"]) + "}\n</tool_call>"


def assistant_text(message, with_reasoning):
    content = message.get("content") or ""
    parts = [content] if content else []
    parts += [call_text(call) for call in message.get("tool_calls", [])]
    reasoning = message.get("reasoning_content")
    lead = "<think>\n" + reasoning + "\n</think>\n\n" if with_reasoning and reasoning else ""
    return lead + "\n".join(parts)


def render(messages, tools=None, thinking=None):
    """The prompt, up to where the assistant's next turn starts; thinking False closes an empty thought."""
    out = []
    if tools:
        system = messages[0]["content"] + "\n\n" if messages[0]["role"] == "system" else ""
        out.append(IM_START + "system\n" + system + TOOLS_HEAD)
        out.extend("\n" + to_json(tool) for tool in tools)
        out.append(TOOLS_TAIL + IM_END + "\n")
    elif messages[0]["role"] == "system":
        out.append(IM_START + "system\n" + messages[0]["content"] + IM_END + "\n")
    last_user = max((i for i, m in enumerate(messages) if m["role"] == "user"), default=-1)
    for i, m in enumerate(messages):
        if m["role"] == "user" or (m["role"] == "system" and i > 0):
            out.append(IM_START + m["role"] + "\n" + m["content"] + IM_END + "\n")
        elif m["role"] == "assistant":
            out.append(IM_START + "assistant\n" + assistant_text(m, i > last_user) + IM_END + "\n")
        elif m["role"] == "tool":
            if messages[i - 1]["role"] != "tool":
                out.append(IM_START + "user")
            out.append("\n<tool_response>\n" + m["content"] + "\n</tool_response>")
            if i + 1 == len(messages) or messages[i + 1]["role"] != "tool":
                out.append(IM_END + "\n")
    return "".join(out) + turn_start(thinking)


def turn_start(thinking):
    return IM_START + "assistant\n" + ("<think>\n\n</think>\n\n" if thinking is False else "")


def next_turn(question, thinking):
    """A further question and the start of its answer; goes after the line feed that ends the last answer."""
    return IM_START + "user\n" + question + IM_END + "\n" + turn_start(thinking)


def completion(answer, thought=None):
    """The assistant's turn as the model has to write it, stop marker included."""
    lead = "<think>\n" + thought + "\n</think>\n\n" if thought else ""
    return lead + answer + IM_END
