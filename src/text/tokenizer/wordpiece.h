// WordPiece, `tokenizer.ggml.model` = "bert" (BERT and the embedding models made from it): a text is cleaned, perhaps
// lowered and stripped of accents, and cut at white space and punctuation; each word is taken apart from the left by
// the longest pieces there are (Devlin et al. 2019), or becomes the unknown token as a whole. Decoding gives words with
// single spaces and none before punctuation; the text as it was is lost.
#pragma once

#include "format/gguf/metadata.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/trie.h"
#include "text/tokenizer/vocabulary.h"

namespace quern::text {

class WordPiece final : public TokenizerModel {
public:
    // Throws Error(bad_file) if there is no unknown token. The vocabulary must outlive the model.
    WordPiece(const Vocabulary& vocabulary, const gguf::Metadata& metadata);

    // `tokenizer.ggml.normalizer.lowercase` and `.strip_accents` say whether; both are so by default.
    std::vector<NormalizerStep> normalizer() const override;
    void encode(const Sourced& text, Place place, TokenSink& out) const override;
    std::string piece(std::int32_t id) const override;
    bool adds_space_prefix() const override { return true; }
    bool default_add_bos() const override { return true; }
    bool default_add_eos() const override { return true; }

private:
    Trie make_trie() const;
    void encode_word(const Sourced& word, TokenSink& out) const;

    const Vocabulary& vocabulary_;
    const Trie trie_;
    Trie::Node word_start_ = Trie::none;  // the node of the mark that begins words
    bool lowercase_, strip_accents_;
};

}  // namespace quern::text
