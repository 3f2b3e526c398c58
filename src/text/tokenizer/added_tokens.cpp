#include "text/tokenizer/added_tokens.h"

namespace quern::text {

std::uint32_t AddedTokens::step(std::uint32_t node, unsigned char byte) const {
    for (std::uint32_t c = nodes_[node].child; c != 0; c = nodes_[c].sibling)
        if (nodes_[c].byte == byte) return c;
    return 0;
}

void AddedTokens::add(std::string_view text, std::int32_t id, Kind kind) {
    if (text.empty()) return;
    const auto make = [&](unsigned char byte, std::uint32_t sibling) {
        nodes_.push_back({.byte = byte, .sibling = sibling});
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
}

AddedTokens::Match AddedTokens::find(std::string_view text, std::size_t from, Specials specials) const {
    for (std::size_t begin = from; begin < text.size(); ++begin) {
        const auto first = static_cast<unsigned char>(text[begin]);
        std::uint32_t node = roots_[first];
        if (node == 0 || (specials == Specials::as_text && !starts_text_[first])) continue;
        Match best;
        for (std::size_t i = begin + 1; node != 0; ++i) {
            const Node& n = nodes_[node];
            if (n.id >= 0 && (specials == Specials::parse || n.kind == Kind::always)) best = {begin, i - begin, n.id};
            if (i == text.size()) break;
            node = step(node, static_cast<unsigned char>(text[i]));
        }
        if (best.size > 0) return best;
    }
    return {.begin = text.size()};
}

}  // namespace quern::text
