// The tokenizer of a Hugging Face directory as GGUF's tokenizer.* keys: byte-level BPE, Unigram, WordPiece and BPE over
// SentencePiece's text from tokenizer.json, both kinds of SentencePiece from tokenizer.model, and Mistral's
// tekken.json. What GGUF has no key for and this project's tokenizers do gets a key of this project
// (text/tokenizer/tokenizer.h); what they do not do is refused by its name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "convert/config.h"
#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/normalizer.h"
#include "text/tokenizer/vocabulary.h"

namespace quern::convert {

// Tokens by id, as they go into the file.
struct TokenTable {
    std::string model;  // tokenizer.ggml.model
    std::string pre;    // tokenizer.ggml.pre
    std::vector<std::string> texts;
    std::vector<text::TokenType> types;
    std::vector<float> scores;                     // llama and t5 only
    std::vector<std::string> merges;               // gpt2 and gemma4 only
    std::vector<text::NormalizerStep> steps;       // of the file's normaliser, as far as no other field says it
    std::string charsmap;                          // SentencePiece's table of characters to replace
    std::optional<bool> lowercase, strip_accents;  // bert only
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
    text::AddedFlags flags;
};

// The vocabulary of a tokenizer.json, and the tokens added to it. `limit`: tokens the model has. With `has_model_file`
// there is a tokenizer.model too: nullopt where that says the same and more, which is for every kind but byte-level BPE
// and WordPiece. Throws Error naming what is not known.
std::optional<TokenTable> read_tokenizer_json(std::string_view json, std::int64_t limit, bool has_model_file,
                                              std::vector<AddedToken>& added, std::vector<std::string>& notes);

// The same from the text of a tekken.json.
TokenTable read_tekken(std::string_view json, std::int64_t limit, std::vector<AddedToken>& added,
                       std::vector<std::string>& notes);

// A SentencePiece vocabulary from the bytes of a tokenizer.model. Throws Error naming what is broken or not known.
TokenTable read_sentencepiece(std::string_view bytes, std::int64_t limit);

// The name that GGUF has for the pre-tokenizer with these patterns, applied one after the other; `ignore_merges`: words
// that are tokens are not merged; `nfc`: preferably one of a family that normalises. Throws Error(unsupported) showing
// the patterns.
std::string pre_tokenizer_name(const std::vector<std::string>& patterns, bool ignore_merges,
                               std::vector<std::string>& notes, bool nfc = false);

// Adds all tokenizer.* keys for the directory to `meta`, and checks that the result is a working tokenizer. A directory
// without any tokenizer gets a note. Throws Error naming the file.
void read_tokenizer(const Path& directory, const ModelConfig& config, gguf::Metadata& meta,
                    std::vector<std::string>& notes);

}  // namespace quern::convert
