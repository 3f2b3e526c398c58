// Tokens by their bytes, to walk along a text and see which tokens start at a place. Made once, then only read. Nodes
// lie breadth first with the children of each side by side, nine bytes a node, so that a vocabulary stays in the
// caches.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::text {

class Trie {
public:
    // The texts must differ and not be empty.
    explicit Trie(std::vector<std::pair<std::string_view, std::int32_t>> tokens);

    using Node = std::uint32_t;
    static constexpr Node root = 0, none = 0;
    // The node one byte further; `none` if no token goes on so.
    Node step(Node node, unsigned char byte) const {
        if (node == root) return from_root_[byte];
        Node low = first_[node], high = first_[node + 1];
        while (high - low > 8) {
            const Node middle = low + (high - low) / 2;
            (bytes_[middle] <= byte ? low : high) = middle;
        }
        for (; low < high; ++low)
            if (bytes_[low] == byte) return low;
        return none;
    }
    // The token that ends at the node; -1: none does.
    std::int32_t token(Node node) const { return tokens_[node]; }

private:
    std::array<Node, 256> from_root_{};
    std::vector<Node> first_;  // first_[n] to first_[n + 1]: the children of n
    std::vector<unsigned char> bytes_;
    std::vector<std::int32_t> tokens_;
};

}  // namespace quern::text
