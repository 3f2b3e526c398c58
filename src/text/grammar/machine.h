// Runs a program: a set of configurations, each a place in a leaf and the frames below it. Frames are kept once and
// shared (a graph-structured stack), so a set is a few numbers, going back is keeping an old set, and equal futures are
// equal numbers, which masks.h uses as keys. One machine belongs to one matcher and is not for several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "text/grammar/program.h"

namespace quern::grammar {

class Machine {
public:
    using NodeId = std::uint32_t;
    static constexpr NodeId bottom = 0;
    static constexpr std::size_t max_set = 4096;       // more configurations at once: too ambiguous
    static constexpr std::size_t max_nodes = 4 << 20;  // about 130 MB

    // Where the text read so far can be in the grammar. Empty and not can_end: the text is refused.
    struct Position {
        std::vector<NodeId> configs;  // in order of discovery, none twice
        bool can_end = false;         // the text is complete as it is
        bool refused() const { return configs.empty() && !can_end; }
    };

    // The program must be finished and outlive the machine.
    explicit Machine(const Program& program);

    Position start();
    // Where one more byte leads. Throws Error(unsupported) where the grammar is too ambiguous or memory is used up.
    void step(const Position& from, std::uint8_t byte, Position& to);
    // Where a configuration in a leaf leads when the leaf is left with a label.
    void leave(NodeId config, std::int32_t label, Position& to);

    // A configuration: which state of all leaves it is in, how far into a character, and what makes its future differ
    // from others in the same place: the site it returns to.
    std::int32_t leaf_state(NodeId config) const { return -1 - nodes_[config].state; }
    std::uint32_t spelling_state(NodeId config) const { return nodes_[config].data; }
    NodeId site(NodeId config) const { return nodes_[config].parent; }
    // Which labels of its leaf can be used at its site, as bits; null: all of them.
    const std::vector<std::uint64_t>* open_labels_of(NodeId config) { return open_labels(nodes_[config].parent); }

    // Forgets all nodes made since `mark`: none of them may be used any more.
    std::size_t mark() const { return nodes_.size(); }
    void release(std::size_t mark);
    const Program& program() const { return program_; }

private:
    static constexpr std::int32_t many = std::numeric_limits<std::int32_t>::min();
    struct Node {
        // `many`: data is into lists_, the places to return to.
        std::int32_t state;  // >= 0: a state of the program to go on with; < 0: a configuration in a leaf
        std::uint32_t data;  // of the frame, into data_; of a configuration: its spelling state
        NodeId parent;
        bool operator==(const Node&) const = default;
    };
    using Data = std::vector<std::uint64_t>;  // counter, then bits; missing words are zero

    NodeId intern(Node node);
    std::uint32_t intern_data(Data data);
    void grow();
    bool apply(const Op& op, std::uint32_t& data);
    bool take(const ObjectInfo& object, std::uint64_t cls, Data& data) const;
    NodeId merged(std::vector<NodeId> places);
    void close_over(Position& to);
    void follow(const Node& n, Position& to);
    void go_back(NodeId place, Position& to);
    void add(NodeId config, Position& to);
    void begin_set();
    const std::vector<std::uint64_t>* open_labels(NodeId site);

    const Program& program_;
    std::vector<Node> nodes_;
    std::vector<std::uint32_t> slots_;  // of nodes_, open addressing; 0 is free
    std::vector<std::uint32_t> seen_;   // [node]: the last set it is in
    std::vector<std::int32_t> open_;    // [node]: as a site: -2 not known, -1 all labels, else into label_sets_
    std::vector<std::vector<std::uint64_t>> label_sets_;
    std::map<std::vector<std::uint64_t>, std::int32_t> label_set_ids_;
    std::vector<Data> data_;
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> data_ids_;
    std::vector<std::vector<NodeId>> lists_;
    std::map<std::vector<NodeId>, std::uint32_t> list_ids_;
    std::vector<Node> todo_;
    std::vector<std::pair<std::int32_t, NodeId>> calls_;  // rule, and where to return to
    std::uint32_t set_ = 0;
};

}  // namespace quern::grammar
