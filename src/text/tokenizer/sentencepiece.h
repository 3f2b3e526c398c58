// SentencePiece's byte-pair encoding, `tokenizer.ggml.model` = "llama" (Llama 2, Mistral 7B, Gemma ...): spaces are
// written as U+2581, a text starts as its characters, and the neighbours whose joint text has the best score merge
// first. What the vocabulary lacks falls back to byte tokens, else to the unknown token (Kudo and Richardson 2018).
// Bytes that are not UTF-8 go to byte tokens as they are, instead of being replaced.
#pragma once

#include "format/gguf/metadata.h"
#include "text/tokenizer/merge.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/scratch.h"
#include "text/tokenizer/vocabulary.h"
#include "text/tokenizer/word_cache.h"

namespace quern::text {

class SentencePiece final : public TokenizerModel {
public:
    // Throws Error(bad_file) naming `tokenizer.ggml.scores` if it is missing, of the wrong length or not a number, and
    // `tokenizer.ggml.tokens` for a byte token that names no byte. The vocabulary must outlive the model.
    SentencePiece(const Vocabulary& vocabulary, const gguf::Metadata& metadata);

    // With `remove_extra_whitespaces`: no spaces at the ends, and single ones between.
    std::string_view clean(std::string_view text, std::string& space) const override;
    void encode(std::string_view text, Place place, std::vector<std::int32_t>& out) const override;
    std::string piece(std::int32_t id) const override;
    bool adds_space_prefix() const override { return add_space_prefix_; }
    bool default_add_bos() const override { return true; }

private:
    struct Scratch {
        WordCache cache;
        std::vector<Symbol> symbols;
        MergeSpace space;
        std::string escaped;
    };

    void rank_scores(const gguf::Metadata& metadata);
    void find_byte_tokens();
    bool may_merge(std::int32_t id) const;
    void escape(std::string_view text, Place place, std::string& out) const;
    void encode_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& out) const;
    void push_unknown(std::vector<std::int32_t>& out) const;

    const Vocabulary& vocabulary_;
    std::vector<std::uint32_t> ranks_;  // by id: 0 has the best score; equal scores have equal ranks
    std::int32_t byte_ids_[256];
    std::size_t longest_text_ = 0;
    bool add_space_prefix_ = true;
    bool remove_extra_whitespaces_ = false;
    bool words_are_apart_ = true;  // no token has a space after something else: words can be merged one by one
    mutable ScratchPool<Scratch> scratch_;
};

}  // namespace quern::text
