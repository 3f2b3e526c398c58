#include "text/tokenizer/byte_bpe.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/error.h"
#include "base/hash.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

constexpr std::string_view merges_key = "tokenizer.ggml.merges";

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

std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}

}  // namespace

ByteBpe::ByteBpe(const Vocabulary& vocabulary, const gguf::Metadata& metadata)
    : vocabulary_(vocabulary),
      pre_(find_pre_tokenizer(metadata.string("tokenizer.ggml.pre").value_or("default"))),
      splitter_(pre_) {
    std::string text;
    for (unsigned b = 0; b < 256; ++b) {
        const char byte = static_cast<char>(static_cast<unsigned char>(b));
        spell({&byte, 1}, text);
        byte_ids_[b] = vocabulary.find(text).value_or(-1);
    }
    for (std::int32_t id = 0; id < vocabulary.size(); ++id)
        longest_text_ = std::max(longest_text_, vocabulary.text(id).size());
    read_merges(metadata);
}

void ByteBpe::read_merges(const gguf::Metadata& metadata) {
    const auto merges = metadata.strings(merges_key);
    if (!merges)
        throw Error(Code::bad_file, "reading the tokenizer: the file has no {}, which byte-level BPE needs",
                    merges_key);
    if (merges->size() >= no_merge / 4)
        throw Error(Code::bad_file, "reading the tokenizer: {} has {} entries, more than any vocabulary needs",
                    merges_key, merges->size());
    merges_.assign(std::bit_ceil(merges->size() * 2 + 2), Slot{});
    std::string joined;
    for (std::size_t rank = 0; rank < merges->size(); ++rank) {
        const std::string_view line = (*merges)[rank];
        const std::size_t gap = line.empty() ? line.npos : line.find(' ', 1);
        if (gap == line.npos)
            throw Error(Code::bad_file,
                        "reading the tokenizer: {}[{}] is '{:.80}', expected two tokens with a space between",
                        merges_key, rank, line);
        const std::string_view left = line.substr(0, gap), right = line.substr(gap + 1);
        joined.assign(left).append(right);
        const auto left_id = vocabulary_.find(left), right_id = vocabulary_.find(right), id = vocabulary_.find(joined);
        if (!left_id || !right_id || !id)
            throw Error(Code::bad_file,
                        "reading the tokenizer: {}[{}] is '{:.80}', but the vocabulary has no token '{:.80}'",
                        merges_key, rank, line,
                        !left_id    ? left
                        : !right_id ? right
                                    : std::string_view(joined));
        // Nothing a user writes may become a control token, so such a merge never happens.
        if (vocabulary_.type(*id) == TokenType::control) continue;
        const std::uint64_t pair = pair_of(*left_id, *right_id);
        std::size_t slot = splitmix64(pair) & (merges_.size() - 1);
        while (merges_[slot].pair != empty && merges_[slot].pair != pair) slot = (slot + 1) & (merges_.size() - 1);
        if (merges_[slot].pair == empty) merges_[slot] = {pair, {static_cast<std::uint32_t>(rank), *id}};
    }
}

Merge ByteBpe::find_merge(const Symbol& left, const Symbol& right) const {
    const std::uint64_t pair = pair_of(left.id, right.id);
    std::size_t slot = splitmix64(pair) & (merges_.size() - 1);
    while (merges_[slot].pair != empty) {
        if (merges_[slot].pair == pair) return merges_[slot].merge;
        slot = (slot + 1) & (merges_.size() - 1);
    }
    return {};
}

void ByteBpe::encode(std::string_view text, Place, std::vector<std::int32_t>& out) const {
    ScratchPool<Scratch>::Lease scratch(scratch_);
    while (!text.empty()) {
        const std::size_t good = valid_prefix(text);
        splitter_.split(text.substr(0, good), [&](std::string_view word) { encode_word(word, *scratch, out); });
        text.remove_prefix(good);
        std::size_t bad = 0;
        while (bad < text.size()) {
            const Utf8Step step = next_character(text.substr(bad));
            if (step.kind == Utf8::valid) break;
            bad += step.bytes;
        }
        if (bad > 0) encode_word(text.substr(0, bad), *scratch, out);
        text.remove_prefix(bad);
    }
}

void ByteBpe::encode_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& out) const {
    if (scratch.cache.find(word, out)) return;
    const std::size_t before = out.size();
    std::optional<std::int32_t> whole;
    if (pre_.whole_words == PreTokenizer::WholeWords::first && word.size() <= longest_text_) {
        spell(word, scratch.spelled);
        whole = vocabulary_.find(scratch.spelled);
    }
    if (whole && vocabulary_.type(*whole) == TokenType::normal)
        out.push_back(*whole);
    else
        merge_word(word, scratch, out);
    scratch.cache.put(word, std::span(out).subspan(before));
}

void ByteBpe::merge_word(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& out) const {
    scratch.symbols.clear();
    for (std::uint32_t i = 0; i < word.size(); ++i)
        scratch.symbols.push_back({byte_ids_[static_cast<unsigned char>(word[i])], i, 1});
    // A byte without a token has id -1, which no merge names.
    merge_symbols(scratch.symbols, scratch.space,
                  [this](const Symbol& left, const Symbol& right) { return find_merge(left, right); });
    for (const Symbol& s : scratch.symbols) {
        if (s.id >= 0)
            out.push_back(s.id);
        else if (vocabulary_.unknown)
            out.push_back(*vocabulary_.unknown);
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
