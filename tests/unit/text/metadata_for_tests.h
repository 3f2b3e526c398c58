// Small tokenizers as GGUF metadata.
#pragma once

#include <fmt/core.h>

#include <string>
#include <utility>
#include <vector>

#include "format/gguf/metadata.h"
#include "text/utf8.h"

namespace quern::text {

inline gguf::Value strings_value(std::vector<std::string> values) {
    return gguf::Array{.element = gguf::ValueType::string, .values = std::move(values)};
}
inline gguf::Value types_value(std::vector<std::int32_t> values) {
    return gguf::Array{.element = gguf::ValueType::i32, .values = std::move(values)};
}
inline gguf::Value scores_value(std::vector<float> values) {
    return gguf::Array{.element = gguf::ValueType::f32, .values = std::move(values)};
}

// GPT-2's spelling of all bytes in order, as a vocabulary's first 256 tokens.
inline std::vector<std::string> byte_tokens() {
    std::vector<std::string> out;
    char32_t next = 0x100;
    for (unsigned b = 0; b < 256; ++b) {
        const bool itself = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        append_utf8(out.emplace_back(), itself ? b : next++);
    }
    return out;
}

struct Added {
    std::string text;
    int type = 3;
};

// All bytes (ids 0 to 255), the results of the merges, then the added tokens.
inline gguf::Metadata byte_level_metadata(const std::vector<std::string>& merges, const std::vector<Added>& added,
                                          const std::string& pre = "glm4") {
    std::vector<std::string> tokens = byte_tokens();
    for (const std::string& merge : merges) {
        const std::size_t gap = merge.find(' ', 1);
        tokens.push_back(merge.substr(0, gap) + merge.substr(gap + 1));
    }
    std::vector<std::int32_t> types(tokens.size(), 1);
    for (const Added& a : added) {
        tokens.push_back(a.text);
        types.push_back(a.type);
    }
    gguf::Metadata m;
    m.set("tokenizer.ggml.model", std::string("gpt2"));
    m.set("tokenizer.ggml.pre", pre);
    m.set("tokenizer.ggml.tokens", strings_value(std::move(tokens)));
    m.set("tokenizer.ggml.token_type", types_value(std::move(types)));
    m.set("tokenizer.ggml.merges", strings_value(merges));
    return m;
}

// <unk> <s> </s>, all bytes (ids 3 to 258), then the given pieces, the first with the best score.
inline gguf::Metadata sentencepiece_metadata(const std::vector<std::string>& pieces,
                                             const std::vector<Added>& added = {}) {
    std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
    std::vector<std::int32_t> types = {2, 3, 3};
    for (int b = 0; b < 256; ++b) {
        tokens.push_back(fmt::format("<0x{:02X}>", b));
        types.push_back(6);
    }
    std::vector<float> scores(tokens.size(), 0.0f);
    for (const std::string& piece : pieces) {
        tokens.push_back(piece);
        types.push_back(1);
        scores.push_back(-static_cast<float>(tokens.size()));
    }
    for (const Added& a : added) {
        tokens.push_back(a.text);
        types.push_back(a.type);
        scores.push_back(0);
    }
    gguf::Metadata m;
    m.set("tokenizer.ggml.model", std::string("llama"));
    m.set("tokenizer.ggml.tokens", strings_value(std::move(tokens)));
    m.set("tokenizer.ggml.token_type", types_value(std::move(types)));
    m.set("tokenizer.ggml.scores", scores_value(std::move(scores)));
    m.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
    m.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
    m.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
    return m;
}

}  // namespace quern::text
