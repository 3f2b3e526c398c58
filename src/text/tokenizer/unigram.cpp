#include "text/tokenizer/unigram.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "text/tokenizer/scores.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

constexpr double unknown_penalty = 10;  // SentencePiece's kUnkPenalty

std::vector<float> copy_scores(const gguf::Metadata& metadata, const Vocabulary& vocabulary) {
    const std::span<const float> scores = read_scores(metadata, vocabulary);
    return {scores.begin(), scores.end()};
}

}  // namespace

Unigram::Unigram(const Vocabulary& vocabulary, const gguf::Metadata& metadata)
    : vocabulary_(vocabulary),
      text_(vocabulary, metadata, true),
      scores_(copy_scores(metadata, vocabulary)),
      trie_(make_trie()) {
    double least = std::numeric_limits<double>::max();
    for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
        if (vocabulary.type(id) != TokenType::normal) continue;
        least = std::min(least, double{scores_[static_cast<std::size_t>(id)]});
        breaks_.add(vocabulary.text(id));
    }
    unknown_score_ = least - unknown_penalty;
    if (vocabulary.unknown) return;
    for (int byte = 0; byte < 256; ++byte)
        if (text_.byte_id(static_cast<char>(static_cast<unsigned char>(byte))) < 0)
            throw Error(
                Code::bad_file,
                "reading the tokenizer: the file has no tokenizer.ggml.unknown_token_id, and no token for the byte "
                "{}; a unigram vocabulary needs the one or all of the others",
                byte);
}

Trie Unigram::make_trie() const {
    std::vector<std::pair<std::string_view, std::int32_t>> pieces;
    for (std::int32_t id = 0; id < vocabulary_.size(); ++id)
        if (vocabulary_.type(id) == TokenType::normal && !vocabulary_.text(id).empty())
            pieces.emplace_back(vocabulary_.text(id), id);
    return Trie(std::move(pieces));
}

void Unigram::encode(const Sourced& text, Place place, TokenSink& out) const {
    ScratchPool<Scratch>::Lease scratch(scratch_);
    AlignedText& escaped = scratch->escaped;
    escaped.tracked = out.wants_spans();
    text_.escape(text, place == Place::start, escaped);
    const Sourced all = escaped.sourced();
    for (std::size_t begin = 0; begin < all.text.size();) {
        const std::size_t end = breaks_.word_end(all.text, begin);
        encode_word(all.part(begin, end - begin), *scratch, out);
        begin = end;
    }
    release_if_large(escaped.text);
    release_if_large(escaped.spans);
    release_if_large(scratch->best);
    release_if_large(scratch->pieces);
}

void Unigram::search(std::string_view word, std::vector<Best>& best) const {
    best.assign(word.size() + 1, Best{});
    best[0].begin = 0;
    const auto offer = [&](std::size_t begin, std::size_t end, std::int32_t id, double score) {
        Best& held = best[end];
        if (held.begin != unreached && !(score > held.score)) return;
        held = {score, static_cast<std::uint32_t>(begin), id};
    };
    for (std::size_t begin = 0; begin < word.size();) {
        const std::size_t character = next_character(word.substr(begin)).bytes;
        bool spelled = false;  // the character by itself is a piece
        Trie::Node node = Trie::root;
        for (std::size_t i = begin; i < word.size(); ++i) {
            node = trie_.step(node, static_cast<unsigned char>(word[i]));
            if (node == Trie::none) break;
            const std::int32_t id = trie_.token(node);
            if (id < 0) continue;
            offer(begin, i + 1, id, best[begin].score + double{scores_[static_cast<std::size_t>(id)]});
            spelled = spelled || i + 1 - begin == character;
        }
        if (!spelled) offer(begin, begin + character, -1, best[begin].score + unknown_score_);
        begin += character;
    }
}

void Unigram::encode_word(const Sourced& source, Scratch& scratch, TokenSink& out) const {
    const std::string_view word = source.text;
    if (!out.wants_spans() && scratch.cache.find(word, out.ids)) return;  // the cache knows no spans
    const std::size_t before = out.ids.size();
    search(word, scratch.best);
    scratch.pieces.clear();
    for (std::size_t end = word.size(); end > 0; end = scratch.best[end].begin)
        scratch.pieces.push_back(static_cast<std::uint32_t>(end));
    bool complete = true;  // nothing of it is unknown
    for (auto end = scratch.pieces.rbegin(); end != scratch.pieces.rend(); ++end) {
        const Best& piece = scratch.best[*end];
        if (piece.id >= 0)
            out.push(piece.id, [&] { return source.origin(piece.begin, *end); });
        else
            complete = text_.push_bytes(source, piece.begin, *end, out) && complete;
    }
    // A run of unknown text is one token, also across words, so what stands before decides how many there are.
    if (complete && !out.wants_spans()) scratch.cache.put(word, std::span(out.ids).subspan(before));
}

}  // namespace quern::text
