#include "text/grammar/masks.h"

#include <algorithm>
#include <array>
#include <deque>
#include <unordered_map>

#include "base/hash.h"
#include "text/grammar/spelling.h"

namespace quern::grammar {
namespace {

void set_tokens(const TokenTrie& trie, std::uint32_t from, std::uint32_t to, std::span<std::uint64_t> mask) {
    const auto tokens = trie.tokens();
    for (std::uint32_t i = from; i < to; ++i) {
        const auto id = static_cast<std::size_t>(tokens[i]);
        mask[id / 64] |= std::uint64_t(1) << (id % 64);
    }
}

struct KeyHash {
    std::size_t operator()(const std::vector<Machine::NodeId>& key) const noexcept {
        std::uint64_t h = key.size();
        for (const Machine::NodeId id : key) h = splitmix64(h ^ id);
        return static_cast<std::size_t>(h);
    }
};

std::int32_t step_ascii(const Leaf& leaf, std::int32_t state, std::uint8_t byte) {
    return leaf.dfa.next[leaf.dfa.cell(state, leaf.ascii[byte])];
}

std::uint32_t between_of(Spelling s) { return s == Spelling::json ? in_string() : between; }

// Positions met while one mask is made, each with its successors by byte as far as they are known.
class Walk {
public:
    static constexpr std::int32_t refused = -1, not_known = -2;

    Walk(Machine& machine, const TokenTrie& trie, std::span<std::uint64_t> mask)
        : machine_(machine), trie_(trie), mask_(mask) {}

    std::int32_t number(Machine::Position p) {
        if (p.refused()) return refused;
        std::vector<Machine::NodeId> key = p.configs;
        key.push_back(p.can_end);
        const auto [it, is_new] = known_.try_emplace(std::move(key), static_cast<std::int32_t>(places_.size()));
        if (is_new) {
            places_.emplace_back().position = std::move(p);
            places_.back().next.fill(not_known);
        }
        return it->second;
    }

    // Marks the tokens that end at a node, and those below it that can be read from a position.
    void arrive(std::uint32_t node, std::int32_t at) {
        const TokenTrie::Node& n = trie_.nodes()[node];
        if (at == refused) return;
        set_tokens(trie_, n.first, n.first + n.own, mask_);
        follow(node, at);
    }

    void follow(std::uint32_t node, std::int32_t from) {
        if (from == refused) return;
        const auto nodes = trie_.nodes();
        levels_.clear();
        levels_.push_back({nodes[node].end, from});
        for (std::uint32_t i = node + 1; i < nodes[node].end;) {
            while (i >= levels_.back().end) levels_.pop_back();
            const std::int32_t to = step(levels_.back().place, nodes[i].byte);
            if (to == refused) {
                i = nodes[i].end;
                continue;
            }
            if (nodes[i].own != 0) set_tokens(trie_, nodes[i].first, nodes[i].first + nodes[i].own, mask_);
            if (nodes[i].end > i + 1) levels_.push_back({nodes[i].end, to});
            ++i;
        }
    }

private:
    struct Place {
        Machine::Position position;
        std::array<std::int32_t, 256> next;
    };
    struct Level {
        std::uint32_t end;
        std::int32_t place;
    };

    std::int32_t step(std::int32_t from, std::uint8_t byte) {
        if (from == refused) return refused;
        const std::int32_t known = places_[static_cast<std::size_t>(from)].next[byte];
        if (known != not_known) return known;
        Machine::Position to;
        machine_.step(places_[static_cast<std::size_t>(from)].position, byte, to);
        const std::int32_t n = number(std::move(to));
        return places_[static_cast<std::size_t>(from)].next[byte] = n;
    }

    Machine& machine_;
    const TokenTrie& trie_;
    std::span<std::uint64_t> mask_;
    std::deque<Place> places_;
    std::unordered_map<std::vector<Machine::NodeId>, std::int32_t, KeyHash> known_;
    std::vector<Level> levels_;
};

}  // namespace

LeafMasks::LeafMasks(std::shared_ptr<const Program> program, std::shared_ptr<const Vocabulary> vocabulary,
                     std::size_t ahead)
    : program_(std::move(program)), vocabulary_(std::move(vocabulary)) {
    // The first broad places of every leaf in turn: their states are numbered from the start outwards.
    for (std::int32_t depth = 0; depth < 8; ++depth)
        for (const Leaf& leaf : program_->leaves()) {
            if (depth >= leaf.dfa.states() || leaf.goes_on.empty() || kept_.size() >= ahead) continue;
            if (free_chars(leaf, depth) == Leaf::far) find(leaf.first_state + depth, between_of(leaf.spelling));
        }
}

std::uint32_t LeafMasks::free_chars(const Leaf& leaf, std::int32_t state) const {
    if (leaf.spelling != Spelling::json) return Leaf::far;
    const auto s = static_cast<std::size_t>(state);
    if (leaf.safe[s] >= strings().max_chars()) return strings().max_chars();
    return leaf.safe[s] == leaf.longest[s] ? leaf.safe[s] : Leaf::far;
}

std::uint64_t LeafMasks::alike(std::int32_t leaf_state, std::uint32_t spelling_state) const {
    const std::int32_t l = program_->leaf_of_state(leaf_state);
    const Leaf& leaf = program_->leaf_at(l);
    const std::int32_t state = leaf_state - leaf.first_state;
    const auto s = static_cast<std::size_t>(state);
    if (leaf.spelling == Spelling::json && spelling_state == in_string() && leaf.safe[s] >= strings().max_chars() &&
        leaf.same_label[s] > strings().max_chars())
        return std::uint64_t(1) << 63 | static_cast<std::uint64_t>(l) << 32 |
               static_cast<std::uint32_t>(leaf.dfa.labels[s] + 1);
    return static_cast<std::uint64_t>(leaf_state) << 32 | spelling_state;
}

bool LeafMasks::is_broad(const Leaf& leaf, std::int32_t state) const {
    int count = 0;
    for (std::uint32_t c = 0x20; c < 0x7f; ++c) count += leaf.dfa.next[leaf.dfa.cell(state, leaf.ascii[c])] >= 0;
    return count >= broad;
}

// The entry of a leaf state, if need be in the place of the one not used for longest.
LeafMasks::Kept& LeafMasks::keep(std::int32_t leaf_state) {
    if (kept_.size() >= max_kept && !kept_.contains(leaf_state))
        kept_.erase(std::min_element(kept_.begin(), kept_.end(),
                                     [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
    Kept& kept = kept_[leaf_state];
    kept.used = ++clock_;
    return kept;
}

std::shared_ptr<const std::vector<std::int32_t>> LeafMasks::close_labels(const Leaf& leaf, std::int32_t start) {
    const std::lock_guard lock(mutex_);
    Kept& kept = keep(leaf.first_state + start);
    if (kept.labels) return kept.labels;
    auto labels = std::make_shared<std::vector<std::int32_t>>();
    const std::uint32_t limit = free_chars(leaf, start);
    for (const StringTokens::Close& c : strings().closes()) {
        std::int32_t state = start;
        std::uint32_t at = in_string();
        bool alive = c.chars <= limit;
        for (std::uint32_t i = 0; i < c.bytes && alive; ++i)
            alive = advance(leaf, state, at, static_cast<std::uint8_t>(strings().text()[c.first_byte + i]));
        labels->push_back(alive ? leaf.dfa.labels[static_cast<std::size_t>(state)] : Dfa::refuses);
    }
    return kept.labels = std::move(labels);
}

std::shared_ptr<const LeafMasks::Place> LeafMasks::find(std::int32_t leaf_state, std::uint32_t spelling_state) {
    const Leaf& leaf = program_->leaf_at(program_->leaf_of_state(leaf_state));
    const std::int32_t state = leaf_state - leaf.first_state;
    if (spelling_state != between_of(leaf.spelling) || !is_broad(leaf, state)) return nullptr;
    const std::lock_guard lock(mutex_);
    Kept& kept = keep(leaf_state);
    if (!kept.place) kept.place = compute(leaf, state);
    return kept.place;
}

std::shared_ptr<const LeafMasks::Place> LeafMasks::compute(const Leaf& leaf, std::int32_t start) const {
    auto place = std::make_shared<Place>();
    const TokenTrie& trie = vocabulary_->trie;
    place->bits.resize(trie.mask_words(), 0);
    struct Level {
        std::uint32_t end;
        std::int32_t state;
        std::uint32_t at;
    };
    const auto nodes = trie.nodes();
    std::vector<std::uint32_t> accepted(trie.tokens().size() + 1, 0);  // tokens accepted before each
    std::vector<Level> levels{{nodes[0].end, start, between_of(leaf.spelling)}};
    std::vector<std::uint8_t> in(trie.tokens().size(), 0);
    for (std::uint32_t i = 1; i < nodes[0].end;) {
        while (i >= levels.back().end) levels.pop_back();
        std::int32_t state = levels.back().state;
        std::uint32_t at = levels.back().at;
        const TokenTrie::Node& n = nodes[i];
        // Plain ASCII between characters, most of all there is, without the call.
        const bool plain = at == between_of(leaf.spelling) && n.byte < 0x80 &&
                           (leaf.spelling != Spelling::json || (n.byte >= 0x20 && n.byte != '"' && n.byte != '\\'));
        if (plain ? (state = step_ascii(leaf, state, n.byte)) < 0 : !advance(leaf, state, at, n.byte)) {
            i = n.end;
            continue;
        }
        std::fill_n(in.begin() + n.first, n.own, std::uint8_t(1));
        const std::int32_t label = leaf.dfa.labels[static_cast<std::size_t>(state)];
        const bool below = n.end > i + 1;
        if (below && label >= 0 && may_leave(leaf.spelling, at)) place->boundaries.push_back({i, label});
        if (below) levels.push_back({n.end, state, at});
        ++i;
    }
    for (std::size_t t = 0; t < in.size(); ++t) {
        accepted[t + 1] = accepted[t] + in[t];
        if (in[t] == 0) continue;
        const auto id = static_cast<std::size_t>(trie.tokens()[t]);
        place->bits[id / 64] |= std::uint64_t(1) << (id % 64);
    }
    // Where all tokens below stay inside the leaf, there is nothing to follow.
    std::erase_if(place->boundaries, [&](const Boundary& b) {
        const std::uint32_t from = nodes[b.node].first + nodes[b.node].own;
        const std::uint32_t to =
            nodes[b.node].end < nodes.size() ? nodes[nodes[b.node].end].first : static_cast<std::uint32_t>(in.size());
        return accepted[to] - accepted[from] == to - from;
    });
    std::stable_sort(place->boundaries.begin(), place->boundaries.end(),
                     [](const Boundary& a, const Boundary& b) { return a.label < b.label; });
    return place;
}

namespace {

// A configuration inside a JSON string that can go on freely; false if this one cannot be seen so.
bool add_string(Machine& machine, Machine::NodeId config, LeafMasks& masks, Walk& walk, std::span<std::uint64_t> mask) {
    const std::int32_t leaf_state = machine.leaf_state(config);
    const Leaf& leaf = machine.program().leaf_at(machine.program().leaf_of_state(leaf_state));
    if (leaf.spelling != Spelling::json || machine.spelling_state(config) != in_string()) return false;
    const std::int32_t state = leaf_state - leaf.first_state;
    const std::uint32_t chars = masks.free_chars(leaf, state);
    if (chars == Leaf::far) return false;
    std::vector<std::uint64_t> open;  // a copy: the machine may move its own
    if (const auto* labels = machine.open_labels_of(config)) {
        open = *labels;
        bool always = false;
        for (std::size_t w = 0; w < open.size() && leaf.labels > 1; ++w)
            always = always || (open[w] & leaf.always[static_cast<std::size_t>(state) * open.size() + w]) != 0;
        if (!always) return false;
    }
    masks.strings().add_inside(chars, mask);
    const auto closes = masks.strings().closes();
    const bool same = leaf.same_label[static_cast<std::size_t>(state)] > chars;
    const auto labels = same ? nullptr : masks.close_labels(leaf, state);
    std::vector<std::int32_t> left(static_cast<std::size_t>(leaf.labels), Walk::not_known);
    for (std::size_t i = 0; i < closes.size(); ++i) {
        if (closes[i].chars > chars) continue;
        const std::int32_t label = same ? leaf.dfa.labels[static_cast<std::size_t>(state)] : (*labels)[i];
        if (label < 0) continue;
        const auto l = static_cast<std::size_t>(label);
        if (!open.empty() && (open[l / 64] >> (l % 64) & 1) == 0) continue;
        if (left[l] == Walk::not_known) {
            Machine::Position to;
            machine.leave(config, label, to);
            left[l] = walk.number(std::move(to));
        }
        walk.arrive(closes[i].node, left[l]);
    }
    return true;
}

void add_place(Machine& machine, Machine::NodeId config, const LeafMasks::Place& place, Walk& walk,
               std::span<std::uint64_t> mask) {
    for (std::size_t w = 0; w < mask.size(); ++w) mask[w] |= place.bits[w];
    std::int32_t label = Dfa::refuses, to = Walk::not_known;
    for (const LeafMasks::Boundary& b : place.boundaries) {
        if (b.label != label) {
            label = b.label;
            Machine::Position left;
            machine.leave(config, label, left);
            to = walk.number(std::move(left));
        }
        walk.follow(b.node, to);
    }
}

}  // namespace

void add_allowed(Machine& machine, const Machine::Position& position, LeafMasks& masks, std::span<std::uint64_t> mask) {
    const std::size_t mark = machine.mark();
    {
        Walk walk(machine, masks.trie(), mask);
        Machine::Position narrow;
        for (const Machine::NodeId config : position.configs) {
            if (add_string(machine, config, masks, walk, mask)) continue;
            const auto place = machine.open_labels_of(config)
                                   ? nullptr
                                   : masks.find(machine.leaf_state(config), machine.spelling_state(config));
            if (place)
                add_place(machine, config, *place, walk, mask);
            else
                narrow.configs.push_back(config);
        }
        if (!narrow.configs.empty()) walk.follow(0, walk.number(std::move(narrow)));
    }
    machine.release(mark);
}

}  // namespace quern::grammar
