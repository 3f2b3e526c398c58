#include "text/toolcall/format.h"

#include <array>

#include "base/check.h"

namespace quern::text {
namespace {

using enum ToolFormat;

constexpr std::array<ToolFormatName, 25> names{{
    {none, "none"},
    {hermes, "hermes"},
    {qwen3_coder, "qwen3_coder"},
    {seed_oss, "seed_oss"},
    {llama3_json, "llama3_json"},
    {pythonic, "pythonic"},
    {lfm2, "lfm2"},
    {mistral_list, "mistral_list"},
    {mistral_args, "mistral_args"},
    {deepseek_v3, "deepseek_v3"},
    {deepseek_v31, "deepseek_v31"},
    {deepseek_v32, "deepseek_v32"},
    {deepseek_v4, "deepseek_v4"},
    {harmony, "harmony"},
    {glm4, "glm4"},
    {kimi_k2, "kimi_k2"},
    {minimax_m1, "minimax_m1"},
    {minimax_m2, "minimax_m2"},
    {gemma4, "gemma4"},
    {function_gemma, "function_gemma"},
    {granite, "granite"},
    {command_r7b, "command_r7b"},
    {apertus, "apertus"},
    {nemotron_v2, "nemotron_v2"},
    {command_r, "command_r"},
}};

}  // namespace

std::span<const ToolFormatName> tool_formats() { return names; }

std::string_view tool_format_name(ToolFormat format) {
    const auto at = static_cast<std::size_t>(format);
    CHECK(at < names.size() && names[at].format == format);
    return names[at].name;
}

std::optional<ToolFormat> find_tool_format(std::string_view name) {
    for (const ToolFormatName& f : names)
        if (f.name == name) return f.format;
    return std::nullopt;
}

}  // namespace quern::text
