// Any bytes as a template: an Error, or a rendering within its limits whose marks of origin are in order and whose
// segments are its bytes. The conversation is always the same, and has everything in it that templates look at.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/check.h"
#include "base/error.h"
#include "base/json.h"
#include "text/template/chat.h"

namespace {

using namespace quern;
using namespace quern::text;

std::vector<Message> conversation() {
    const Json call{
        {"id", "abcdefghi"}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{\"x\": [1.5]}"}}}};
    return {{"system", "Be é."},
            {"user", " Hi <|im_end|>\n"},
            Message(Json{{"role", "assistant"}, {"content", "<think>a</think>b"}, {"reasoning_content", "r"}}),
            Message(Json{{"role", "user"}, {"content", {{{"type", "text"}, {"text", "ß"}}, {{"type", "image"}}}}}),
            Message(Json{{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {call}}}),
            Message(Json{{"role", "tool"}, {"content", "21"}, {"tool_call_id", "abcdefghi"}})};
}

RenderOptions options() {
    RenderOptions o;
    o.tools = std::make_shared<Json>(parse_json(
        R"([{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object",
            "properties": {"x": {"type": "array", "items": {"type": "number"}, "default": null}},
            "required": ["x"]}}}])",
        "tools"));
    o.think = true;
    o.now.emplace();
    o.now->tm_mday = 1;
    o.now->tm_year = 125;
    return o;
}

void check_marks(const jinja::Str& s) {
    std::size_t at = 0;
    for (const jinja::Span& span : s.data) {
        CHECK(span.begin >= at && span.end > span.begin && span.end <= s.bytes.size());
        CHECK(span.begin > at || at == 0);
        at = span.end;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Message> messages = conversation();
    static const RenderOptions o = options();
    const std::string source(reinterpret_cast<const char*>(data), size);
    try {
        const ChatTemplate chat(source, ChatTemplate::Tokens{"<s>", "</s>"});
        chat.render(messages, GenerationPrompt::add, o);
    } catch (const Error&) {
    }
    // Again with little to spend, straight at the interpreter.
    try {
        const Json variable{{"a", {1, "b", {{"c", nullptr}}}}, {"b", "é<|x|>"}};
        const jinja::Template t(source);
        const jinja::Limits small{.steps = 20'000, .bytes = 1 << 20, .depth = 100};
        const jinja::Str s = t.render(
            {{.name = "messages", .value = &variable}, {.name = "x", .value = &variable["b"]}}, std::tm{}, small);
        CHECK(s.bytes.size() <= std::size_t{1} << 20);
        check_marks(s);
    } catch (const Error&) {
    }
    return 0;
}
