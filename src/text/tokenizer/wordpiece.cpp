#include "text/tokenizer/wordpiece.h"

#include <algorithm>

#include "base/error.h"
#include "text/tokenizer/sentencepiece_text.h"
#include "text/tokenizer/unicode.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

constexpr std::size_t longest_word = 100;  // in characters; BERT's max_input_chars_per_word

bool is_ascii_punctuation(char32_t c) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// Before these a decoder writes no space.
constexpr std::string_view tight_pieces[] = {".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"};

}  // namespace

WordPiece::WordPiece(const Vocabulary& vocabulary, const gguf::Metadata& metadata)
    : vocabulary_(vocabulary),
      trie_(make_trie()),
      lowercase_(metadata.boolean("tokenizer.ggml.normalizer.lowercase").value_or(true)),
      strip_accents_(metadata.boolean("tokenizer.ggml.normalizer.strip_accents").value_or(lowercase_)) {
    if (!vocabulary.unknown)
        throw Error(Code::bad_file,
                    "reading the tokenizer: the file has no tokenizer.ggml.unknown_token_id, which a WordPiece "
                    "vocabulary needs");
    for (const char c : space_mark) word_start_ = trie_.step(word_start_, static_cast<unsigned char>(c));
}

Trie WordPiece::make_trie() const {
    std::vector<std::pair<std::string_view, std::int32_t>> pieces;
    for (std::int32_t id = 0; id < vocabulary_.size(); ++id)
        if (vocabulary_.type(id) == TokenType::normal && !vocabulary_.text(id).empty())
            pieces.emplace_back(vocabulary_.text(id), id);
    return Trie(std::move(pieces));
}

std::vector<NormalizerStep> WordPiece::normalizer() const {
    using enum NormalizerStep::Kind;
    std::vector<NormalizerStep> steps{{clean_controls, {}, {}}, {space_han, {}, {}}};
    if (strip_accents_) steps.insert(steps.end(), {{nfd, {}, {}}, {strip_nonspacing, {}, {}}});
    if (lowercase_) steps.push_back({lowercase, {}, {}});
    return steps;
}

void WordPiece::encode(const Sourced& text, Place, TokenSink& out) const {
    std::size_t word = 0;  // where the current one starts
    const auto finish = [&](std::size_t end) {
        if (end > word) encode_word(text.part(word, end - word), out);
    };
    for (std::size_t at = 0; at < text.text.size();) {
        const auto first = static_cast<unsigned char>(text.text[at]);
        if ((first >= 'a' && first <= 'z') || (first >= '0' && first <= '9')) {  // most of most texts
            ++at;
            continue;
        }
        const Utf8Step step = next_character(text.text.substr(at));
        const std::size_t end = at + step.bytes;
        const char32_t c = step.kind == Utf8::valid ? code_point(text.text.substr(at, step.bytes)) : 0xFFFD;
        const bool space = is_white_space(c), mark = is_ascii_punctuation(c) || is_punctuation(c);
        if (space || mark) {
            finish(at);
            if (mark) encode_word(text.part(at, step.bytes), out);
            word = end;
        }
        at = end;
    }
    finish(text.text.size());
}

void WordPiece::encode_word(const Sourced& word, TokenSink& out) const {
    const std::size_t before = out.ids.size();
    const std::string_view text = word.text;
    const auto unknown = [&] {
        out.ids.resize(before);
        if (out.spans) out.spans->resize(before);
        out.push(*vocabulary_.unknown, [&] { return word.origin(0, text.size()); });
    };
    const auto characters =
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    if (characters > std::ptrdiff_t(longest_word)) return unknown();
    for (std::size_t begin = 0; begin < text.size();) {
        Trie::Node node = begin == 0 ? word_start_ : Trie::root;
        if (begin == 0 && node == Trie::none) return unknown();
        std::size_t end = 0;
        std::int32_t id = -1;
        for (std::size_t i = begin; i < text.size(); ++i) {
            node = trie_.step(node, static_cast<unsigned char>(text[i]));
            if (node == Trie::none) break;
            if (trie_.token(node) < 0) continue;
            id = trie_.token(node);
            end = i + 1;
        }
        if (id < 0) return unknown();
        out.push(id, [&] { return word.origin(begin, end); });
        begin = end;
    }
}

std::string WordPiece::piece(std::int32_t id) const {
    const std::string_view text = vocabulary_.text(id);
    const TokenType type = vocabulary_.type(id);
    if (type == TokenType::control || type == TokenType::unknown || !text.starts_with(space_mark))
        return std::string(text);
    const std::string_view word = text.substr(space_mark.size());
    const bool tight = std::ranges::find(tight_pieces, word) != std::end(tight_pieces);
    return (tight ? "" : " ") + std::string(word);
}

}  // namespace quern::text
