#include "text/tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>

#include "base/error.h"
#include "text/tokenizer/hash_bytes.h"

namespace quern::text {
namespace {

constexpr std::string_view tokens_key = "tokenizer.ggml.tokens", types_key = "tokenizer.ggml.token_type";

// Texts that end an answer in the model families that use them. Files often give only one end token in metadata, or
// mark such a token as ordinary text; a model that writes one of these has finished all the same.
struct EndText {
    std::string_view text;
    bool ends_turn;  // closes a message, as opposed to a document or a call
};
constexpr EndText end_texts[] = {
    {"<|eot_id|>", true},
    {"<|im_end|>", true},
    {"<|end|>", true},
    {"<end_of_turn>", true},
    {"<turn|>", true},
    {"<|eot|>", true},
    {"<EOT>", true},
    {"[EOT]", true},
    {"<|eom_id|>", false},
    {"<|return|>", false},
    {"<|call|>", false},
    {"<|endoftext|>", false},
    {"<|end_of_text|>", false},
    {"<｜end▁of▁sentence｜>", false},
};

std::optional<std::int32_t> read_id(const gguf::Metadata& metadata, std::string_view key, std::int32_t size) {
    const std::optional<std::int64_t> id = metadata.integer(key);
    if (!id) return std::nullopt;
    if (*id < 0 || *id >= size)
        throw Error(Code::bad_file, "reading the vocabulary: {} is {}, but the vocabulary has the ids 0 to {}", key,
                    *id, size - 1);
    return static_cast<std::int32_t>(*id);
}

// A bound on the work at each place of a text, far above the longest token in use (some 500 bytes of spaces).
constexpr std::size_t max_token_bytes = 16 << 10;

void check_text(const std::string& text, std::size_t id) {
    if (text.size() > max_token_bytes)
        throw Error(Code::bad_file, "reading the vocabulary: {}[{}] has {} bytes, expected at most {}", tokens_key, id,
                    text.size(), max_token_bytes);
    if (text.find('\0') != text.npos)
        throw Error(Code::bad_file, "reading the vocabulary: {}[{}] has a zero byte, which no tokenizer writes so",
                    tokens_key, id);
}

}  // namespace

const char* name(TokenType type) {
    switch (type) {
        case TokenType::normal:
            return "normal";
        case TokenType::unknown:
            return "unknown";
        case TokenType::control:
            return "control";
        case TokenType::user_defined:
            return "user_defined";
        case TokenType::unused:
            return "unused";
        case TokenType::byte:
            return "byte";
    }
    return "invalid";
}

Vocabulary::Vocabulary(const gguf::Metadata& metadata) {
    const auto tokens = metadata.strings(tokens_key);
    if (!tokens || tokens->empty())
        throw Error(Code::bad_file, "reading the vocabulary: the file has {} {}; a tokenizer needs at least one token",
                    tokens ? "an empty" : "no", tokens_key);
    if (tokens->size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
        throw Error(Code::bad_file, "reading the vocabulary: {} has {} entries, more than ids can count", tokens_key,
                    tokens->size());
    for (std::size_t i = 0; i < tokens->size(); ++i) check_text((*tokens)[i], i);
    texts_.assign(tokens->begin(), tokens->end());
    read_types(metadata);
    index_texts();
    bos = read_id(metadata, "tokenizer.ggml.bos_token_id", size());
    eos = read_id(metadata, "tokenizer.ggml.eos_token_id", size());
    eot = read_id(metadata, "tokenizer.ggml.eot_token_id", size());
    pad = read_id(metadata, "tokenizer.ggml.padding_token_id", size());
    unknown = read_id(metadata, "tokenizer.ggml.unknown_token_id", size());
    // BERT's names for what stands at the ends of a text; the second is spelled so in the files.
    if (!bos) bos = read_id(metadata, "tokenizer.ggml.cls_token_id", size());
    if (!eos) eos = read_id(metadata, "tokenizer.ggml.seperator_token_id", size());
    // Text makes this token, so it is none of those that text must never make.
    if (unknown && type(*unknown) == TokenType::control)
        types_[static_cast<std::size_t>(*unknown)] = TokenType::unknown;
    find_end_of_generation(metadata);
}

void Vocabulary::read_types(const gguf::Metadata& metadata) {
    types_.assign(texts_.size(), TokenType::normal);
    const auto types = metadata.integers(types_key);
    if (!types) return;
    if (types->size() != texts_.size())
        throw Error(Code::bad_file, "reading the vocabulary: {} has {} entries but {} has {}; they must be as many",
                    types_key, types->size(), tokens_key, texts_.size());
    for (std::size_t i = 0; i < types_.size(); ++i) {
        const std::int64_t type = (*types)[i];
        if (type < 1 || type > 6)
            throw Error(Code::bad_file, "reading the vocabulary: {}[{}] is {}, expected 1 (normal) to 6 (byte)",
                        types_key, i, type);
        types_[i] = static_cast<TokenType>(type);
    }
}

std::size_t Vocabulary::slot_of(std::string_view text, std::uint64_t hash) const {
    std::size_t slot = hash & (by_text_.size() - 1);
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    while (by_text_[slot].id >= 0 && (by_text_[slot].tag != tag || this->text(by_text_[slot].id) != text))
        slot = (slot + 1) & (by_text_.size() - 1);
    return slot;
}

void Vocabulary::index_texts() {
    by_text_.assign(std::bit_ceil(texts_.size() * 2), Slot{});
    for (std::size_t i = 0; i < texts_.size(); ++i) {
        if (texts_[i].empty()) continue;  // some files pad with nameless tokens
        const std::uint64_t hash = hash_bytes(texts_[i]);
        Slot& slot = by_text_[slot_of(texts_[i], hash)];
        if (slot.id >= 0)
            throw Error(Code::bad_file,
                        "reading the vocabulary: {}[{}] and [{}] are both '{:.80}'; each token needs its own text",
                        tokens_key, slot.id, i, texts_[i]);
        slot = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::int32_t>(i)};
    }
}

void Vocabulary::find_end_of_generation(const gguf::Metadata& metadata) {
    std::set<std::int32_t> ends;
    for (const auto& id : {eos, eot, read_id(metadata, "tokenizer.ggml.eom_token_id", size())})
        if (id) ends.insert(*id);
    // In the harmony format <|end|> closes one message of several; <|return|> or <|call|> closes the answer.
    const bool harmony = find("<|return|>").has_value() && find("<|call|>").has_value();
    for (const auto& [text, ends_turn] : end_texts) {
        const auto id = find(text);
        if (!id || (harmony && text == "<|end|>")) continue;
        ends.insert(*id);
        // Some converters mark these as text; then a user could write one and end a turn.
        types_[static_cast<std::size_t>(*id)] = TokenType::control;
        if (!eot && ends_turn) eot = id;
    }
    if (const auto start = find("<|im_start|>")) types_[static_cast<std::size_t>(*start)] = TokenType::control;
    end_of_generation.assign(ends.begin(), ends.end());
}

std::optional<std::int32_t> Vocabulary::find(std::string_view text) const {
    const std::int32_t id = by_text_[slot_of(text, hash_bytes(text))].id;
    if (id < 0) return std::nullopt;
    return id;
}

}  // namespace quern::text
