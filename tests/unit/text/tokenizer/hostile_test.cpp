// Vocabularies and texts that try to take all memory or time: each ends in an Error or a result, at once.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>

#include "../metadata_for_tests.h"
#include "base/error.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/tokenizer.h"

namespace quern::text {
namespace {

using Ids = std::vector<std::int32_t>;
const std::string mark = "\xE2\x96\x81";

double seconds(const std::function<void()>& run) {
    const auto start = std::chrono::steady_clock::now();
    run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

gguf::Metadata of_model(const char* model) {
    if (std::string_view(model) == "gpt2") return byte_level_metadata({"a a", "aa aa"}, {{"<x>", 4}, {"<unk>", 2}});
    std::vector<std::string> pieces = {"a", "aa", "aaaa", mark, mark + "a"};
    gguf::Metadata m = sentencepiece_metadata(pieces, {{"<x>", 4}});
    m.set("tokenizer.ggml.model", std::string(model));
    m.set("tokenizer.ggml.merges", strings_value({"a a", "aa aa", mark + " a"}));
    return m;
}
constexpr const char* models[] = {"gpt2", "llama", "gemma4", "t5", "bert"};

// Two gibibytes that no memory stands behind.
TEST(Hostile, TextsBeyondTheBoundAreRefusedUnread) {
    constexpr std::size_t size = std::size_t{1} << 31;
    void* place = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT_NE(place, MAP_FAILED);
    const std::string_view text(static_cast<const char*>(place), size);
    for (const char* model : models) {
        const auto t = Tokenizer::from_gguf(of_model(model));
        const double took = seconds([&] {
            EXPECT_THROW(t->encode(text, Specials::as_text), Error);
            EXPECT_THROW(t->encode_with_spans(text, Specials::as_text), Error);
            EXPECT_THROW(t->encode_with_spans(text.substr(0, 33 << 20), Specials::as_text), Error);
        });
        EXPECT_LT(took, 1) << model;
    }
    munmap(place, size);
}

std::string refused(const gguf::Metadata& m) {
    try {
        Tokenizer::from_gguf(m);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

TEST(Hostile, VocabulariesAreRefusedByWhatIsWrong) {
    for (const char* model : models) {
        const auto with = [&](const std::string& token) {
            gguf::Metadata m = of_model(model);
            const auto old = *m.strings("tokenizer.ggml.tokens");
            std::vector<std::string> tokens(old.begin(), old.end());
            tokens[257] = token;
            m.set("tokenizer.ggml.tokens", strings_value(tokens));
            return m;
        };
        const double took = seconds([&] {
            EXPECT_NE(refused(with(std::string(1 << 20, 'a'))).find("1048576 bytes"), std::string::npos) << model;
            EXPECT_NE(refused(with(std::string("a\0a", 3))).find("zero byte"), std::string::npos) << model;
            EXPECT_NE(refused(with("<x>")).find("both '<x>'"), std::string::npos) << model;
        });
        EXPECT_LT(took, 1) << model;
    }
    gguf::Metadata twice = of_model("gpt2");
    twice.set("tokenizer.ggml.merges", strings_value({"a a", "aa aa", "a a"}));
    EXPECT_NE(refused(twice).find("tokenizer.ggml.merges[2]"), std::string::npos);
    // A merge joins two texts, so none can lead back to its parts; what claims to has no token.
    gguf::Metadata cycle = of_model("gpt2");
    cycle.set("tokenizer.ggml.merges", strings_value({"a a", "aa a", "aaa aa"}));
    EXPECT_NE(refused(cycle).find("tokenizer.ggml.merges[1]"), std::string::npos);
    for (const char* model : {"bert", "t5"}) {
        const gguf::Metadata whole = of_model(model);
        gguf::Metadata no_unknown;
        for (const auto& entry : whole.entries())
            if (entry.key != "tokenizer.ggml.unknown_token_id") no_unknown.set(entry.key, entry.value);
        std::vector<std::int32_t> types(static_cast<std::size_t>(Tokenizer::from_gguf(whole)->vocab_size()), 1);
        no_unknown.set("tokenizer.ggml.token_type", types_value(types));  // no byte tokens either
        EXPECT_NE(refused(no_unknown).find("unknown_token_id"), std::string::npos) << model;
    }
    for (const Ids& flags : {Ids{5}, Ids{-1, 1}, Ids{1000, 1}, Ids{5, 16}, Ids{5, -1}, Ids{5, 1, 7}}) {
        gguf::Metadata m = of_model("gpt2");
        m.set("quern.tokenizer.added_tokens", types_value(flags));
        EXPECT_NE(refused(m).find("quern.tokenizer.added_tokens"), std::string::npos) << testing::PrintToString(flags);
    }
}

// No step takes time in the square of the text; a single word is the worst there is.
TEST(Hostile, OneWordTakesLinearTime) {
    for (const char* model : models) {
        const auto t = Tokenizer::from_gguf(of_model(model));
        for (const char* unit : {"a", " ", "\u0301", "<", "aaaab", "\xFF"}) {
            std::string text;
            while (text.size() < 200'000) text += unit;
            std::size_t ids = 0, spans = 0;
            const double took = seconds([&] {
                ids = t->encode(text, Specials::parse).size();
                spans = t->encode_with_spans(text, Specials::as_text).spans.size();
            });
            EXPECT_EQ(ids, spans);
            EXPECT_LT(took, 10) << model << " on " << unit;  // a quadratic step would take hours
        }
    }
}

TEST(Hostile, NoDamageToACharsmapLeadsOutOfIt) {
    EXPECT_THROW(Charsmap("abc"), Error);
    EXPECT_THROW(Charsmap(std::string("\x08\0\0\0abcd", 8)), Error);
    EXPECT_THROW(Charsmap(std::string("\x04\0\0\0abcdx", 9)), Error);  // the string has no end
    EXPECT_THROW(Charsmap(std::string("\x03\0\0\0abcx\0", 9)), Error);
    std::uint32_t state = 7;
    for (int round = 0; round < 2000; ++round) {
        std::string bytes("\x40\0\0\0", 4);
        for (int i = 0; i < 64 + 10; ++i) {
            state = state * 1664525 + 1013904223;
            bytes += static_cast<char>(state >> 24);
        }
        bytes += '\0';
        const Charsmap map(bytes);
        for (const char* text : {"a", "abc", "\xFF\xFE", "\u0301\u0302"})
            EXPECT_LE(map.find(text).value_or(Charsmap::Replacement{}).size, std::string_view(text).size());
    }
}

}  // namespace
}  // namespace quern::text
