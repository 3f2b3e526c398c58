// What SentencePiece does to a text around its models (Kudo and Richardson 2018): characters replaced by a table,
// spaces squeezed, a space put in front, and every space written as U+2581. Reads the keys of GGUF that say which of it
// a tokenizer does, and finds the tokens for single bytes; knows nothing of how pieces are chosen.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "format/gguf/metadata.h"
#include "text/tokenizer/charsmap.h"
#include "text/tokenizer/model.h"
#include "text/tokenizer/vocabulary.h"

namespace quern::text {

inline constexpr std::string_view space_mark = "\xE2\x96\x81";  // U+2581

class SentencePieceText {
public:
    // `prefix`: whether a space goes in front when the file does not say. Throws Error(bad_file) naming
    // `tokenizer.ggml.tokens` for a byte token that names no byte, or `tokenizer.ggml.precompiled_charsmap`.
    SentencePieceText(const Vocabulary& vocabulary, const gguf::Metadata& metadata, bool prefix);

    bool adds_space_prefix() const { return add_space_prefix_; }
    // See TokenizerModel.
    bool prepare(const Sourced& text, const AddedTokens& tokens, Specials specials, AlignedText& out) const;
    // Spaces as marks, with the one in front where a text starts.
    void escape(const Sourced& text, bool start, AlignedText& out) const;
    std::string piece(std::int32_t id) const;

    // The token of a byte; -1: the vocabulary has none.
    std::int32_t byte_id(char byte) const { return byte_ids_[static_cast<unsigned char>(byte)]; }
    // One token for each byte of what no token spells, or the unknown token: one for all of it, also when it follows
    // unknown text. False if it came to that. Positions are in the escaped text.
    bool push_bytes(const Sourced& escaped, std::size_t begin, std::size_t end, TokenSink& out) const;

private:
    struct Squeezer;

    const Vocabulary& vocabulary_;
    Charsmap charsmap_;
    std::array<std::int32_t, 256> byte_ids_{};
    bool add_space_prefix_, remove_extra_whitespaces_;
};

// Where pieces of an escaped text can never reach across: between bytes that stand side by side in no token, and, if no
// token has a mark after something else, before such a mark. What lies between such places is encoded by itself.
class WordBreaks {
public:
    void add(std::string_view token);
    // The end of the word that starts at `begin`.
    std::size_t word_end(std::string_view escaped, std::size_t begin) const;

private:
    bool joined(char a, char b) const {
        return joined_[static_cast<std::size_t>(static_cast<unsigned char>(a)) * 256 + static_cast<unsigned char>(b)];
    }
    std::array<bool, 65536> joined_{};
    bool marks_start_words_ = true;
};

}  // namespace quern::text
