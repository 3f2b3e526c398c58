// Finds any of a few markers in text that arrives byte by byte (Aho and Corasick 1975), in time linear in the text. It
// holds back only what may still become a marker: the longest end of the text that begins one. Knows nothing of what
// the markers mean.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quern::text {

class Matcher {
public:
    static constexpr int no_marker = -1;

    // Empty markers are left out but keep their number. Where one marker lies inside another, the one that is whole
    // first is found.
    explicit Matcher(std::span<const std::string_view> markers);

    // Appends to `plain` what can no longer be part of a marker; the number of a marker that ends with this byte, or
    // no_marker. The marker itself is not in `plain`.
    int step(char c, std::string& plain);
    // What is held back.
    const std::string& held() const { return held_; }
    // Gives up what is held back, and starts anew.
    std::string take();

private:
    struct Node {
        char c = 0;
        int child = -1, sibling = -1;
        int fail = 0;
        std::size_t depth = 0;
        int marker = no_marker;  // that ends here, or inside
        std::size_t length = 0;  // of that marker
    };
    int find_child(int node, char c) const;
    int add_child(int node, char c);
    void link();

    std::vector<Node> nodes_;
    std::string held_;
    int at_ = 0;
};

}  // namespace quern::text
