// Byte-level byte-pair encoding, `tokenizer.ggml.model` = "gpt2": text is cut into words by the family's
// pre-tokenizer, each word starts as its bytes, and neighbours are merged in the order of the file's merge list
// (Sennrich et al. 2016; bytes as in GPT-2). Bytes that are not UTF-8 make words of their own and come back unchanged.
#pragma once

#include "format/gguf/metadata.h"
#include "text/tokenizer/merge.h"
#include "text/tokenizer/merge_table.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/pretokenizer.h"
#include "text/tokenizer/scratch.h"
#include "text/tokenizer/vocabulary.h"
#include "text/tokenizer/word_cache.h"

namespace quern::text {

class ByteBpe final : public TokenizerModel {
public:
    // Throws Error(bad_file) naming `tokenizer.ggml.merges` if it is missing or names tokens that do not exist, and
    // Error(unsupported) for an unknown `tokenizer.ggml.pre`. The vocabulary must outlive the model.
    ByteBpe(const Vocabulary& vocabulary, const gguf::Metadata& metadata);

    // A byte that the vocabulary cannot express becomes the unknown token, or nothing if there is none.
    void encode(const Sourced& text, Place place, TokenSink& out) const override;
    std::vector<NormalizerStep> normalizer() const override;
    std::string piece(std::int32_t id) const override;
    // Bytes as GPT-2 writes them: each as one printable character.
    static std::string spelled(std::string_view bytes);
    bool adds_space_prefix() const override { return false; }
    bool default_add_bos() const override { return pre_.default_bos == PreTokenizer::DefaultBos::yes; }

private:
    struct Scratch {
        WordCache cache;
        std::vector<Symbol> symbols;
        MergeSpace space;
        std::string spelled;
    };
    // `begin`: where the word starts in the text.
    void encode_word(const Sourced& text, std::size_t begin, std::size_t size, Scratch& scratch, TokenSink& out) const;
    void merge_word(const Sourced& word, Scratch& scratch, TokenSink& out) const;

    const Vocabulary& vocabulary_;
    const PreTokenizer& pre_;
    Splitter splitter_;
    std::int32_t byte_ids_[256];
    MergeTable merges_;
    std::size_t longest_text_ = 0;
    mutable ScratchPool<Scratch> scratch_;
};

}  // namespace quern::text
