#include "text/tokenizer/tokenizer.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "text/tokenizer/byte_bpe.h"
#include "text/tokenizer/sentencepiece.h"
#include "text/tokenizer/unigram.h"
#include "text/tokenizer/wordpiece.h"

namespace quern::text {
namespace {

constexpr std::size_t max_text_bytes = std::size_t{256} << 20, max_traced_bytes = std::size_t{32} << 20;
constexpr std::string_view flags_key = "quern.tokenizer.added_tokens";

std::unique_ptr<TokenizerModel> make_model(const Vocabulary& vocabulary, const gguf::Metadata& metadata) {
    std::string_view model = metadata.need_string("tokenizer.ggml.model");
    const std::string_view pre = metadata.string("tokenizer.ggml.pre").value_or("");
    // Some files say so here only.
    if (model == "gpt2" && (pre == "gemma4" || pre == "sarvam-moe" || pre == "granite-embed-multi-311m"))
        model = "gemma4";
    if (model == "gpt2") return std::make_unique<ByteBpe>(vocabulary, metadata);
    if (model == "llama") return std::make_unique<SentencePiece>(vocabulary, metadata, SentencePiece::Order::scores);
    if (model == "gemma4") return std::make_unique<SentencePiece>(vocabulary, metadata, SentencePiece::Order::merges);
    if (model == "t5") return std::make_unique<Unigram>(vocabulary, metadata);
    if (model == "bert") return std::make_unique<WordPiece>(vocabulary, metadata);
    throw Error(Code::unsupported,
                "reading the tokenizer: the file's tokenizer.ggml.model is '{:.80}'; known are gpt2 (byte-level BPE), "
                "llama and "
                "gemma4 (SentencePiece BPE), t5 (SentencePiece unigram) and bert (WordPiece)",
                model);
}

}  // namespace

std::unique_ptr<Tokenizer> Tokenizer::from_gguf(const gguf::Metadata& metadata) {
    return std::unique_ptr<Tokenizer>(new Tokenizer(metadata));
}

Tokenizer::Tokenizer(const gguf::Metadata& metadata)
    : vocabulary_(metadata), model_(make_model(vocabulary_, metadata)) {
    set_normalizer(metadata);
    set_added(metadata);
    set_edges(metadata);
}

void Tokenizer::set_normalizer(const gguf::Metadata& metadata) {
    std::vector<NormalizerStep> steps = model_->normalizer();
    if (const auto said = metadata.strings("quern.tokenizer.normalizer"))
        steps = Normalizer::parse(*said);
    else if (const auto nfc = metadata.boolean("tokenizer.ggml.normalizer.nfc"); nfc && !*nfc)
        std::erase_if(steps, [](const NormalizerStep& s) { return s.kind == NormalizerStep::Kind::nfc; });
    else if (nfc && steps.empty())
        steps.push_back({NormalizerStep::Kind::nfc, {}, {}});
    normalizer_ = Normalizer(std::move(steps));
}

void Tokenizer::set_added(const gguf::Metadata& metadata) {
    std::map<std::int64_t, AddedFlags> flags;
    const auto pairs = metadata.integers(flags_key).value_or(std::vector<std::int64_t>());
    for (std::size_t i = 0; i < pairs.size(); i += 2) {
        if (i + 1 == pairs.size() || pairs[i] < 0 || pairs[i] >= vocab_size() || pairs[i + 1] < 0 || pairs[i + 1] > 15)
            throw Error(Code::bad_file,
                        "reading the tokenizer: {}[{}] is {}, expected a token's id and flags from 0 to 15", flags_key,
                        i, pairs[i]);
        flags[pairs[i]] = AddedFlags::of(static_cast<std::uint8_t>(pairs[i + 1]));
    }
    for (std::int32_t id = 0; id < vocabulary_.size(); ++id) {
        const bool control = is_control(id);
        if (!control && vocabulary_.type(id) != TokenType::user_defined) continue;
        const auto kind = control ? AddedTokens::Kind::control : AddedTokens::Kind::always;
        const auto own = flags.find(id);
        const AddedFlags f = own == flags.end() ? AddedFlags{} : own->second;
        const std::string text = model_->piece(id);
        if (!f.normalized) {
            added_.add(text, id, kind, f);
            continue;
        }
        AlignedText space, other;
        added_normalized_.add(normalizer_.apply({text}, space, other).text, id, kind, f);
    }
}

bool Tokenizer::is_control(std::int32_t id) const {
    const TokenType type = vocabulary_.type(id);
    return type == TokenType::control || type == TokenType::unknown;
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
    add_eos_ = wants("tokenizer.ggml.add_eos_token", model_->default_add_eos(), vocabulary_.eos,
                     "tokenizer.ggml.eos_token_id");
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, Specials specials) const {
    if (text.size() > max_text_bytes)
        throw Error(Code::bad_request, "tokenizing a text of {} bytes: at most {} are possible at once", text.size(),
                    max_text_bytes);
    std::vector<std::int32_t> ids;
    TokenSink out{ids};
    encode(text, specials, out);
    return ids;
}

Tokenizer::Encoding Tokenizer::encode_with_spans(std::string_view text, Specials specials) const {
    if (text.size() > max_traced_bytes)
        throw Error(Code::bad_request,
                    "finding the tokens' places in a text of {} bytes: at most {} are possible at once", text.size(),
                    max_traced_bytes);
    Encoding encoding;
    TokenSink out{encoding.ids, &encoding.spans};
    encode(text, specials, out);
    return encoding;
}

void Tokenizer::encode(std::string_view text, Specials specials, TokenSink& out) const {
    AlignedText prepared;
    prepared.tracked = out.wants_spans();
    Sourced all{text};
    if (model_->prepare(all, added_, specials, prepared)) all = prepared.sourced();
    split(added_, all, specials, TokenizerModel::Place::start, out,
          [&](const Sourced& stretch, TokenizerModel::Place place) { encode_stretch(stretch, specials, place, out); });
}

void Tokenizer::encode_stretch(const Sourced& text, Specials specials, TokenizerModel::Place place,
                               TokenSink& out) const {
    if (normalizer_.empty() && added_normalized_.empty()) return model_->encode(text, place, out);
    AlignedText space, other;
    space.tracked = other.tracked = out.wants_spans();
    const Sourced normal = normalizer_.apply(text, space, other);
    if (added_normalized_.empty()) return model_->encode(normal, place, out);
    split(added_normalized_, normal, specials, place, out,
          [&](const Sourced& stretch, TokenizerModel::Place at) { model_->encode(stretch, at, out); });
}

template <class Rest>
void Tokenizer::split(const AddedTokens& tokens, const Sourced& text, Specials specials, TokenizerModel::Place place,
                      TokenSink& out, const Rest& rest) const {
    using Place = TokenizerModel::Place;
    std::size_t at = 0;
    while (at < text.text.size()) {
        const AddedTokens::Match match = tokens.find(text.text, at, specials);
        const bool control = match.size > 0 && is_control(match.id);
        // Even an empty stretch begins a text that opens with a user-defined token: SentencePiece's space goes first.
        const bool opens = place == Place::start && !control;
        if (match.begin > at || opens) {
            rest(text.part(at, match.begin - at), place);
            place = Place::inside;
        }
        if (match.size == 0) break;
        out.push(match.id, [&] { return text.origin(match.begin, match.begin + match.size); });
        if (control) place = Place::start;
        at = match.begin + match.size;
    }
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
        if (is_control(id)) {
            if (controls == Controls::show) out += bytes;
            if (vocabulary_.type(id) == TokenType::control) begins = adds_space_prefix();
            continue;
        }
        out.append(bytes, begins && bytes.starts_with(' ') ? 1 : 0);
        begins = false;
    }
    return out;
}

}  // namespace quern::text
