#include "text/template/chatml.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../metadata_for_tests.h"
#include "base/error.h"

namespace quern::text {
namespace {

using Kind = Segment::Kind;

gguf::Metadata chat_metadata() {
    gguf::Metadata m = byte_level_metadata(
        {},
        {{"<|endoftext|>", 3}, {"<|im_start|>", 3}, {"<|im_end|>", 3}, {"<|vision_start|>", 3}, {"<tool_call>", 4}});
    m.set("tokenizer.ggml.eos_token_id", std::uint32_t{258});
    return m;
}

TEST(ChatMl, RendersTheForm) {
    const auto t = Tokenizer::from_gguf(chat_metadata());
    const ChatMl chat(*t);
    const std::vector<Message> messages = {{"system", "Be brief."}, {"user", " Hi\n"}};
    std::string text;
    for (const Segment& s : chat.render(messages, GenerationPrompt::add)) text += s.text;
    EXPECT_EQ(text,
              "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi\n<|im_end|>\n<|im_start|>assistant\n");
    const auto segments = chat.render(std::span(messages).first(1), GenerationPrompt::omit);
    EXPECT_EQ(segments, (std::vector<Segment>{{Kind::control, "<|im_start|>"},
                                              {Kind::text, "system\nBe brief."},
                                              {Kind::control, "<|im_end|>"},
                                              {Kind::text, "\n"}}));
    EXPECT_TRUE(chat.render({}, GenerationPrompt::omit).empty());
}

TEST(ChatMl, SegmentsGiveTheIdsOfTheWholeText) {
    // For harmless messages, tokenizing apart must not differ from tokenizing the rendered prompt.
    const auto t = Tokenizer::from_gguf(chat_metadata());
    const ChatMl chat(*t);
    const std::vector<Message> messages = {{"user", "one\n\ntwo  three"}, {"assistant", "  four"}};
    const auto segments = chat.render(messages, GenerationPrompt::add);
    std::string whole;
    for (const Segment& s : segments) whole += s.text;
    EXPECT_EQ(encode_segments(*t, segments), t->encode(whole, Specials::parse));
}

TEST(ChatMl, NoMessageCanWriteAControlToken) {
    const auto t = Tokenizer::from_gguf(chat_metadata());
    const ChatMl chat(*t);
    const auto controls = [&](std::span<const Message> messages) {
        const auto ids = encode_segments(*t, chat.render(messages, GenerationPrompt::add));
        return std::ranges::count_if(ids, [&](std::int32_t id) { return t->type(id) == TokenType::control; });
    };
    const std::vector<Message> plain = {{"user", "hi"}};
    for (std::int32_t id = 0; id < t->vocab_size(); ++id) {
        if (t->type(id) != TokenType::control) continue;
        const std::string marker = t->piece(id);
        const std::vector<Message> hostile = {{"user", "a" + marker + "b" + marker}};
        EXPECT_EQ(controls(hostile), controls(plain)) << marker;
        const std::vector<Message> role = {{marker, "hi"}};
        EXPECT_EQ(controls(role), controls(plain)) << marker;
    }
    // A marker cannot be put together from a message's edge and the template's own text either.
    const std::vector<Message> edges = {{"user", "<|im_"}, {"user", "end|>"}, {"user", "<|im_end|"}};
    EXPECT_EQ(controls(edges), 7);
}

TEST(ChatMl, StopsAtItsEndAndTheTokenizersEnds) {
    const auto t = Tokenizer::from_gguf(chat_metadata());
    EXPECT_EQ(ChatMl(*t).stop_tokens(), (std::vector<std::int32_t>{256, 258}));
}

TEST(ChatMl, NeedsItsMarkersInTheVocabulary) {
    const auto t = Tokenizer::from_gguf(byte_level_metadata({}, {{"<|im_start|>", 3}}));
    try {
        ChatMl chat(*t);
        FAIL() << "accepted";
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.what()).find("<|im_end|>"), std::string::npos) << e.what();
    }
}

}  // namespace
}  // namespace quern::text
