#include "text/tokenizer/sentencepiece_text.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "text/tokenizer/added_tokens.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

constexpr std::string_view charsmap_key = "tokenizer.ggml.precompiled_charsmap";

// "<0x0A>" -> 10; -1 for anything else.
int byte_named(std::string_view text) {
    if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return -1;
    int byte = -1;
    const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
    return error == std::errc() && end == text.data() + 5 ? byte : -1;
}

Charsmap read_charsmap(const gguf::Metadata& metadata) {
    const auto values = metadata.integers(charsmap_key);
    if (!values || values->empty()) return {};
    std::string bytes;
    for (const std::int64_t v : *values) bytes += static_cast<char>(static_cast<unsigned char>(v));
    return Charsmap(bytes);
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

SentencePieceText::SentencePieceText(const Vocabulary& vocabulary, const gguf::Metadata& metadata, bool prefix)
    : vocabulary_(vocabulary),
      charsmap_(read_charsmap(metadata)),
      add_space_prefix_(metadata.boolean("tokenizer.ggml.add_space_prefix").value_or(prefix)),
      remove_extra_whitespaces_(metadata.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false)) {
    if (metadata.boolean("tokenizer.ggml.treat_whitespace_as_suffix").value_or(false))
        throw Error(Code::unsupported,
                    "reading the tokenizer: it writes spaces after words (tokenizer.ggml.treat_whitespace_as_suffix), "
                    "which this build does not know");
    byte_ids_.fill(-1);
    for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
        if (vocabulary.type(id) != TokenType::byte) continue;
        const int byte = byte_named(vocabulary.text(id));
        if (byte < 0)
            throw Error(
                Code::bad_file,
                "reading the tokenizer: tokenizer.ggml.tokens[{}] is '{:.80}' and of type byte, expected a text "
                "like <0x0A>",
                id, vocabulary.text(id));
        byte_ids_[static_cast<std::size_t>(byte)] = id;
    }
}

// Takes what the text becomes piece by piece and leaves out spaces at the ends and repeated ones.
struct SentencePieceText::Squeezer {
    AlignedText& out;
    const bool squeeze;
    bool after_space = true, spaces_only = true;

    void put(std::string_view bytes, Span from) {
        spaces_only = spaces_only && squeeze && bytes == " ";
        if (spaces_only) out.start = from.end;
        while (squeeze && after_space && bytes.starts_with(' ')) bytes.remove_prefix(1);
        if (bytes.empty()) {
            if (out.tracked && !out.spans.empty()) out.spans.back().end = from.end;  // goes with what stands before
            return;
        }
        // All but the last byte stand for nothing but a place, as in the original.
        out.append(bytes.substr(0, bytes.size() - 1), {from.begin, from.begin});
        out.append(bytes.substr(bytes.size() - 1), from);
        after_space = bytes.ends_with(' ');
    }
    void finish() {
        while (squeeze && (out.text.ends_with(' ') || out.text.ends_with(space_mark)))
            out.text.resize(out.text.size() - (out.text.ends_with(' ') ? 1 : space_mark.size()));
        if (out.tracked) out.spans.resize(out.text.size());
    }
};

bool SentencePieceText::prepare(const Sourced& text, const AddedTokens& tokens, Specials specials,
                                AlignedText& out) const {
    if (!remove_extra_whitespaces_ && charsmap_.empty()) return false;
    Squeezer squeezer{out, remove_extra_whitespaces_};
    AddedTokens::Match token = tokens.find(text.text, 0, specials);
    for (std::size_t at = 0; at < text.text.size();) {
        std::size_t size = next_character(text.text.substr(at)).bytes;
        std::string_view by = text.text.substr(at, size);
        if (at >= token.begin && token.size > 0) {
            size = token.size;
            by = text.text.substr(at, size);
            token = tokens.find(text.text, at + size, specials);
        } else if (const auto replaced = charsmap_.find(text.text.substr(at, token.begin - at))) {
            size = replaced->size;
            by = replaced->by;
        }
        squeezer.put(by, text.origin(at, at + size));
        at += size;
    }
    squeezer.finish();
    return true;
}

void SentencePieceText::escape(const Sourced& text, bool start, AlignedText& out) const {
    out.clear();
    // It stands for nothing but what was dropped at the start.
    if (add_space_prefix_ && start)
        out.append(space_mark, {text.start, text.text.empty() ? text.start : text.origin(0, 1).begin});
    if (!out.tracked) {
        std::size_t done = 0;
        for (std::size_t space = text.text.find(' '); space != text.text.npos; space = text.text.find(' ', done)) {
            out.text.append(text.text, done, space - done).append(space_mark);
            done = space + 1;
        }
        out.text.append(text.text, done);
        return;
    }
    for (std::size_t i = 0; i < text.text.size(); ++i) {
        if (text.text[i] == ' ')
            out.append(space_mark, text.origin(i, i + 1));
        else
            out.copy(text, i, i + 1);
    }
}

bool SentencePieceText::push_bytes(const Sourced& escaped, std::size_t begin, std::size_t end, TokenSink& out) const {
    bool known = true;
    for (std::size_t i = begin; i < end; ++i) {
        const std::int32_t id = byte_id(escaped.text[i]);
        if (id >= 0) {
            out.push(id, [&] { return escaped.origin(begin, end); });
            continue;
        }
        known = false;
        if (!vocabulary_.unknown) continue;
        if (out.ids.empty() || out.ids.back() != *vocabulary_.unknown)
            out.push(*vocabulary_.unknown, [&] { return escaped.origin(i, i + 1); });
        else if (out.spans)
            out.spans->back().end = escaped.origin(i, i + 1).end;
    }
    return known;
}

std::string SentencePieceText::piece(std::int32_t id) const {
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

void WordBreaks::add(std::string_view token) {
    for (std::size_t i = 1; i < token.size(); ++i) {
        joined_[static_cast<std::size_t>(static_cast<unsigned char>(token[i - 1])) * 256 +
                static_cast<unsigned char>(token[i])] = true;
        if (token.substr(i).starts_with(space_mark) && !token.substr(0, i).ends_with(space_mark))
            marks_start_words_ = false;
    }
}

std::size_t WordBreaks::word_end(std::string_view escaped, std::size_t begin) const {
    for (std::size_t i = begin + 1; i < escaped.size(); ++i) {
        const char c = escaped[i];
        if (continues(c)) continue;
        if (!joined(escaped[i - 1], c)) return i;
        if (marks_start_words_ && c == space_mark[0] && escaped.substr(i, 3) == space_mark &&
            !escaped.substr(0, i).ends_with(space_mark))
            return i;
    }
    return escaped.size();
}

}  // namespace quern::text
