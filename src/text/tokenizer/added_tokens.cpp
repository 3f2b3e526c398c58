#include "text/tokenizer/added_tokens.h"

#include "text/tokenizer/unicode.h"
#include "text/utf8.h"

namespace quern::text {
namespace {

// The character that ends before `at`, or starts there; U+FFFD where bytes are no character.
char32_t character_before(std::string_view text, std::size_t at) {
    std::size_t begin = at - 1;
    while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    const std::string_view character = text.substr(begin, at - begin);
    const Utf8Step step = next_character(character);
    return step.kind == Utf8::valid && step.bytes == character.size() ? code_point(character) : 0xFFFD;
}

char32_t character_after(std::string_view text, std::size_t at, std::size_t& size) {
    const Utf8Step step = next_character(text.substr(at));
    size = step.bytes;
    return step.kind == Utf8::valid ? code_point(text.substr(at, size)) : 0xFFFD;
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
    std::size_t size = 0;
    return (begin == 0 || !is_word_character(character_before(text, begin))) &&
           (end == text.size() || !is_word_character(character_after(text, end, size)));
}

std::size_t skip_white_space_back(std::string_view text, std::size_t from, std::size_t at) {
    while (at > from) {
        const char32_t c = character_before(text, at);
        if (!is_white_space(c)) break;
        at -= c < 0x80 ? 1 : c < 0x800 ? 2 : 3;  // no white space is longer
    }
    return at;
}

std::size_t skip_white_space(std::string_view text, std::size_t at) {
    for (std::size_t size = 0; at < text.size(); at += size)
        if (!is_white_space(character_after(text, at, size))) break;
    return at;
}

}  // namespace

std::uint32_t AddedTokens::step(std::uint32_t node, unsigned char byte) const {
    for (std::uint32_t c = nodes_[node].child; c != 0; c = nodes_[c].sibling)
        if (nodes_[c].byte == byte) return c;
    return 0;
}

void AddedTokens::add(std::string_view text, std::int32_t id, Kind kind, AddedFlags flags) {
    if (text.empty()) return;
    const auto make = [&](unsigned char byte, std::uint32_t sibling) {
        nodes_.push_back({.byte = byte, .flags = {}, .sibling = sibling});
        return static_cast<std::uint32_t>(nodes_.size() - 1);
    };
    const auto first = static_cast<unsigned char>(text[0]);
    if (kind == Kind::always) starts_text_[first] = true;
    if (roots_[first] == 0) roots_[first] = make(first, 0);
    std::uint32_t node = roots_[first];
    for (const char c : text.substr(1)) {
        const auto byte = static_cast<unsigned char>(c);
        std::uint32_t next = step(node, byte);
        if (next == 0) {
            next = make(byte, nodes_[node].child);
            nodes_[node].child = next;
        }
        node = next;
    }
    nodes_[node].id = id;
    nodes_[node].kind = kind;
    nodes_[node].flags = flags;
}

AddedTokens::Match AddedTokens::find(std::string_view text, std::size_t from, Specials specials) const {
    const bool none = empty();
    for (std::size_t begin = none ? text.size() : from; begin < text.size(); ++begin) {
        const auto first = static_cast<unsigned char>(text[begin]);
        std::uint32_t node = roots_[first];
        if (node == 0 || (specials == Specials::as_text && !starts_text_[first])) continue;
        Match best;
        AddedFlags flags;
        for (std::size_t i = begin + 1; node != 0; ++i) {
            const Node& n = nodes_[node];
            if (n.id >= 0 && (specials == Specials::parse || n.kind == Kind::always)) {
                best = {begin, i - begin, n.id};
                flags = n.flags;
            }
            if (i == text.size()) break;
            node = step(node, static_cast<unsigned char>(text[i]));
        }
        if (best.size == 0) continue;
        std::size_t end = begin + best.size;
        if (flags.single_word && !stands_alone(text, begin, end)) {
            begin = end - 1;  // as in the original, nothing else is looked for inside
            continue;
        }
        if (flags.lstrip) best.begin = skip_white_space_back(text, from, begin);
        if (flags.rstrip) end = skip_white_space(text, end);
        best.size = end - best.begin;
        return best;
    }
    return {.begin = text.size()};
}

}  // namespace quern::text
