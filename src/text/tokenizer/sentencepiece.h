// SentencePiece's byte-pair encoding (Llama 2, Mistral 7B, Gemma ...): spaces are written as U+2581, a text starts as
// its characters, and neighbours merge: with `tokenizer.ggml.model` = "llama" those whose joint text has the best score
// (Kudo and Richardson 2018), with "gemma4" by the file's list of merges. What the vocabulary lacks falls back to byte
// tokens, else to the unknown token. Bytes that are not UTF-8 go to byte tokens as they are, instead of being replaced.
#pragma once

#include <array>

#include "format/gguf/metadata.h"
#include "text/tokenizer/merge.h"
#include "text/tokenizer/merge_table.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/pair_cache.h"
#include "text/tokenizer/scratch.h"
#include "text/tokenizer/sentencepiece_text.h"
#include "text/tokenizer/vocabulary.h"
#include "text/tokenizer/word_cache.h"

namespace quern::text {

class SentencePiece final : public TokenizerModel {
public:
    enum class Order { scores, merges };
    // Throws Error(bad_file) naming `tokenizer.ggml.scores` if it is wanted and missing, of the wrong length or not a
    // number, or what MergeTable and SentencePieceText throw. The vocabulary must outlive the model.
    SentencePiece(const Vocabulary& vocabulary, const gguf::Metadata& metadata, Order order);

    bool prepare(const Sourced& text, const AddedTokens& tokens, Specials specials, AlignedText& out) const override {
        return text_.prepare(text, tokens, specials, out);
    }
    void encode(const Sourced& text, Place place, TokenSink& out) const override;
    std::string piece(std::int32_t id) const override { return text_.piece(id); }
    bool adds_space_prefix() const override { return text_.adds_space_prefix(); }
    bool default_add_bos() const override { return true; }

private:
    struct Scratch {
        WordCache cache;
        PairCache pairs;
        std::vector<Symbol> symbols;
        MergeSpace space;
        AlignedText escaped;
    };

    void rank_scores(const gguf::Metadata& metadata);
    bool may_merge(std::int32_t id) const;
    Merge find(std::string_view text) const;
    void encode_word(const Sourced& word, Scratch& scratch, TokenSink& out) const;

    const Vocabulary& vocabulary_;
    const Order order_;
    const SentencePieceText text_;
    MergeTable merges_;                 // Order::merges
    std::vector<std::uint32_t> ranks_;  // Order::scores, by id: 0 has the best score; equal scores have equal ranks
    std::array<std::int32_t, 128> ascii_ids_{};  // of single characters, which every word starts as
    std::size_t longest_text_ = 0;
    WordBreaks breaks_;
    mutable ScratchPool<Scratch> scratch_;
};

}  // namespace quern::text
