// The tokenizer of a Hugging Face directory as GGUF's tokenizer.* keys. Two kinds are known: byte-level BPE from
// tokenizer.json ("gpt2") and SentencePiece BPE from tokenizer.model ("llama"). What GGUF cannot express is refused
// where it would change ordinary text, and noted where it touches rare text only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "convert/config.h"
#include "text/tokenizer/vocabulary.h"

namespace quern::convert {

// Tokens by id, as they go into the file.
struct TokenTable {
    std::string model;  // tokenizer.ggml.model
    std::string pre;    // tokenizer.ggml.pre
    std::vector<std::string> texts;
    std::vector<text::TokenType> types;
    std::vector<float> scores;        // llama only
    std::vector<std::string> merges;  // gpt2 only
    // What the tokenizer's own file says of the edges of a text; tokenizer_config.json may say otherwise.
    std::optional<bool> add_bos, add_eos, add_space_prefix, remove_extra_whitespaces;
    std::optional<std::string> bos_text;  // the token that add_bos is about, where the file names it

    // Makes room for `count` tokens; new ones are unused, with a made-up text.
    void grow(std::size_t count);
};

struct AddedToken {
    std::int64_t id = 0;
    std::string text;
    bool special = false;
};

// A byte-level BPE vocabulary, and the tokens added to it, from the text of a tokenizer.json; nullopt when it holds
// another kind, whose name goes to `kind`. `limit`: tokens the model has. Throws Error naming what is not known.
std::optional<TokenTable> read_tokenizer_json(std::string_view json, std::int64_t limit, std::string& kind,
                                              std::vector<AddedToken>& added, std::vector<std::string>& notes);

// A SentencePiece vocabulary from the bytes of a tokenizer.model. Throws Error naming what is broken or not known.
TokenTable read_sentencepiece(std::string_view bytes, std::int64_t limit, std::vector<std::string>& notes);

// The name that GGUF has for the pre-tokenizer with these patterns, applied one after the other; `ignore_merges`: words
// that are tokens are not merged. Throws Error(unsupported) showing the patterns.
std::string pre_tokenizer_name(const std::vector<std::string>& patterns, bool ignore_merges,
                               std::vector<std::string>& notes);

// Adds all tokenizer.* keys for the directory to `meta`, and checks that the result is a working tokenizer. A directory
// without any tokenizer gets a note. Throws Error naming the file.
void read_tokenizer(const Path& directory, const ModelConfig& config, gguf::Metadata& meta,
                    std::vector<std::string>& notes);

}  // namespace quern::convert
