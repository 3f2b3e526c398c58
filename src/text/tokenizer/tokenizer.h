// Text to tokens and back, as the model file says. This is the door to src/text/tokenizer/: made once from a GGUF's
// `tokenizer.ggml.*` keys, immutable, usable by any number of threads. Any bytes may be encoded, valid UTF-8 or not,
// and decode(encode(x)) is x again wherever the vocabulary can express it. Knows nothing of chats or prompts: begin
// and end tokens are named here and added by whoever makes the prompt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/gguf/metadata.h"
#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/aligned_text.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/normalizer.h"
#include "text/tokenizer/vocabulary.h"

namespace quern::text {

// Whether control tokens (and the unknown token) have a place in decoded text.
enum class Controls { hide, show };

class Tokenizer {
public:
    // Knows the models "gpt2" (byte-level BPE), "llama" and "gemma4" (SentencePiece BPE, by scores and by merges), "t5"
    // (SentencePiece's unigram) and "bert" (WordPiece). Throws Error(unsupported) naming any other, or an unknown
    // pre-tokenizer, and Error(bad_file) naming the key that contradicts itself. Two keys are this project's own, for
    // what GGUF has none for and `quern convert` finds in a tokenizer.json: `quern.tokenizer.normalizer`, strings (see
    // Normalizer::parse), and `quern.tokenizer.added_tokens`, pairs of a token's id and its AddedFlags::bits().
    static std::unique_ptr<Tokenizer> from_gguf(const gguf::Metadata& metadata);

    // The ids of a text, without begin and end tokens. User-defined tokens are always found; control tokens only with
    // Specials::parse, which is for text of our own, never for a user's. Throws Error(bad_request) above 256 MiB, so
    // that the memory it takes is bounded.
    std::vector<std::int32_t> encode(std::string_view text, Specials specials) const;

    // The same ids, and for each the bytes of `text` that it stands for, whatever normalisation did to them. Several
    // tokens may stand for one character, and white space that a tokenizer drops is in none. Slower; throws
    // Error(bad_request) above 32 MiB.
    struct Encoding {
        std::vector<std::int32_t> ids;
        std::vector<Span> spans;
    };
    Encoding encode_with_spans(std::string_view text, Specials specials) const;

    // The bytes of the ids, malformed UTF-8 included; the space that some models put before a text is taken away
    // again. To show text while it is made, use Detokenizer. Throws Error(bad_request) for an id outside.
    std::string decode(std::span<const std::int32_t> ids, Controls controls) const;

    // The bytes of one token as they are: maybe half a character, maybe with a leading space. Throws like decode().
    std::string piece(std::int32_t id) const;
    TokenType type(std::int32_t id) const;

    std::int32_t vocab_size() const { return vocabulary_.size(); }
    // By the text as the file spells it ("<|im_end|>", "Ġthe").
    std::optional<std::int32_t> find(std::string_view text) const { return vocabulary_.find(text); }

    std::optional<std::int32_t> bos() const { return vocabulary_.bos; }
    std::optional<std::int32_t> eos() const { return vocabulary_.eos; }
    std::optional<std::int32_t> eot() const { return vocabulary_.eot; }
    std::optional<std::int32_t> pad() const { return vocabulary_.pad; }
    std::optional<std::int32_t> unknown() const { return vocabulary_.unknown; }
    // Every token after which an answer is over, sorted: eos, eot and others known by their text.
    std::span<const std::int32_t> end_of_generation() const { return vocabulary_.end_of_generation; }
    bool is_end_of_generation(std::int32_t id) const;

    // Whether a begin (end) token belongs around a prompt. bos() (eos()) has a value if so.
    bool add_bos() const { return add_bos_; }
    bool add_eos() const { return add_eos_; }
    // Whether encode() writes a space before a text (SentencePiece's dummy prefix).
    bool adds_space_prefix() const { return model_->adds_space_prefix(); }

private:
    explicit Tokenizer(const gguf::Metadata& metadata);
    void set_normalizer(const gguf::Metadata& metadata);
    void set_added(const gguf::Metadata& metadata);
    void set_edges(const gguf::Metadata& metadata);
    // Whether the token is one that Specials::parse alone finds.
    bool is_control(std::int32_t id) const;
    void encode(std::string_view text, Specials specials, TokenSink& out) const;
    // One stretch between tokens that are found in the text as it is.
    void encode_stretch(const Sourced& text, Specials specials, TokenizerModel::Place place, TokenSink& out) const;
    // Text in which the tokens of one set are still to be found. `rest` encodes what lies between them.
    template <class Rest>
    void split(const AddedTokens& tokens, const Sourced& text, Specials specials, TokenizerModel::Place place,
               TokenSink& out, const Rest& rest) const;
    void check(std::int32_t id) const;

    Vocabulary vocabulary_;
    std::unique_ptr<TokenizerModel> model_;
    Normalizer normalizer_;
    AddedTokens added_;             // found in the text as it is
    AddedTokens added_normalized_;  // found in what the normaliser makes of it
    bool add_bos_ = false, add_eos_ = false;
};

}  // namespace quern::text
