#include "text/toolcall/syntax.h"

#include <algorithm>

#include "base/check.h"

namespace quern::text {
namespace {

using enum ToolFormat;
using Arguments = CallPattern::Arguments;

constexpr std::string_view named_arguments = R"({"name": "$NAME", "arguments": $ARGUMENTS})";

constexpr ParameterTags function_tags{.function_open = "<function",
                                      .function_close = "</function>",
                                      .key_open = "<parameter",
                                      .key_close = ">",
                                      .value_close = "</parameter>"};

constexpr ParameterTags with_lines(ParameterTags tags) {
    tags.lines = true;
    return tags;
}

constexpr ParameterTags invoke_tags{.function_open = "<invoke",
                                    .function_close = "</invoke>",
                                    .key_open = "<parameter",
                                    .key_close = ">",
                                    .value_close = "</parameter>"};

constexpr ParameterTags dsml_tags{.function_open = "<｜DSML｜invoke",
                                  .function_close = "</｜DSML｜invoke>",
                                  .key_open = "<｜DSML｜parameter",
                                  .key_close = ">",
                                  .value_close = "</｜DSML｜parameter>"};

constexpr ParameterTags glm_tags{
    .key_open = "<arg_key>", .key_close = "</arg_key>", .value_open = "<arg_value>", .value_close = "</arg_value>"};

constexpr Syntax dsml(ToolFormat format, std::string_view before, std::string_view after) {
    return {.format = format,
            .body = CallBody::parameters,
            .openers = {"<｜DSML｜tool_calls>", "<｜DSML｜function_calls>"},
            .call_openers = {"<｜DSML｜invoke"},
            .closers = {"</｜DSML｜tool_calls>", "</｜DSML｜function_calls>", "</｜DSML｜invoke>"},
            .tags = dsml_tags,
            .pattern = {
                .arguments = Arguments::parameters,
                .before = before,
                .call = "<｜DSML｜invoke name=\"$NAME\">\n$ARGUMENTS</｜DSML｜invoke>\n",
                .after = after,
                .text_parameter = "<｜DSML｜parameter name=\"$KEY\" string=\"true\">$VALUE</｜DSML｜parameter>\n",
                .value_parameter = "<｜DSML｜parameter name=\"$KEY\" string=\"false\">$VALUE</｜DSML｜parameter>\n"}};
}

constexpr Syntax deepseek(ToolFormat format, std::string_view call, std::string_view separator) {
    return {
        .format = format,
        .body = CallBody::named_json,
        .openers = {"<｜tool▁calls▁begin｜>"},
        .call_openers = {"<｜tool▁call▁begin｜>"},
        .closers = {"<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"},
        .ignored = {"<｜tool▁sep｜>"},
        .header = HeaderStyle::deepseek,
        .pattern = {
            .before = "<｜tool▁calls▁begin｜>", .call = call, .separator = separator, .after = "<｜tool▁calls▁end｜>"}};
}

// One list of {"name": ..., "arguments": ...} between two markers.
constexpr Syntax list_of_calls(ToolFormat format, std::string_view opener, std::string_view closer,
                               std::string_view before, std::string_view after) {
    return {.format = format,
            .body = CallBody::json_calls,
            .openers = {opener},
            .closers = {closer},
            .pattern = {.before = before, .call = named_arguments, .separator = ", ", .after = after}};
}

constexpr Syntax gemma(ToolFormat format, std::string_view opener, std::string_view closer, std::string_view call,
                       std::string_view quote) {
    return {.format = format,
            .body = CallBody::named_json,
            .openers = {},
            .call_openers = {opener},
            .closers = {closer},
            .header = HeaderStyle::gemma,
            .pattern = {.arguments = Arguments::gemma,
                        .call = call,
                        .text_parameter = "$KEY:$VALUE",
                        .value_parameter = "$KEY:$VALUE",
                        .parameter_separator = ",",
                        .string_quote = quote}};
}

constexpr Syntax calls_in_python(ToolFormat format, Markers openers, Markers closers, char bare,
                                 std::string_view before, std::string_view after) {
    return {.format = format,
            .body = CallBody::json_or_python,
            .openers = openers,
            .closers = closers,
            .bare_opener = bare,
            .pattern = {.arguments = Arguments::python,
                        .before = before,
                        .call = "$NAME($ARGUMENTS)",
                        .separator = ", ",
                        .after = after,
                        .text_parameter = "$KEY=$VALUE",
                        .value_parameter = "$KEY=$VALUE",
                        .parameter_separator = ", ",
                        .string_quote = "\""}};
}

constexpr Syntax table[] = {
    {.format = none},
    {.format = hermes,
     .body = CallBody::json_calls,
     .openers = {"<tool_call>"},
     .closers = {"</tool_call>"},
     .pattern = {.call = "<tool_call>\n{\"name\": \"$NAME\", \"arguments\": $ARGUMENTS}\n</tool_call>",
                 .separator = "\n"}},
    {.format = qwen3_coder,
     .body = CallBody::parameters,
     .openers = {"<tool_call>"},
     .call_openers = {"<function="},  // the tag around it is often forgotten
     .closers = {"</tool_call>"},
     .tags = with_lines(function_tags),
     .pattern = {.arguments = Arguments::parameters,
                 .call = "<tool_call>\n<function=$NAME>\n$ARGUMENTS</function>\n</tool_call>",
                 .separator = "\n",
                 .text_parameter = "<parameter=$KEY>\n$VALUE\n</parameter>\n",
                 .value_parameter = "<parameter=$KEY>\n$VALUE\n</parameter>\n"}},
    {.format = seed_oss,
     .body = CallBody::parameters,
     .openers = {"<seed:tool_call>"},
     .call_openers = {"<function="},
     .closers = {"</seed:tool_call>"},
     .tags = function_tags,
     .pattern = {.arguments = Arguments::parameters,
                 .call = "<seed:tool_call>\n<function=$NAME>\n$ARGUMENTS</function>\n</seed:tool_call>",
                 .separator = "\n",
                 .text_parameter = "<parameter=$KEY>$VALUE</parameter>\n",
                 .value_parameter = "<parameter=$KEY>$VALUE</parameter>\n"}},
    {.format = llama3_json,
     .body = CallBody::json_or_python,
     .openers = {"<|python_tag|>"},
     .closers = {},
     .bare_opener = '{',
     .pattern = {.call = R"({"name": "$NAME", "parameters": $ARGUMENTS})", .separator = "; ", .parallel = false}},
    calls_in_python(pythonic, {"<|python_start|>"}, {"<|python_end|>"}, '[', "[", "]"),
    calls_in_python(lfm2, {"<|tool_call_start|>"}, {"<|tool_call_end|>"}, 0, "<|tool_call_start|>[",
                    "]<|tool_call_end|>"),
    {.format = mistral_list,
     .body = CallBody::named_json,
     .call_openers = {"[TOOL_CALLS]"},
     .header = HeaderStyle::mistral,
     .pattern = {.before = "[TOOL_CALLS][", .call = named_arguments, .separator = ", ", .after = "]"}},
    {.format = mistral_args,
     .body = CallBody::named_json,
     .call_openers = {"[TOOL_CALLS]"},
     .header = HeaderStyle::mistral,
     .pattern = {.call = "[TOOL_CALLS]$NAME[ARGS]$ARGUMENTS"}},
    deepseek(deepseek_v3,
             "<｜tool▁call▁begin｜>function<｜tool▁sep｜>$NAME\n```json\n$ARGUMENTS\n```<｜tool▁call▁end｜>", "\n"),
    deepseek(deepseek_v31, "<｜tool▁call▁begin｜>$NAME<｜tool▁sep｜>$ARGUMENTS<｜tool▁call▁end｜>", ""),
    dsml(deepseek_v32, "<｜DSML｜function_calls>\n", "</｜DSML｜function_calls>"),
    dsml(deepseek_v4, "<｜DSML｜tool_calls>\n", "</｜DSML｜tool_calls>"),
    {.format = harmony,
     .body = CallBody::channels,
     .pattern = {.call = "<|channel|>commentary to=functions.$NAME <|constrain|>json<|message|>$ARGUMENTS",
                 .other_call = " to=functions.$NAME<|channel|>commentary json<|message|>$ARGUMENTS",
                 .parallel = false}},
    {.format = glm4,
     .body = CallBody::parameters,
     .openers = {"<tool_call>"},
     .closers = {"</tool_call>"},
     .tags = glm_tags,
     .pattern = {.arguments = Arguments::parameters,
                 .call = "<tool_call>$NAME\n$ARGUMENTS</tool_call>",
                 .separator = "\n",
                 .text_parameter = "<arg_key>$KEY</arg_key>\n<arg_value>$VALUE</arg_value>\n",
                 .value_parameter = "<arg_key>$KEY</arg_key>\n<arg_value>$VALUE</arg_value>\n"}},
    {.format = kimi_k2,
     .body = CallBody::named_json,
     .openers = {"<|tool_calls_section_begin|>", "<|tool_call_section_begin|>"},
     .call_openers = {"<|tool_call_begin|>"},
     .closers = {"<|tool_call_end|>", "<|tool_calls_section_end|>", "<|tool_call_section_end|>"},
     .ignored = {"<|tool_call_argument_begin|>"},
     .header = HeaderStyle::kimi,
     .pattern = {.before = "<|tool_calls_section_begin|>",
                 .call = "<|tool_call_begin|>functions.$NAME:$INDEX<|tool_call_argument_begin|>$ARGUMENTS"
                         "<|tool_call_end|>",
                 .after = "<|tool_calls_section_end|>"}},
    {.format = minimax_m1,
     .body = CallBody::json_calls,
     .openers = {"<tool_calls>"},
     .closers = {"</tool_calls>"},
     .pattern = {.before = "<tool_calls>\n", .call = named_arguments, .separator = "\n", .after = "\n</tool_calls>"}},
    {.format = minimax_m2,
     .body = CallBody::parameters,
     .openers = {"<minimax:tool_call>"},
     .closers = {"</minimax:tool_call>"},
     .tags = invoke_tags,
     .pattern = {.arguments = Arguments::parameters,
                 .before = "<minimax:tool_call>\n",
                 .call = "<invoke name=\"$NAME\">\n$ARGUMENTS</invoke>\n",
                 .after = "</minimax:tool_call>",
                 .text_parameter = "<parameter name=\"$KEY\">$VALUE</parameter>\n",
                 .value_parameter = "<parameter name=\"$KEY\">$VALUE</parameter>\n"}},
    gemma(gemma4, "<|tool_call>", "<tool_call|>", "<|tool_call>call:$NAME{$ARGUMENTS}<tool_call|>", "<|\"|>"),
    gemma(function_gemma, "<start_function_call>", "<end_function_call>",
          "<start_function_call>call:$NAME{$ARGUMENTS}<end_function_call>", "<escape>"),
    {.format = granite,
     .body = CallBody::json_calls,
     .openers = {"<|tool_call|>", "<tool_call>"},
     .closers = {"</tool_call>"},
     .answer_open = "<response>",
     .answer_close = "</response>",
     .pattern = {.before = "<|tool_call|>[", .call = named_arguments, .separator = ", ", .after = "]"}},
    {.format = command_r7b,
     .body = CallBody::json_calls,
     .openers = {"<|START_ACTION|>"},
     .closers = {"<|END_ACTION|>"},
     .ignored = {"<|START_RESPONSE|>", "<|END_RESPONSE|>"},
     .pattern = {.before = "<|START_ACTION|>[\n    ",
                 .call = R"({"tool_call_id": "$INDEX", "tool_name": "$NAME", "parameters": $ARGUMENTS})",
                 .separator = ",\n    ",
                 .after = "\n]<|END_ACTION|>"}},
    {.format = apertus,
     .body = CallBody::json_calls,
     .openers = {"<|tools_prefix|>"},
     .closers = {"<|tools_suffix|>"},
     .pattern = {.before = "<|tools_prefix|>[",
                 .call = R"({"$NAME": $ARGUMENTS})",
                 .separator = ", ",
                 .after = "]<|tools_suffix|>"}},
    list_of_calls(nemotron_v2, "<TOOLCALL>", "</TOOLCALL>", "<TOOLCALL>[", "]</TOOLCALL>"),
    {.format = command_r,
     .body = CallBody::json_calls,
     .openers = {"Action: ```json", "Action:```json"},
     .pattern = {.before = "Action: ```json\n[\n    ",
                 .call = "{\n        \"tool_name\": \"$NAME\",\n        \"parameters\": $ARGUMENTS\n    }",
                 .separator = ",\n    ",
                 .after = "\n]```"}},
};

constexpr std::string_view placeholders[] = {"NAME", "INDEX", "ARGUMENTS", "KEY", "VALUE"};

// The opener that this beginning of a written call contains at its start, or nothing.
std::string_view leading_opener(const Syntax& s, std::string_view written) {
    for (const Markers& markers : {s.openers, s.call_openers})
        for (const std::string_view m : markers)
            if (!m.empty() && written.starts_with(m)) return m;
    return {};
}

}  // namespace

const Syntax& syntax(ToolFormat format) {
    const auto at = static_cast<std::size_t>(format);
    CHECK(at < std::size(table) && table[at].format == format);
    return table[at];
}

Triggers triggers(ToolFormat format) {
    const Syntax& s = syntax(format);
    Triggers t;
    if (s.body == CallBody::none) return t;
    const auto literal = [](std::string_view pattern) { return pattern.substr(0, pattern.find('$')); };
    const std::string_view written = s.pattern.before.empty() ? literal(s.pattern.call) : s.pattern.before;
    const std::string_view opener = leading_opener(s, written);
    if (!opener.empty())
        t.anywhere.push_back(opener);
    else if (s.bare_opener != 0)
        t.at_start.push_back(written);
    else
        t.anywhere.push_back(written);
    if (!s.pattern.other_call.empty()) t.anywhere.push_back(literal(s.pattern.other_call));
    return t;
}

std::vector<PatternPiece> pieces(std::string_view pattern) {
    std::vector<PatternPiece> out;
    while (!pattern.empty()) {
        const std::size_t dollar = pattern.find('$');
        if (dollar > 0) out.push_back({true, pattern.substr(0, dollar)});
        if (dollar == pattern.npos) break;
        pattern.remove_prefix(dollar + 1);
        const auto* name = std::find_if(std::begin(placeholders), std::end(placeholders),
                                        [&](std::string_view p) { return pattern.starts_with(p); });
        CHECK(name != std::end(placeholders));
        out.push_back({false, *name});
        pattern.remove_prefix(name->size());
    }
    return out;
}

}  // namespace quern::text
