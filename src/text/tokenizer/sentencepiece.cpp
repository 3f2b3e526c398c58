#include "text/tokenizer/sentencepiece.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

constexpr std::string_view space_mark = "\xE2\x96\x81";  // U+2581
constexpr std::string_view scores_key = "tokenizer.ggml.scores";

// "<0x0A>" -> 10; -1 for anything else.
int byte_named(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return -1;
    int byte = -1;
    const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
    return error == std::errc() && end == text.data() + 5 ? byte : -1;
}

// Where the word that starts at `begin` ends: before the next space mark that follows something else.
std::size_t word_end(std::string_view escaped, std::size_t begin) {
    std::size_t i = begin;
    while (escaped.substr(i).starts_with(space_mark)) i += space_mark.size();
    return std::min(escaped.find(space_mark, i), escaped.size());
}

}  // namespace

SentencePiece::SentencePiece(const Vocabulary& vocabulary, const gguf::Metadata& metadata)
    : vocabulary_(vocabulary),
      add_space_prefix_(metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(true)),
      remove_extra_whitespaces_(metadata.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false)) {
    rank_scores(metadata);
    find_byte_tokens();
    for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
        if (!may_merge(id)) continue;
        const std::string_view text = vocabulary.text(id);
        longest_text_ = std::max(longest_text_, text.size());
        if (word_end(text, 0) != text.size()) words_are_apart_ = false;
    }
}

void SentencePiece::rank_scores(const gguf::Metadata& metadata) {
    const auto scores = metadata.floats(scores_key);
    const auto count = static_cast<std::size_t>(vocabulary_.size());
    if (!scores)
        throw Error(Code::bad_file, "reading the tokenizer: the file has no {}, which a SentencePiece vocabulary needs",
                    scores_key);
    if (scores->size() != count)
        throw Error(Code::bad_file, "reading the tokenizer: {} has {} entries for {} tokens; they must be as many",
                    scores_key, scores->size(), count);
    const auto bad = std::ranges::find_if(*scores, [](float s) { return std::isnan(s); });
    if (bad != scores->end())
        throw Error(Code::bad_file, "reading the tokenizer: {}[{}] is not a number", scores_key, bad - scores->begin());
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) { return (*scores)[a] > (*scores)[b]; });
    ranks_.resize(count);
    std::uint32_t rank = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0 && (*scores)[order[i]] < (*scores)[order[i - 1]]) ++rank;
        ranks_[order[i]] = rank;
    }
}

void SentencePiece::find_byte_tokens() {
    std::fill(std::begin(byte_ids_), std::end(byte_ids_), -1);
    for (std::int32_t id = 0; id < vocabulary_.size(); ++id) {
        if (vocabulary_.type(id) != TokenType::byte) continue;
        const int byte = byte_named(vocabulary_.text(id));
        if (byte < 0)
            throw Error(
                Code::bad_file,
                "reading the tokenizer: tokenizer.ggml.tokens[{}] is '{:.80}' and of type byte, expected a text "
                "like <0x0A>",
                id, vocabulary_.text(id));
        byte_ids_[byte] = id;
    }
}

bool SentencePiece::may_merge(std::int32_t id) const {
    const TokenType type = vocabulary_.type(id);
    return type == TokenType::normal || type == TokenType::user_defined;
}

std::string_view SentencePiece::clean(std::string_view text, std::string& space) const {
    if (!remove_extra_whitespaces_) return text;
    space.clear();
    for (const char c : text)
        if (c != ' ' || (!space.empty() && space.back() != ' ')) space += c;
    if (space.ends_with(' ')) space.pop_back();
    return space;
}

void SentencePiece::escape(std::string_view text, Place place, std::string& out) const {
    out.clear();
    if (add_space_prefix_ && place == Place::start) out += space_mark;
    for (const char c : text) {
        if (c == ' ')
            out += space_mark;
        else
            out += c;
    }
}

void SentencePiece::encode(std::string_view text, Place place, std::vector<std::int32_t>& out) const {
    ScratchPool<Scratch>::Lease scratch(scratch_);
    escape(text, place, scratch->escaped);
    const std::string_view escaped = scratch->escaped;
    for (std::size_t begin = 0; begin < escaped.size();) {
        const std::size_t end = words_are_apart_ ? word_end(escaped, begin) : escaped.size();
        encode_word(escaped.substr(begin, end - begin), *scratch, out);
        begin = end;
    }
}

void SentencePiece::encode_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& out) const {
    if (scratch.cache.find(word, out)) return;
    const std::size_t before = out.size();
    const auto find = [&](std::size_t begin, std::size_t size) -> Merge {
        if (size > longest_text_) return {};
        const auto id = vocabulary_.find(word.substr(begin, size));
        if (!id || !may_merge(*id)) return {};
        return {ranks_[static_cast<std::size_t>(*id)], *id};
    };
    scratch.symbols.clear();
    for (std::size_t i = 0; i < word.size();) {
        const std::size_t size = next_character(word.substr(i)).bytes;
        scratch.symbols.push_back({find(i, size).id, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(size)});
        i += size;
    }
    merge_symbols(scratch.symbols, scratch.space, [&](const Symbol& left, const Symbol& right) {
        return find(left.begin, std::size_t{left.size} + right.size);
    });
    bool complete = true;  // nothing of it is unknown
    for (const Symbol& s : scratch.symbols) {
        if (s.id >= 0) {
            out.push_back(s.id);
            continue;
        }
        for (const char c : word.substr(s.begin, s.size)) {
            const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
            if (id >= 0) {
                out.push_back(id);
                continue;
            }
            push_unknown(out);
            complete = false;
        }
    }
    // A run of unknown text is one token, also across words, so what stands before decides how many there are.
    if (complete) scratch.cache.put(word, std::span(out).subspan(before));
}

void SentencePiece::push_unknown(std::vector<std::int32_t>& out) const {
    if (!vocabulary_.unknown) return;
    if (out.empty() || out.back() != *vocabulary_.unknown) out.push_back(*vocabulary_.unknown);
}

std::string SentencePiece::piece(std::int32_t id) const {
    const std::string_view text = vocabulary_.text(id);
    const TokenType type = vocabulary_.type(id);
    if (type == TokenType::byte) return std::string(1, static_cast<char>(static_cast<unsigned char>(byte_named(text))));
    if (type == TokenType::control || type == TokenType::unknown) return std::string(text);
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const bool mark = text.substr(i).starts_with(space_mark);
        out += mark ? ' ' : text[i];
        i += mark ? space_mark.size() : 1;
    }
    return out;
}

}  // namespace quern::text
