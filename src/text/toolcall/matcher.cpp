#include "text/toolcall/matcher.h"

#include <utility>

namespace quern::text {

Matcher::Matcher(std::span<const std::string_view> markers) : nodes_(1) {
    for (std::size_t m = 0; m < markers.size(); ++m) {
        if (markers[m].empty()) continue;
        int at = 0;
        for (const char c : markers[m]) {
            const int next = find_child(at, c);
            at = next >= 0 ? next : add_child(at, c);
        }
        Node& end = nodes_[static_cast<std::size_t>(at)];
        if (end.marker == no_marker) end.marker = static_cast<int>(m);
        end.length = markers[m].size();
    }
    link();
}

int Matcher::find_child(int node, char c) const {
    int child = nodes_[static_cast<std::size_t>(node)].child;
    while (child >= 0 && nodes_[static_cast<std::size_t>(child)].c != c)
        child = nodes_[static_cast<std::size_t>(child)].sibling;
    return child;
}

int Matcher::add_child(int node, char c) {
    const int added = static_cast<int>(nodes_.size());
    Node n;
    n.c = c;
    n.sibling = nodes_[static_cast<std::size_t>(node)].child;
    n.depth = nodes_[static_cast<std::size_t>(node)].depth + 1;
    nodes_.push_back(n);
    nodes_[static_cast<std::size_t>(node)].child = added;
    return added;
}

void Matcher::link() {
    std::vector<int> order{0};
    for (std::size_t i = 0; i < order.size(); ++i) {
        const int parent = order[i];
        for (int n = nodes_[static_cast<std::size_t>(parent)].child; n >= 0;
             n = nodes_[static_cast<std::size_t>(n)].sibling) {
            order.push_back(n);
            Node& node = nodes_[static_cast<std::size_t>(n)];
            int fail = nodes_[static_cast<std::size_t>(parent)].fail;
            int next = parent == 0 ? -1 : find_child(fail, node.c);
            while (parent != 0 && next < 0 && fail != 0) {
                fail = nodes_[static_cast<std::size_t>(fail)].fail;
                next = find_child(fail, node.c);
            }
            node.fail = next < 0 ? 0 : next;
            const Node& inside = nodes_[static_cast<std::size_t>(node.fail)];
            if (node.marker == no_marker && inside.marker != no_marker) {
                node.marker = inside.marker;
                node.length = inside.length;
            }
        }
    }
}

int Matcher::step(char c, std::string& plain) {
    int next = find_child(at_, c);
    if (next < 0 && at_ == 0) {
        plain.push_back(c);
        return no_marker;
    }
    while (next < 0 && at_ != 0) {
        at_ = nodes_[static_cast<std::size_t>(at_)].fail;
        next = find_child(at_, c);
    }
    at_ = next < 0 ? 0 : next;
    held_.push_back(c);
    const Node& node = nodes_[static_cast<std::size_t>(at_)];
    const std::size_t keep = node.marker == no_marker ? node.depth : node.length;
    plain.append(held_, 0, held_.size() - keep);
    if (node.marker == no_marker) {
        held_.erase(0, held_.size() - keep);
        return no_marker;
    }
    held_.clear();
    at_ = 0;
    return node.marker;
}

std::string Matcher::take() {
    at_ = 0;
    return std::exchange(held_, {});
}

}  // namespace quern::text
