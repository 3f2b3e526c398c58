// SentencePiece's unigram language model, `tokenizer.ggml.model` = "t5" (T5, UMT5, XLM-R ...): of all ways to cut a
// text into pieces the one whose scores add up highest (Kudo 2018), found by one pass of Viterbi over a trie. What no
// piece spells falls back to byte tokens, else to the unknown token. Among equals the earliest found stays, and sums
// are taken in double, as in the original.
#pragma once

#include "format/gguf/metadata.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/scratch.h"
#include "text/tokenizer/sentencepiece_text.h"
#include "text/tokenizer/trie.h"
#include "text/tokenizer/vocabulary.h"
#include "text/tokenizer/word_cache.h"

namespace quern::text {

class Unigram final : public TokenizerModel {
public:
    // Throws Error(bad_file) as read_scores() and SentencePieceText do, and for a vocabulary without an unknown token
    // that has not all bytes either. The vocabulary must outlive the model.
    Unigram(const Vocabulary& vocabulary, const gguf::Metadata& metadata);

    bool prepare(const Sourced& text, const AddedTokens& tokens, Specials specials, AlignedText& out) const override {
        return text_.prepare(text, tokens, specials, out);
    }
    void encode(const Sourced& text, Place place, TokenSink& out) const override;
    std::string piece(std::int32_t id) const override { return text_.piece(id); }
    bool adds_space_prefix() const override { return text_.adds_space_prefix(); }
    bool default_add_bos() const override { return false; }
    bool default_add_eos() const override { return true; }

private:
    // The best way to cut what lies before a place: its score, and the last piece of it.
    struct Best {
        double score = 0;
        std::uint32_t begin = unreached;
        std::int32_t id = -1;  // -1: one character that no piece spells
    };
    static constexpr std::uint32_t unreached = ~std::uint32_t{0};
    struct Scratch {
        WordCache cache;
        std::vector<Best> best;             // by place
        std::vector<std::uint32_t> pieces;  // ends of the pieces, last first
        AlignedText escaped;
    };

    Trie make_trie() const;
    void search(std::string_view word, std::vector<Best>& best) const;
    void encode_word(const Sourced& word, Scratch& scratch, TokenSink& out) const;

    const Vocabulary& vocabulary_;
    const SentencePieceText text_;
    const std::vector<float> scores_;
    const Trie trie_;
    double unknown_score_ = 0;
    WordBreaks breaks_;
    mutable ScratchPool<Scratch> scratch_;
};

}  // namespace quern::text
