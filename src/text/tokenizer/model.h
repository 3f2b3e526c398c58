// What differs between kinds of tokenizer: how a stretch of plain text becomes ids, and what bytes an id stands for.
// Special and added tokens are found before a model sees the text (tokenizer.h). Models are immutable once made and
// may be used by several threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::text {

class TokenizerModel {
public:
    virtual ~TokenizerModel() = default;

    // What the whole text becomes before anything is looked for in it; `space` may hold the result.
    virtual std::string_view clean(std::string_view text, std::string& space) const;

    // Whether this stretch begins a text, so that a model which writes a space before every text writes it here.
    enum class Place { start, inside };
    // Appends the ids of any bytes, valid UTF-8 or not; `text` may be empty.
    virtual void encode(std::string_view text, Place place, std::vector<std::int32_t>& out) const = 0;

    // The bytes of one token. The id must be inside the vocabulary.
    virtual std::string piece(std::int32_t id) const = 0;

    // encode() puts a space before a text that begins, which decoding must take away again.
    virtual bool adds_space_prefix() const = 0;
    // Whether a begin token belongs before a text when the file does not say.
    virtual bool default_add_bos() const = 0;
};

inline std::string_view TokenizerModel::clean(std::string_view text, std::string&) const { return text; }

}  // namespace quern::text
