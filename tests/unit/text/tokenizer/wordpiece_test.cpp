#include "text/tokenizer/wordpiece.h"

#include <gtest/gtest.h>

#include "../golden_files.h"
#include "../metadata_for_tests.h"
#include "text/tokenizer/detokenizer.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

gguf::Metadata wordpiece_metadata(const std::vector<std::string>& tokens) {
    std::vector<std::int32_t> types(tokens.size(), 1);
    for (std::size_t i = 0; i < tokens.size(); ++i)
        if (tokens[i].starts_with('[') && tokens[i].ends_with(']')) types[i] = 3;
    gguf::Metadata m;
    m.set("tokenizer.ggml.model", std::string("bert"));
    m.set("tokenizer.ggml.tokens", strings_value(tokens));
    m.set("tokenizer.ggml.token_type", types_value(types));
    m.set("tokenizer.ggml.unknown_token_id", std::uint32_t{1});
    return m;
}

// Ids, places and decoded text of Hugging Face tokenizers.
TEST(WordPiece, EncodesAndDecodesAsTheReference) {
    const std::vector<std::string> strings = golden_strings();
    const Json file = golden("wordpiece.json");
    for (const auto& [name, model] : file.items()) {
        gguf::Metadata m = wordpiece_metadata(model["tokens"]);
        m.set("tokenizer.ggml.normalizer.lowercase", model["lowercase"].get<bool>());
        m.set("tokenizer.ggml.normalizer.strip_accents", model["strip_accents"].get<bool>());
        const auto tokenizer = Tokenizer::from_gguf(m);
        const std::string checks = model["ids"];
        std::size_t compared = 0;
        for (std::size_t i = 0; i < strings.size(); ++i) {
            if (checks.substr(4 * i, 4) == "----") continue;
            const Tokenizer::Encoding e = tokenizer->encode_with_spans(strings[i], Specials::as_text);
            std::vector<std::uint32_t> values = golden_values(strings[i], e);
            const std::string decoded = tokenizer->decode(e.ids, Controls::hide);
            Detokenizer stream(*tokenizer, Detokenizer::Place::start);
            std::string streamed;
            for (const std::int32_t id : e.ids) streamed += stream.push(id);
            EXPECT_EQ(streamed + stream.finish(), decoded);
            for (std::size_t at = 0; at < decoded.size();) {
                const Utf8Step step = next_character(std::string_view(decoded).substr(at));
                values.push_back(code_point(std::string_view(decoded).substr(at, step.bytes)));
                at += step.bytes;
            }
            EXPECT_EQ(golden_check(values, 4), checks.substr(4 * i, 4))
                << name << ", string " << i << ": " << strings[i].substr(0, 100) << testing::PrintToString(e.ids)
                << decoded;
            ++compared;
        }
        EXPECT_GE(compared, 2000u);
    }
}

}  // namespace
}  // namespace quern::text
