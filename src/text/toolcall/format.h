// In which notation a model writes its tool calls and its thinking. One enumerator per notation that differs on the
// wire, with the stable name used in reports and model facts. What each looks like is data in syntax.h; how it is read
// is parser.h. Which model uses which is not known here: the facts of a chat template say so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace quern::text {

enum class ToolFormat {
    none,          // no calls: every text is content or thinking
    hermes,        // <tool_call>{"name": ..., "arguments": {...}}</tool_call>: Hermes, Qwen 2.5 and 3, MiMo, Granite 4
    qwen3_coder,   // <tool_call><function=NAME><parameter=KEY>: Qwen3-Coder, Qwen 3.5, Nemotron 3
    seed_oss,      // the same inside <seed:tool_call>
    llama3_json,   // the whole answer is {"name": ..., "parameters": {...}}, or <|python_tag|> and that: Llama 3.1, 3.3
    pythonic,      // the whole answer is [NAME(key=value, ...), ...]: Llama 3.2 and 4, Gemma 3
    lfm2,          // <|tool_call_start|>[NAME(key=value, ...)]<|tool_call_end|>
    mistral_list,  // [TOOL_CALLS][{"name": ..., "arguments": {...}}]: Mistral up to Nemo
    mistral_args,  // [TOOL_CALLS]NAME[ARGS]{...}: Devstral, Magistral, Ministral 3
    deepseek_v3,   // <｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME, then a fenced JSON block: V3, R1
    deepseek_v31,  // <｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{...}: V3.1
    deepseek_v32,  // DSML in a block of <｜DSML｜function_calls>
    deepseek_v4,   // DSML in a block of <｜DSML｜tool_calls>
    harmony,       // gpt-oss: channels analysis, commentary, final; a call is a message with a recipient
    glm4,          // <tool_call>NAME<arg_key>KEY</arg_key><arg_value>VALUE</arg_value>: GLM 4.5 to 4.7
    kimi_k2,       // <|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{...}<|tool_call_end|>
    minimax_m1,    // <tool_calls> and one JSON object per line
    minimax_m2,    // <minimax:tool_call><invoke name="NAME"><parameter name="KEY">
    gemma4,        // <|tool_call>call:NAME{key:<|"|>text<|"|>,n:1}<tool_call|>
    function_gemma,  // <start_function_call>call:NAME{key:<escape>text<escape>}<end_function_call>
    granite,         // <|tool_call|>[{"name": ..., "arguments": {...}}]: Granite 3
    command_r7b,     // <|START_ACTION|>[{"tool_name": ..., "parameters": {...}}]<|END_ACTION|>
    apertus,         // <|tools_prefix|>[{NAME: {...}}]<|tools_suffix|>
    nemotron_v2,     // <TOOLCALL>[{"name": ..., "arguments": {...}}]</TOOLCALL>
    command_r,       // Action: ```json [{"tool_name": ..., "parameters": {...}}]```: Command R and R+ of 2024
};

struct ToolFormatName {
    ToolFormat format;
    std::string_view name;
};

// All of them, in the order of the enumerators.
std::span<const ToolFormatName> tool_formats();
// "hermes", "qwen3_coder", ...: the enumerator's own name.
std::string_view tool_format_name(ToolFormat format);
std::optional<ToolFormat> find_tool_format(std::string_view name);

// What surrounds thinking, as the tokenizer shows it: "<think>" and "</think>". Both empty: the model does not think,
// or its notation says so in its own way (Harmony).
struct ThinkingMarkers {
    std::string open;
    std::string close;
    bool operator==(const ThinkingMarkers&) const = default;
};

}  // namespace quern::text
