#include "text/grammar/token_trie.h"

#include <algorithm>

namespace quern::grammar {

TokenTrie::TokenTrie(std::span<const std::string> bytes, std::span<const std::int32_t> control,
                     std::span<const std::int32_t> ends)
    : bytes_(bytes.begin(), bytes.end()), ends_(ends.begin(), ends.end()) {
    std::sort(ends_.begin(), ends_.end());
    const auto drop = [&](std::int32_t id) {
        if (id >= 0 && id < vocab_size()) bytes_[static_cast<std::size_t>(id)].clear();
    };
    std::for_each(control.begin(), control.end(), drop);
    std::for_each(ends_.begin(), ends_.end(), drop);
    std::erase_if(ends_, [&](std::int32_t id) { return id < 0 || id >= vocab_size(); });
    for (std::int32_t id = 0; id < vocab_size(); ++id)
        if (!this->bytes(id).empty()) tokens_.push_back(id);
    everything_.resize(mask_words(), 0);
    for (const std::int32_t id : tokens_)
        everything_[static_cast<std::size_t>(id) / 64] |= std::uint64_t(1) << (id % 64);
    // std::string compares as unsigned bytes; equal ones stay in the order of their ids.
    std::stable_sort(tokens_.begin(), tokens_.end(),
                     [&](std::int32_t a, std::int32_t b) { return this->bytes(a) < this->bytes(b); });
    nodes_.push_back({0, 0, 0, 0});
    std::vector<std::uint32_t> path{0};  // the nodes of the token before, by depth
    for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
        const std::string& text = this->bytes(tokens_[i]);
        const std::string_view before = i == 0 ? std::string_view() : std::string_view(this->bytes(tokens_[i - 1]));
        const auto common = static_cast<std::size_t>(
            std::mismatch(text.begin(), text.end(), before.begin(), before.end()).first - text.begin());
        while (path.size() > common + 1) {
            nodes_[path.back()].end = static_cast<std::uint32_t>(nodes_.size());
            path.pop_back();
        }
        for (std::size_t d = common; d < text.size(); ++d) {
            path.push_back(static_cast<std::uint32_t>(nodes_.size()));
            nodes_.push_back({0, i, 0, static_cast<std::uint8_t>(text[d])});
        }
        ++nodes_[path.back()].own;
    }
    for (const std::uint32_t n : path) nodes_[n].end = static_cast<std::uint32_t>(nodes_.size());
}

bool TokenTrie::is_end(std::int32_t id) const { return std::binary_search(ends_.begin(), ends_.end(), id); }

}  // namespace quern::grammar
