// The vocabulary of a model file: every token's text and type, and the ids that have a meaning (begin, end of turn,
// unknown ...). Reads and checks the `tokenizer.ggml.*` keys that all tokenizer models share; knows nothing of merges,
// scores or how text becomes tokens. Whatever a file may claim, an id from here is inside the vocabulary.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/gguf/metadata.h"

namespace quern::text {

// Numbered as in GGUF's `tokenizer.ggml.token_type`.
enum class TokenType : std::uint8_t {
    normal = 1,
    unknown = 2,       // stands for text the vocabulary cannot express
    control = 3,       // structure: begin, end, roles; never made from user text
    user_defined = 4,  // found in any text before all else
    unused = 5,
    byte = 6,  // one byte, "<0x0A>" in the file
};
const char* name(TokenType type);  // "normal", "user_defined"

class Vocabulary {
public:
    // Throws Error(bad_file) naming the key that is missing, of the wrong length, or holds an impossible value. Keeps
    // copies; the metadata may go.
    explicit Vocabulary(const gguf::Metadata& metadata);
    Vocabulary(const Vocabulary&) = delete;
    Vocabulary& operator=(const Vocabulary&) = delete;

    std::int32_t size() const { return static_cast<std::int32_t>(texts_.size()); }
    bool contains(std::int32_t id) const { return id >= 0 && id < size(); }
    // As written in the file: escaped the way the tokenizer model escapes. id must be inside.
    std::string_view text(std::int32_t id) const { return texts_[static_cast<std::size_t>(id)]; }
    TokenType type(std::int32_t id) const { return types_[static_cast<std::size_t>(id)]; }
    std::optional<std::int32_t> find(std::string_view text) const;

    std::optional<std::int32_t> bos, eos, eot, pad, unknown;
    std::vector<std::int32_t> end_of_generation;  // sorted; eos, eot and whatever token's text says so

private:
    // Ids by text: open addressing, at most half full, with part of the hash beside the id. A general hash map is the
    // slowest part of a SentencePiece encoder.
    struct Slot {
        std::uint32_t tag = 0;
        std::int32_t id = -1;
    };
    // The slot that holds the text, or the free one where it belongs.
    std::size_t slot_of(std::string_view text, std::uint64_t hash) const;

    void read_types(const gguf::Metadata& metadata);
    void index_texts();
    void find_end_of_generation(const gguf::Metadata& metadata);

    std::vector<std::string> texts_;
    std::vector<TokenType> types_;
    std::vector<Slot> by_text_;
};

}  // namespace quern::text
