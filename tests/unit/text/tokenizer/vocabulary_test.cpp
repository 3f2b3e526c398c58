#include "text/tokenizer/vocabulary.h"

#include <gtest/gtest.h>

#include "../metadata_for_tests.h"
#include "base/error.h"

namespace quern::text {
namespace {

gguf::Metadata three_tokens() {
    gguf::Metadata m;
    m.set("tokenizer.ggml.tokens", strings_value({"a", "b", "<|im_end|>"}));
    m.set("tokenizer.ggml.token_type", types_value({1, 4, 3}));
    return m;
}

void expect_refused(const gguf::Metadata& m, std::string_view named) {
    try {
        Vocabulary v(m);
        ADD_FAILURE() << "accepted a file whose " << named << " is wrong";
    } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::bad_file);
        EXPECT_NE(std::string_view(e.what()).find(named), std::string_view::npos) << e.what();
    }
}

TEST(Vocabulary, ReadsTextsTypesAndIds) {
    gguf::Metadata m = three_tokens();
    m.set("tokenizer.ggml.bos_token_id", std::int64_t{0});
    m.set("tokenizer.ggml.padding_token_id", std::uint32_t{1});
    const Vocabulary v(m);
    EXPECT_EQ(v.size(), 3);
    EXPECT_EQ(v.text(1), "b");
    EXPECT_EQ(v.type(1), TokenType::user_defined);
    EXPECT_EQ(v.find("b"), 1);
    EXPECT_EQ(v.find("c"), std::nullopt);
    EXPECT_EQ(v.bos, 0);
    EXPECT_EQ(v.pad, 1);
    EXPECT_EQ(v.eos, std::nullopt);
    EXPECT_FALSE(v.contains(3));
    EXPECT_FALSE(v.contains(-1));
}

TEST(Vocabulary, EndsOfGenerationComeFromKeysAndTexts) {
    gguf::Metadata m = three_tokens();
    m.set("tokenizer.ggml.eos_token_id", std::uint32_t{1});
    const Vocabulary v(m);
    EXPECT_EQ(v.end_of_generation, (std::vector<std::int32_t>{1, 2}));
    EXPECT_EQ(v.eot, 2);
}

TEST(Vocabulary, MarkersMislabelledAsTextAreControl) {
    gguf::Metadata m;
    m.set("tokenizer.ggml.tokens", strings_value({"<|im_start|>", "<|im_end|>", "<|eot_id|>", "<think>"}));
    m.set("tokenizer.ggml.token_type", types_value({1, 4, 1, 4}));
    const Vocabulary v(m);
    for (int id = 0; id < 3; ++id) EXPECT_EQ(v.type(id), TokenType::control) << id;
    EXPECT_EQ(v.type(3), TokenType::user_defined);
}

TEST(Vocabulary, HarmonysEndOfMessageIsNotTheEnd) {
    gguf::Metadata m;
    m.set("tokenizer.ggml.tokens", strings_value({"<|end|>", "<|return|>", "<|call|>"}));
    m.set("tokenizer.ggml.token_type", types_value({3, 3, 3}));
    EXPECT_EQ(Vocabulary(m).end_of_generation, (std::vector<std::int32_t>{1, 2}));
}

TEST(Vocabulary, RefusesWhatContradictsItself) {
    expect_refused(gguf::Metadata(), "tokenizer.ggml.tokens");
    gguf::Metadata m = three_tokens();
    m.set("tokenizer.ggml.tokens", strings_value({}));
    expect_refused(m, "tokenizer.ggml.tokens");
    m = three_tokens();
    m.set("tokenizer.ggml.tokens", types_value({1, 2, 3}));
    expect_refused(m, "tokenizer.ggml.tokens");
    m = three_tokens();
    m.set("tokenizer.ggml.tokens", strings_value({"a", "b", "a"}));
    expect_refused(m, "tokenizer.ggml.tokens[0] and [2]");
    for (const auto& types : {std::vector<std::int32_t>{1, 1}, {1, 1, 1, 1}, {}}) {
        m = three_tokens();
        m.set("tokenizer.ggml.token_type", types_value(types));
        expect_refused(m, "tokenizer.ggml.token_type");
    }
    for (const std::int32_t type : {0, 7, -1, 1 << 30}) {
        m = three_tokens();
        m.set("tokenizer.ggml.token_type", types_value({1, type, 1}));
        expect_refused(m, "tokenizer.ggml.token_type[1]");
    }
    for (const char* key : {"bos", "eos", "eot", "eom", "padding", "unknown"}) {
        const std::string full = std::string("tokenizer.ggml.") + key + "_token_id";
        for (const std::int64_t id : {std::int64_t{3}, std::int64_t{-1}, std::int64_t{1} << 40}) {
            m = three_tokens();
            m.set(full, id);
            expect_refused(m, full);
        }
        m = three_tokens();
        m.set(full, std::string("0"));
        expect_refused(m, full);
    }
}

TEST(Vocabulary, NamelessTokensMayRepeatAndAreNeverFound) {
    gguf::Metadata m = three_tokens();
    m.set("tokenizer.ggml.tokens", strings_value({"", "b", ""}));
    const Vocabulary v(m);
    EXPECT_EQ(v.find(""), std::nullopt);
}

TEST(Vocabulary, TextsMayHoldAnyBytesButZeroUpToABound) {
    gguf::Metadata m = three_tokens();
    const std::string long_one(16 << 10, 'x');
    m.set("tokenizer.ggml.tokens", strings_value({long_one, "\x01\x7F", "\xFF\xC0"}));
    const Vocabulary v(m);
    EXPECT_EQ(v.find(long_one), 0);
    EXPECT_EQ(v.find("a"), std::nullopt);
    EXPECT_EQ(v.find("\xFF\xC0"), 2);
    for (const std::string& bad : {long_one + "x", std::string(1 << 20, 'x'), std::string("a\0b", 3)}) {
        m.set("tokenizer.ggml.tokens", strings_value({"a", bad, "c"}));
        try {
            Vocabulary refused(m);
            ADD_FAILURE() << "accepted";
        } catch (const Error& e) {
            EXPECT_NE(std::string(e.what()).find("tokenizer.ggml.tokens[1]"), std::string::npos) << e.what();
        }
    }
}

}  // namespace
}  // namespace quern::text
