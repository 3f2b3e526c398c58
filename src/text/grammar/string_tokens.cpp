#include "text/grammar/string_tokens.h"

#include <algorithm>

#include "text/grammar/spelling.h"

namespace quern::grammar {
StringTokens::StringTokens(const TokenTrie& trie) {
    Leaf any;
    any.spelling = Spelling::json;
    any.dfa = everything();
    struct Level {
        std::uint32_t end, at, chars;
    };
    const auto nodes = trie.nodes();
    std::vector<Level> levels{{nodes[0].end, in_string(), 0}};
    std::string read;  // the bytes on the way to here
    std::vector<std::pair<std::uint32_t, std::int32_t>> inside;
    for (std::uint32_t i = 1; i < nodes[0].end;) {
        while (i >= levels.back().end) levels.pop_back();
        const TokenTrie::Node& n = nodes[i];
        std::uint32_t at = levels.back().at, chars = levels.back().chars;
        std::int32_t state = 0;
        if (!advance(any, state, at, n.byte)) {
            i = n.end;
            continue;
        }
        read.resize(levels.size() - 1);
        if (may_leave(Spelling::json, at)) {
            closes_.push_back(
                {i, static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(read.size()), chars});
            text_ += read;
            i = n.end;
            continue;
        }
        read += static_cast<char>(n.byte);
        chars += at == in_string();
        const std::uint32_t needs = chars + (at == in_string() ? 0 : 1);
        for (std::uint32_t t = n.first; t < n.first + n.own; ++t) inside.emplace_back(needs, trie.tokens()[t]);
        max_chars_ = std::max(max_chars_, needs);
        if (n.end > i + 1) levels.push_back({n.end, at, chars});
        ++i;
    }
    for (const Close& c : closes_) max_chars_ = std::max(max_chars_, c.chars);
    std::sort(inside.begin(), inside.end());
    std::vector<std::uint64_t> mask(trie.mask_words(), 0);
    auto next = inside.begin();
    for (std::uint32_t chars = 0; chars <= std::min(max_chars_, max_kept); ++chars) {
        for (; next != inside.end() && next->first <= chars; ++next)
            mask[static_cast<std::size_t>(next->second) / 64] |= std::uint64_t(1) << (next->second % 64);
        within_.push_back(mask);
    }
    longer_.assign(next, inside.end());
}

void StringTokens::add_inside(std::uint32_t chars, std::span<std::uint64_t> mask) const {
    const std::vector<std::uint64_t>& kept = within_[std::min<std::size_t>(chars, within_.size() - 1)];
    for (std::size_t w = 0; w < mask.size(); ++w) mask[w] |= kept[w];
    for (const auto& [needs, id] : longer_) {
        if (needs > chars) break;
        mask[static_cast<std::size_t>(id) / 64] |= std::uint64_t(1) << (id % 64);
    }
}

}  // namespace quern::grammar
