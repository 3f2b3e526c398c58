#include "text/tokenizer/tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "text/tokenizer/byte_bpe.h"
#include "text/tokenizer/sentencepiece.h"

namespace quern::text {
namespace {

constexpr std::size_t max_text_bytes = std::size_t{1} << 31;  // positions in a text fit 32 bits

std::unique_ptr<TokenizerModel> make_model(const Vocabulary& vocabulary, const gguf::Metadata& metadata) {
    const std::string_view model = metadata.need_string("tokenizer.ggml.model");
    if (model == "gpt2") return std::make_unique<ByteBpe>(vocabulary, metadata);
    if (model == "llama") return std::make_unique<SentencePiece>(vocabulary, metadata);
    throw Error(
        Code::unsupported,
        "reading the tokenizer: the file's tokenizer.ggml.model is '{:.80}'; known are gpt2 (byte-level BPE) and "
        "llama (SentencePiece BPE)",
        model);
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::from_gguf(const gguf::Metadata& metadata) {
    return std::unique_ptr<Tokenizer>(new Tokenizer(metadata));
}

Tokenizer::Tokenizer(const gguf::Metadata& metadata)
    : vocabulary_(metadata), model_(make_model(vocabulary_, metadata)) {
    for (std::int32_t id = 0; id < vocabulary_.size(); ++id) {
        const TokenType type = vocabulary_.type(id);
        if (type == TokenType::user_defined)
            added_.add(model_->piece(id), id, AddedTokens::Kind::always);
        else if (type == TokenType::control || type == TokenType::unknown)
            added_.add(model_->piece(id), id, AddedTokens::Kind::control);
    }
    set_edges(metadata);
}

void Tokenizer::set_edges(const gguf::Metadata& metadata) {
    const auto wants = [&](std::string_view key, bool otherwise, const std::optional<std::int32_t>& id,
                           std::string_view id_key) {
        const std::optional<bool> said = metadata.boolean(key);
        if (said.value_or(false) && !id)
            throw Error(Code::bad_file, "reading the tokenizer: {} is true, but there is no {}", key, id_key);
        return said.value_or(otherwise) && id.has_value();
    };
    add_bos_ = wants("tokenizer.ggml.add_bos_token", model_->default_add_bos(), vocabulary_.bos,
                     "tokenizer.ggml.bos_token_id");
    add_eos_ = wants("tokenizer.ggml.add_eos_token", false, vocabulary_.eos, "tokenizer.ggml.eos_token_id");
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, Specials specials) const {
    if (text.size() > max_text_bytes)
        throw Error(Code::bad_request, "tokenizing a text of {} bytes: at most {} are possible at once", text.size(),
                    max_text_bytes);
    std::string space;
    text = model_->clean(text, space);
    std::vector<std::int32_t> ids;
    auto place = TokenizerModel::Place::start;
    std::size_t at = 0;
    while (at < text.size()) {
        const AddedTokens::Match match = added_.find(text, at, specials);
        const bool control = match.size > 0 && vocabulary_.type(match.id) != TokenType::user_defined;
        // Even an empty stretch begins a text that opens with a user-defined token: SentencePiece's space goes first.
        const bool opens = place == TokenizerModel::Place::start && !control;
        if (match.begin > at || opens) {
            model_->encode(text.substr(at, match.begin - at), place, ids);
            place = TokenizerModel::Place::inside;
        }
        if (match.size == 0) break;
        ids.push_back(match.id);
        if (control) place = TokenizerModel::Place::start;
        at = match.begin + match.size;
    }
    return ids;
}

void Tokenizer::check(std::int32_t id) const {
    if (!vocabulary_.contains(id))
        throw Error(Code::bad_request, "decoding token {}: the vocabulary has the ids 0 to {}", id,
                    vocabulary_.size() - 1);
}

std::string Tokenizer::piece(std::int32_t id) const {
    check(id);
    return model_->piece(id);
}

TokenType Tokenizer::type(std::int32_t id) const {
    check(id);
    return vocabulary_.type(id);
}

bool Tokenizer::is_end_of_generation(std::int32_t id) const {
    return std::ranges::binary_search(vocabulary_.end_of_generation, id);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, Controls controls) const {
    std::string out;
    bool begins = adds_space_prefix();
    for (const std::int32_t id : ids) {
        const std::string bytes = piece(id);
        const TokenType type = vocabulary_.type(id);
        if (type == TokenType::control || type == TokenType::unknown) {
            if (controls == Controls::show) out += bytes;
            if (type == TokenType::control) begins = adds_space_prefix();
            continue;
        }
        out.append(bytes, begins && bytes.starts_with(' ') ? 1 : 0);
        begins = false;
    }
    return out;
}

}  // namespace quern::text
