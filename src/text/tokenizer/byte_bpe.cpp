#include "text/tokenizer/byte_bpe.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

// GPT-2 writes bytes as printable characters: those that are printable in Latin-1 as themselves, the others in order
// from U+0100 on.
constexpr bool prints_as_itself(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<char32_t, 256> make_byte_characters() {
    std::array<char32_t, 256> table{};
    char32_t next = 0x100;
    for (unsigned b = 0; b < 256; ++b) table[b] = prints_as_itself(b) ? b : next++;
    return table;
}
constexpr std::array<char32_t, 256> byte_characters = make_byte_characters();

int byte_of_character(char32_t code) {
    if (code < 256) return prints_as_itself(code) ? static_cast<int>(code) : -1;
    const auto it = std::ranges::find(byte_characters, code);
    return it == byte_characters.end() ? -1 : static_cast<int>(it - byte_characters.begin());
}

void spell(std::string_view bytes, std::string& out) {
    out.clear();
    for (const char c : bytes) append_utf8(out, byte_characters[static_cast<unsigned char>(c)]);
}

}  // namespace

ByteBpe::ByteBpe(const Vocabulary& vocabulary, const gguf::Metadata& metadata)
    : vocabulary_(vocabulary),
      pre_(find_pre_tokenizer(metadata.string("tokenizer.ggml.pre").value_or("default"))),
      splitter_(pre_),
      merges_(vocabulary, metadata) {
    std::string text;
    for (unsigned b = 0; b < 256; ++b) {
        const char byte = static_cast<char>(static_cast<unsigned char>(b));
        spell({&byte, 1}, text);
        byte_ids_[b] = vocabulary.find(text).value_or(-1);
    }
    for (std::int32_t id = 0; id < vocabulary.size(); ++id)
        longest_text_ = std::max(longest_text_, vocabulary.text(id).size());
}

std::string ByteBpe::spelled(std::string_view bytes) {
    std::string out;
    spell(bytes, out);
    return out;
}

std::vector<NormalizerStep> ByteBpe::normalizer() const {
    if (pre_.normal_form == PreTokenizer::NormalForm::c) return {{NormalizerStep::Kind::nfc, {}, {}}};
    return {};
}

void ByteBpe::encode(const Sourced& text, Place, TokenSink& out) const {
    ScratchPool<Scratch>::Lease scratch(scratch_);
    const std::string_view all = text.text;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t good = valid_prefix(all.substr(at));
        splitter_.split(all.substr(at, good), [&](std::string_view word) {
            encode_word(text, static_cast<std::size_t>(word.data() - all.data()), word.size(), *scratch, out);
        });
        at += good;
        std::size_t bad = at;
        while (bad < all.size()) {
            const Utf8Step step = next_character(all.substr(bad));
            if (step.kind == Utf8::valid) break;
            bad += step.bytes;
        }
        if (bad > at) encode_word(text, at, bad - at, *scratch, out);
        at = bad;
    }
}

void ByteBpe::encode_word(const Sourced& text, std::size_t begin, std::size_t size, Scratch& scratch,
                          TokenSink& out) const {
    const std::string_view word = text.text.substr(begin, size);
    if (!out.wants_spans() && scratch.cache.find(word, out.ids)) return;  // the cache knows no spans
    const std::size_t before = out.ids.size();
    std::optional<std::int32_t> whole;
    if (pre_.whole_words == PreTokenizer::WholeWords::first && size <= longest_text_) {
        spell(word, scratch.spelled);
        whole = vocabulary_.find(scratch.spelled);
    }
    if (whole && vocabulary_.type(*whole) == TokenType::normal)
        out.push(*whole, [&] { return text.origin(begin, begin + size); });
    else
        merge_word(text.part(begin, size), scratch, out);
    if (!out.wants_spans()) scratch.cache.put(word, std::span(out.ids).subspan(before));
}

void ByteBpe::merge_word(const Sourced& word, Scratch& scratch, TokenSink& out) const {
    scratch.symbols.clear();
    for (std::uint32_t i = 0; i < word.text.size(); ++i)
        scratch.symbols.push_back({byte_ids_[static_cast<unsigned char>(word.text[i])], i, 1});
    // A byte without a token has id -1, which no merge names.
    merge_symbols(scratch.symbols, scratch.space,
                  [this](const Symbol& left, const Symbol& right) { return merges_.find(left.id, right.id); });
    for (const Symbol& s : scratch.symbols) {
        const auto id = s.id >= 0 ? std::optional(s.id) : vocabulary_.unknown;
        if (id) out.push(*id, [&] { return word.origin(s.begin, s.begin + s.size); });
    }
}

std::string ByteBpe::piece(std::int32_t id) const {
    const std::string_view text = vocabulary_.text(id);
    if (vocabulary_.type(id) != TokenType::normal && vocabulary_.type(id) != TokenType::byte) return std::string(text);
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const Utf8Step step = next_character(text.substr(i));
        const std::string_view character = text.substr(i, step.bytes);
        const int byte = step.kind == Utf8::valid ? byte_of_character(code_point(character)) : -1;
        if (byte >= 0)
            out += static_cast<char>(static_cast<unsigned char>(byte));
        else
            out += character;  // not spelled the GPT-2 way: taken as it stands
        i += step.bytes;
    }
    return out;
}

}  // namespace quern::text
