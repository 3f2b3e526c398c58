// What differs between kinds of tokenizer: how a stretch of plain text becomes ids, and what bytes an id stands for.
// Special and added tokens are found before a model sees the text (tokenizer.h). Models are immutable once made and
// may be used by several threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer/aligned_text.h"
#include "text/tokenizer/normalizer.h"

namespace quern::text {

class AddedTokens;
enum class Specials;

// Where ids go, and the original stretch of each if somebody asked.
struct TokenSink {
    std::vector<std::int32_t>& ids;
    std::vector<Span>* spans = nullptr;

    bool wants_spans() const { return spans != nullptr; }
    // `origin` is called only if wanted.
    template <class Origin>
    void push(std::int32_t id, const Origin& origin) {
        ids.push_back(id);
        if (spans) spans->push_back(origin());
    }
};

class TokenizerModel {
public:
    virtual ~TokenizerModel() = default;

    // What the whole text becomes before anything is looked for in it: true if `out` has it, false if it stays as it
    // is. `tokens` are those found in texts, which this must leave alone.
    virtual bool prepare(const Sourced& text, const AddedTokens& tokens, Specials specials, AlignedText& out) const;
    // What the text between tokens becomes before encode() sees it, unless the file says otherwise.
    virtual std::vector<NormalizerStep> normalizer() const { return {}; }

    // Whether this stretch begins a text, so that a model which writes a space before every text writes it here.
    enum class Place { start, inside };
    // Appends the ids of any bytes, valid UTF-8 or not; the text may be empty.
    virtual void encode(const Sourced& text, Place place, TokenSink& out) const = 0;

    // The bytes of one token. The id must be inside the vocabulary.
    virtual std::string piece(std::int32_t id) const = 0;

    // encode() puts a space before a text that begins, which decoding must take away again.
    virtual bool adds_space_prefix() const = 0;
    // Whether a begin (end) token belongs around a text when the file does not say.
    virtual bool default_add_bos() const = 0;
    virtual bool default_add_eos() const { return false; }
};

inline bool TokenizerModel::prepare(const Sourced&, const AddedTokens&, Specials, AlignedText&) const { return false; }

}  // namespace quern::text
