#include "text/tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <thread>

#include "../metadata_for_tests.h"
#include "base/error.h"

namespace quern::text {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(Tokenizer, SaysWhatTheFileSays) {
    gguf::Metadata m = byte_level_metadata({"a b"}, {{"<s>", 3}, {"<|im_end|>", 3}, {"<tag>", 4}});
    m.set("tokenizer.ggml.bos_token_id", std::uint32_t{257});
    m.set("tokenizer.ggml.eos_token_id", std::uint32_t{258});
    const auto t = Tokenizer::from_gguf(m);
    EXPECT_EQ(t->vocab_size(), 260);
    EXPECT_EQ(t->bos(), 257);
    EXPECT_EQ(t->eos(), 258);
    EXPECT_EQ(t->eot(), 258);
    EXPECT_EQ(t->pad(), std::nullopt);
    EXPECT_EQ(t->find("<tag>"), 259);
    EXPECT_EQ(t->type(259), TokenType::user_defined);
    EXPECT_TRUE(t->is_end_of_generation(258));
    EXPECT_FALSE(t->is_end_of_generation(257));
    EXPECT_EQ(t->piece('\n'), "\n");
    EXPECT_EQ(t->piece(255), "\xFF");
    EXPECT_FALSE(t->adds_space_prefix());
}

TEST(Tokenizer, BeginAndEndFollowTheFileThenTheFamily) {
    const auto bos = [](const char* pre, std::optional<bool> said) {
        gguf::Metadata m = byte_level_metadata({}, {{"<s>", 3}}, pre);
        m.set("tokenizer.ggml.bos_token_id", std::uint32_t{256});
        if (said) m.set("tokenizer.ggml.add_bos_token", *said);
        return Tokenizer::from_gguf(m)->add_bos();
    };
    EXPECT_FALSE(bos("qwen2", std::nullopt));
    EXPECT_TRUE(bos("qwen2", true));
    EXPECT_TRUE(bos("llama-bpe", std::nullopt));
    EXPECT_FALSE(bos("llama-bpe", false));
    EXPECT_TRUE(Tokenizer::from_gguf(sentencepiece_metadata({}))->add_bos());
    EXPECT_FALSE(Tokenizer::from_gguf(sentencepiece_metadata({}))->add_eos());
    EXPECT_FALSE(Tokenizer::from_gguf(byte_level_metadata({}, {}, "llama-bpe"))->add_bos());  // there is no such token

    gguf::Metadata m = byte_level_metadata({}, {});
    m.set("tokenizer.ggml.add_eos_token", true);
    EXPECT_THROW(Tokenizer::from_gguf(m), Error);
}

TEST(Tokenizer, ControlTokensAreTextUnlessParsed) {
    const auto t = Tokenizer::from_gguf(byte_level_metadata({}, {{"<s>", 3}, {"<t>", 4}, {"<unk>", 2}}));
    EXPECT_EQ(t->encode("<s>", Specials::as_text), (Ids{'<', 's', '>'}));
    EXPECT_EQ(t->encode("<unk>", Specials::as_text), (Ids{'<', 'u', 'n', 'k', '>'}));
    EXPECT_EQ(t->encode("<s>", Specials::parse), Ids{256});
    EXPECT_EQ(t->encode("<unk>", Specials::parse), Ids{258});
    EXPECT_EQ(t->encode("a<t>b", Specials::as_text), (Ids{'a', 257, 'b'}));
    EXPECT_EQ(t->decode(Ids{256, 'a', 257}, Controls::hide), "a<t>");
    EXPECT_EQ(t->decode(Ids{256, 'a', 257}, Controls::show), "<s>a<t>");
}

TEST(Tokenizer, IdsOutsideAreErrors) {
    const auto t = Tokenizer::from_gguf(byte_level_metadata({}, {}));
    for (const std::int32_t id : {-1, 256, 1 << 30}) {
        EXPECT_THROW(t->piece(id), Error);
        EXPECT_THROW(t->type(id), Error);
        EXPECT_THROW(t->decode(Ids{id}, Controls::show), Error);
        EXPECT_FALSE(t->is_end_of_generation(id));
    }
}

TEST(Tokenizer, UnknownModelsAreNamed) {
    gguf::Metadata m = byte_level_metadata({}, {});
    for (const char* model : {"plamo2", "none", "rwkv", ""}) {
        m.set("tokenizer.ggml.model", std::string(model));
        try {
            Tokenizer::from_gguf(m);
            ADD_FAILURE() << model;
        } catch (const Error& e) {
            EXPECT_EQ(e.code, Code::unsupported);
            EXPECT_NE(std::string(e.what()).find("'" + std::string(model) + "'"), std::string::npos) << e.what();
        }
    }
    m.set("tokenizer.ggml.model", std::uint32_t{1});
    EXPECT_THROW(Tokenizer::from_gguf(m), Error);
}

TEST(Tokenizer, ThreadsMayShareOne) {
    // The scratch memory of one call must not leak into another's.
    const auto t = Tokenizer::from_gguf(byte_level_metadata({"a b", "ab c", "d d"}, {}));
    const std::string text = "abc ddd abab cab " + std::string(100, 'd');
    const Ids expected = t->encode(text, Specials::as_text);
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 200; ++n) wrong += t->encode(text, Specials::as_text) != expected;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace quern::text
