#include "text/tokenizer/sentencepiece.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "text/tokenizer/scores.h"
#include "text/utf8.h"

namespace quern::text {

SentencePiece::SentencePiece(const Vocabulary& vocabulary, const gguf::Metadata& metadata, Order order)
    : vocabulary_(vocabulary), order_(order), text_(vocabulary, metadata, order == Order::scores) {
    if (order == Order::scores)
        rank_scores(metadata);
    else
        merges_ = MergeTable(vocabulary, metadata);
    for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
        if (!may_merge(id)) continue;
        longest_text_ = std::max(longest_text_, vocabulary.text(id).size());
        breaks_.add(vocabulary.text(id));
    }
    for (std::size_t c = 0; c < ascii_ids_.size(); ++c) {
        const char character = static_cast<char>(c);
        ascii_ids_[c] = find({&character, 1}).id;
    }
}

void SentencePiece::rank_scores(const gguf::Metadata& metadata) {
    const std::span<const float> scores = read_scores(metadata, vocabulary_);
    std::vector<std::uint32_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
    ranks_.resize(scores.size());
    std::uint32_t rank = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (i > 0 && scores[order[i]] < scores[order[i - 1]]) ++rank;
        ranks_[order[i]] = rank;
    }
}

bool SentencePiece::may_merge(std::int32_t id) const {
    const TokenType type = vocabulary_.type(id);
    return type == TokenType::normal || type == TokenType::user_defined;
}

Merge SentencePiece::find(std::string_view text) const {
    if (text.size() > longest_text_) return {};
    const auto id = vocabulary_.find(text);
    if (!id || !may_merge(*id)) return {};
    return {order_ == Order::scores ? ranks_[static_cast<std::size_t>(*id)] : 0, *id};
}

void SentencePiece::encode(const Sourced& text, Place place, TokenSink& out) const {
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
    release_if_large(scratch->symbols);
    release_if_large(scratch->space.next);
    release_if_large(scratch->space.previous);
    release_if_large(scratch->space.pairs);
    release_if_large(scratch->space.heap);
}

void SentencePiece::encode_word(const Sourced& source, Scratch& scratch, TokenSink& out) const {
    const std::string_view word = source.text;
    if (!out.wants_spans() && scratch.cache.find(word, out.ids)) return;  // the cache knows no spans
    const std::size_t before = out.ids.size();
    scratch.symbols.clear();
    for (std::size_t i = 0; i < word.size();) {
        const auto first = static_cast<unsigned char>(word[i]);
        const std::size_t size = first < 128 ? 1 : next_character(word.substr(i)).bytes;
        const std::int32_t id = first < 128 ? ascii_ids_[first] : find(word.substr(i, size)).id;
        scratch.symbols.push_back({id, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(size)});
        i += size;
    }
    if (order_ == Order::scores)
        merge_symbols(scratch.symbols, scratch.space, [&](const Symbol& left, const Symbol& right) {
            const auto ask = [&] { return find(word.substr(left.begin, std::size_t{left.size} + right.size)); };
            return left.id < 0 || right.id < 0 ? ask() : scratch.pairs.find(left.id, right.id, ask);
        });
    else
        merge_symbols(scratch.symbols, scratch.space,
                      [&](const Symbol& left, const Symbol& right) { return merges_.find(left.id, right.id); });
    bool complete = true;  // nothing of it is unknown
    for (const Symbol& s : scratch.symbols) {
        if (s.id >= 0)
            out.push(s.id, [&] { return source.origin(s.begin, s.begin + s.size); });
        else
            complete = text_.push_bytes(source, s.begin, s.begin + s.size, out) && complete;
    }
    // A run of unknown text is one token, also across words, so what stands before decides how many there are.
    if (complete && !out.wants_spans()) scratch.cache.put(word, std::span(out.ids).subspan(before));
}

}  // namespace quern::text
