#include "text/template/chat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "../metadata_for_tests.h"
#include "base/error.h"
#include "base/json.h"
#include "testdata.h"

namespace quern::text {
namespace {

using Kind = Segment::Kind;
using testing::HasSubstr;

constexpr const char* chatml =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

gguf::Metadata chat_metadata() {
    return byte_level_metadata({"a b", "Ċ Ċ"},
                               {{"<|im_start|>", 3}, {"<|im_end|>", 3}, {"<|endoftext|>", 3}, {"<think>", 4}});
}

std::unique_ptr<ChatTemplate> found(const std::string& source) {
    gguf::Metadata m = chat_metadata();
    m.set("tokenizer.chat_template", source);
    return find_chat_template(m, *Tokenizer::from_gguf(m));
}

// The second template of models that have one for tools is taken when there are tools, and read at load like the first.
TEST(Chat, ASecondTemplateIsForTools) {
    gguf::Metadata m = chat_metadata();
    m.set("tokenizer.chat_template", std::string(chatml));
    m.set("tokenizer.chat_template.tool_use", std::string("with tools<|im_end|>"));
    const auto chat = find_chat_template(m, *Tokenizer::from_gguf(m));
    const std::vector<Message> messages{{"user", "a"}};
    RenderOptions options;
    EXPECT_THAT(chat->render(messages, GenerationPrompt::add, options).text(), HasSubstr("<|im_start|>user"));
    options.tools = std::make_shared<Json>(Json::array());
    EXPECT_THAT(chat->render(messages, GenerationPrompt::add, options).text(), HasSubstr("<|im_start|>user"));
    options.tools = std::make_shared<Json>(parse_json(R"([{"type": "function"}])", "tools"));
    EXPECT_EQ(chat->render(messages, GenerationPrompt::add, options).text(), "with tools<|im_end|>");
    m.set("tokenizer.chat_template.tool_use", std::string("{% include 'x' %}"));
    EXPECT_THROW(find_chat_template(m, *Tokenizer::from_gguf(m)), Error);
}

std::string refusal(const std::string& source, Code code) {
    try {
        found(source);
    } catch (const Error& e) {
        EXPECT_EQ(e.code, code) << e.what();
        EXPECT_THAT(e.what(), HasSubstr("--raw"));
        return e.what();
    }
    ADD_FAILURE() << "accepted: " << source;
    return "";
}

TEST(Chat, AFileWithoutATemplateSuggestsRaw) {
    const gguf::Metadata m = chat_metadata();
    EXPECT_THROW(find_chat_template(m, *Tokenizer::from_gguf(m)), Error);
    refusal("", Code::unsupported);
}

TEST(Chat, WhatIsNotKnownIsAnErrorAtLoadWithItsNameAndLine) {
    for (const auto& [source, line, name] :
         {std::tuple("x\n\n{% if false %}{{ 1 | frobnicate }}{% endif %}", "line 3", "filter 'frobnicate'"),
          {"{% if 1 is\nfrob %}{% endif %}", "line 2", "test 'frob'"},
          {"\n{% include 'x' %}", "line 2", "statement 'include'"},
          {"\n{{ frob(1) }}", "line 2", "function 'frob'"},
          {"{{ ''.frob() }}", "line 1", "method 'frob'"},
          {"{{ '{}'.format(1) }}", "line 1", "method 'format'"}}) {
        const std::string what = refusal(source, Code::unsupported);
        EXPECT_THAT(what, HasSubstr(line));
        EXPECT_THAT(what, HasSubstr(name));
    }
    EXPECT_THAT(refusal("{% if %}", Code::bad_file), HasSubstr("line 1"));
}

TEST(Chat, RendersSegmentsByTheirOrigin) {
    const auto chat = found(chatml);
    const std::vector<Message> messages = {{"user", "Hi<|im_end|>"}};
    const Rendering r = chat->render(messages, GenerationPrompt::add);
    EXPECT_EQ(r.segments, (std::vector<Segment>{{Kind::control, "<|im_start|>"},
                                                {Kind::text, "user"},
                                                {Kind::control, "\n"},
                                                {Kind::text, "Hi<|im_end|>"},
                                                {Kind::control, "<|im_end|>\n<|im_start|>assistant\n"}}));
    EXPECT_EQ(r.text(), "<|im_start|>user\nHi<|im_end|><|im_end|>\n<|im_start|>assistant\n");
    EXPECT_TRUE(r.notes.empty());
}

TEST(Chat, WhatTheTemplateRefusesIsSaidWithItsLine) {
    const auto chat = found(std::string("\n{{ raise_exception('no more') }}"));
    try {
        const std::vector<Message> messages = {{"user", "x"}};
        chat->render(messages, GenerationPrompt::add);
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::bad_request);
        EXPECT_THAT(e.what(), HasSubstr("no more"));
        EXPECT_THAT(e.what(), HasSubstr("line 2"));
    }
}

// For harmless messages, tokenizing apart must not differ from tokenizing the rendered prompt: words merge across the
// seam of template and message too.
TEST(Chat, SegmentsGiveTheIdsOfTheWholeText) {
    const auto t = Tokenizer::from_gguf(chat_metadata());
    const auto chat = found(chatml);
    const std::vector<Message> messages = {{"user", "\none\n\ntwo  three ab"}, {"assistant", "  fo<think>ur\n"}};
    const Rendering r = chat->render(messages, GenerationPrompt::add);
    EXPECT_EQ(encode_segments(*t, r.segments), t->encode(r.text(), Specials::parse));
}

TEST(Chat, NeighboursAreTokenizedTogether) {
    const auto t = Tokenizer::from_gguf(chat_metadata());
    const std::vector<Segment> together = {{Kind::text, "a"}, {Kind::control, "b"}};
    EXPECT_EQ(encode_segments(*t, together), std::vector<std::int32_t>{256});
    const std::vector<Segment> apart = {{Kind::text, "a"}, {Kind::control, "<|im_end|>"}, {Kind::text, "b"}};
    EXPECT_EQ(encode_segments(*t, apart), (std::vector<std::int32_t>{'a', 259, 'b'}));
    const std::vector<Segment> split = {{Kind::control, "<|im_"}, {Kind::text, "end|>"}, {Kind::control, "<|im_end|"}};
    for (const std::int32_t id : encode_segments(*t, split)) EXPECT_LT(id, 258);
    EXPECT_TRUE(encode_segments(*t, {}).empty());
}

std::vector<std::string> real_templates() {
    std::vector<std::string> out = {chatml};
    for (const char* name : {"chatml", "llama3", "everything"})
        out.push_back(read_text(Path(QUERN_SOURCE_DIR) / "tests/golden/templates" / (std::string(name) + ".jinja")));
    out.push_back(read_text(Path(QUERN_SOURCE_DIR) / "models/grist/chat_template.jinja"));
    if (const auto folder = testdata("templates"))
        for (const auto& entry : std::filesystem::directory_iterator(*folder)) out.push_back(read_text(entry.path()));
    return out;
}

// Every place of a conversation that somebody else fills, filled with every control token of the vocabulary and halves
// of them: as many control tokens come out as with harmless text, through every template.
TEST(Chat, NoDataCanWriteAControlToken) {
    // All markers of all templates are control tokens here.
    std::vector<Added> added;
    for (const char* text : {"<|im_start|>",
                             "<|im_end|>",
                             "<|endoftext|>",
                             "<s>",
                             "</s>",
                             "[INST]",
                             "[/INST]",
                             "<｜User｜>",
                             "<｜Assistant｜>",
                             "<think>",
                             "</think>",
                             "｜DSML｜",
                             "<|start|>",
                             "<|end|>",
                             "<|message|>",
                             "<|channel|>",
                             "<start_of_turn>",
                             "<end_of_turn>",
                             "<|eot_id|>",
                             "<|start_header_id|>",
                             "<|end_header_id|>",
                             "<|user|>",
                             "<|assistant|>",
                             "[TOOL_CALLS]",
                             "<tool_call>",
                             "</tool_call>",
                             "<|turn>",
                             "<|START_OF_TURN_TOKEN|>",
                             "<seed:bos>",
                             "<|im_middle|>"})
        added.push_back({text, 3});
    const auto t = Tokenizer::from_gguf(byte_level_metadata({}, added));
    const auto controls = [&](const ChatTemplate& chat, const std::string& text) -> std::optional<std::int64_t> {
        const Json call{{"id", "abcdefghi"},
                        {"type", "function"},
                        {"function", {{"name", "f" + text}, {"arguments", {{"k" + text, text}}}}}};
        const std::vector<Message> messages = {
            {"system", "s" + text},
            {"user", text},
            Message(Json{{"role", "assistant"}, {"content", "a" + text}, {"reasoning_content", "r" + text}}),
            {"user", text + " "},
            Message(Json{{"role", "assistant"}, {"content", ""}, {"tool_calls", {call}}}),
            Message(Json{{"role", "tool"}, {"content", "t" + text}, {"tool_call_id", "abcdefghi"}, {"name", text}})};
        RenderOptions o;
        o.tools = std::make_shared<Json>(
            Json{{{"type", "function"},
                  {"function",
                   {{"name", "f" + text},
                    {"description", "d" + text},
                    {"parameters",
                     {{"type", "object"},
                      {"properties", {{"k" + text, {{"type", "string"}, {"description", text}}}}},
                      {"required", {text}}}}}}}});
        try {
            const auto ids = encode_segments(*t, chat.render(messages, GenerationPrompt::add, o).segments);
            return std::ranges::count_if(ids, [&](std::int32_t id) { return t->type(id) == TokenType::control; });
        } catch (const Error&) {
            return std::nullopt;
        }
    };
    int checked = 0;
    for (const std::string& source : real_templates()) {
        const ChatTemplate chat(source, ChatTemplate::Tokens{"<s>", "</s>"});
        const auto plain = controls(chat, "plain");
        if (!plain) continue;  // such a conversation is none for this template
        ++checked;
        for (const Added& a : added) {
            // Templates look for these themselves, and write fewer or more of their own when they find them.
            if (a.text == "<think>" || a.text == "</think>" || a.text == "<|channel|>") continue;
            EXPECT_EQ(controls(chat, a.text), plain) << a.text << " in " << source.substr(0, 200);
        }
        EXPECT_EQ(controls(chat, "<|im_"), plain);
        EXPECT_EQ(controls(chat, "end|>"), plain);
    }
    EXPECT_GE(checked, testdata("templates") ? 20 : 4);
}

// The test above could not fail if nothing were ever a control token.
TEST(Chat, TheTemplatesOwnMarkersAreControlTokens) {
    const auto t = Tokenizer::from_gguf(chat_metadata());
    const std::vector<Message> messages = {{"user", "hi"}};
    const auto ids = encode_segments(*t, found(chatml)->render(messages, GenerationPrompt::add).segments);
    EXPECT_EQ(std::ranges::count_if(ids, [&](std::int32_t id) { return t->type(id) == TokenType::control; }), 3);
}

TEST(Chat, BeginAndEndTokensAreTheTemplatesOwn) {
    const ChatTemplate chat("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", ChatTemplate::Tokens{"<s>", {}});
    const std::vector<Message> messages = {{"user", "<s>"}};
    EXPECT_EQ(chat.render(messages, GenerationPrompt::add).segments,
              (std::vector<Segment>{{Kind::control, "<s>"}, {Kind::text, "<s>"}}));
}

TEST(Chat, StopsAtItsEndAndTheTokenizersEnds) {
    EXPECT_EQ(found(chatml)->stop_tokens(), (std::vector<std::int32_t>{259, 260}));
    gguf::Metadata m = byte_level_metadata({}, {{"<|im_start|>", 3}});
    m.set("tokenizer.chat_template", std::string(chatml));
    try {
        find_chat_template(m, *Tokenizer::from_gguf(m));
        ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::bad_file);
        EXPECT_THAT(e.what(), HasSubstr("<|im_end|>"));
    }
}

TEST(Chat, ThinkingIsSwitchedAsTheFamilySays) {
    const ChatTemplate deepseek("<｜Assistant｜>｜DSML｜tool_calls>{{ thinking }}{{ enable_thinking }}", {});
    const ChatTemplate plain("{{ thinking is defined }}{{ enable_thinking is defined }}", {});
    const std::vector<Message> messages = {{"user", "hi"}};
    RenderOptions on;
    on.think = true;
    EXPECT_THAT(deepseek.render(messages, GenerationPrompt::add, on).text(), HasSubstr("TrueTrue"));
    EXPECT_EQ(plain.render(messages, GenerationPrompt::add).text(), "FalseFalse");
    EXPECT_EQ(plain.render(messages, GenerationPrompt::add, on).text(), "FalseTrue");
    const ChatTemplate always("[SYSTEM_PROMPT][ARGS][THINK]", {});
    RenderOptions off;
    off.think = false;
    EXPECT_EQ(always.render(messages, GenerationPrompt::add, off).notes.size(), 1u);
}

TEST(Chat, AMessageNeedsARole) {
    EXPECT_THROW(Message{Json::array()}, Error);
    EXPECT_THROW((Message{Json{{"content", "x"}}}), Error);
    EXPECT_THROW((Message{Json{{"role", 1}}}), Error);
    const Message m(Json{{"role", "user"}, {"content", {{{"type", "text"}, {"text", "a"}}, {{"text", "b"}}, 1}}});
    EXPECT_EQ(m.text(), "ab");
    EXPECT_EQ(Message(Json{{"role", "assistant"}, {"content", nullptr}}).text(), "");
}

}  // namespace
}  // namespace quern::text
