#include "text/grammar/masks.h"

#include <algorithm>
#include <array>
#include <map>

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

std::uint32_t between_of(Spelling s) { return s == Spelling::json ? in_string() : between; }

// Positions met while one mask is made, each with its successors by byte as far as they are known.
class Walk {
public:
    Walk(Machine& machine, const TokenTrie& trie, std::span<std::uint64_t> mask)
        : machine_(machine), trie_(trie), mask_(mask) {}

    std::int32_t number(Machine::Position p) {
        if (p.refused()) return refused;
        std::vector<Machine::NodeId> key = p.configs;
        key.push_back(p.can_end);
        const auto [it, is_new] = known_.try_emplace(std::move(key), static_cast<std::int32_t>(places_.size()));
        if (is_new) {
            places_.push_back({std::move(p), {}});
            places_.back().next.fill(unknown);
        }
        return it->second;
    }

    // Marks the tokens below a node of the trie that can be read from a position.
    void follow(std::uint32_t node, std::int32_t from) {
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
    static constexpr std::int32_t refused = -1, unknown = -2;
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
        if (known != unknown) return known;
        Machine::Position to;
        machine_.step(places_[static_cast<std::size_t>(from)].position, byte, to);
        const std::int32_t n = number(std::move(to));
        return places_[static_cast<std::size_t>(from)].next[byte] = n;
    }

    Machine& machine_;
    const TokenTrie& trie_;
    std::span<std::uint64_t> mask_;
    std::vector<Place> places_;
    std::map<std::vector<Machine::NodeId>, std::int32_t> known_;
    std::vector<Level> levels_;
};

}  // namespace

LeafMasks::LeafMasks(std::shared_ptr<const Program> program, std::shared_ptr<const TokenTrie> trie, std::size_t ahead)
    : program_(std::move(program)), trie_(std::move(trie)) {
    kept_.resize(static_cast<std::size_t>(program_->leaf_states()));
    // The first broad places of every leaf in turn: their states are numbered from the start outwards.
    for (std::int32_t depth = 0; depth < 8; ++depth)
        for (const Leaf& leaf : program_->leaves()) {
            if (depth >= leaf.dfa.states() || leaf.goes_on.empty() || count_ >= ahead) continue;
            find(leaf.first_state + depth, between_of(leaf.spelling));
        }
}

bool LeafMasks::is_broad(const Leaf& leaf, std::int32_t state) const {
    int count = 0;
    for (std::uint32_t c = 0x20; c < 0x7f; ++c)
        count += leaf.dfa.next[static_cast<std::size_t>(state * leaf.dfa.class_count + leaf.ascii[c])] >= 0;
    return count >= broad;
}

std::shared_ptr<const LeafMasks::Place> LeafMasks::find(std::int32_t leaf_state, std::uint32_t spelling_state) {
    const Leaf& leaf = program_->leaf_at(program_->leaf_of_state(leaf_state));
    if (spelling_state != between_of(leaf.spelling) || !is_broad(leaf, leaf_state - leaf.first_state)) return nullptr;
    const std::lock_guard lock(mutex_);
    Kept& kept = kept_[static_cast<std::size_t>(leaf_state)];
    kept.used = ++clock_;
    if (kept.place) return kept.place;
    kept.place = compute(leaf, leaf_state - leaf.first_state);
    if (++count_ > max_kept) {
        Kept* oldest = nullptr;
        for (Kept& k : kept_)
            if (k.place && (!oldest || k.used < oldest->used)) oldest = &k;
        oldest->place.reset();
        --count_;
    }
    return kept_[static_cast<std::size_t>(leaf_state)].place;
}

std::shared_ptr<const LeafMasks::Place> LeafMasks::compute(const Leaf& leaf, std::int32_t start) const {
    auto place = std::make_shared<Place>();
    place->bits.resize(trie_->mask_words(), 0);
    struct Level {
        std::uint32_t end;
        std::int32_t state;
        std::uint32_t at;
    };
    const auto nodes = trie_->nodes();
    std::vector<std::uint32_t> accepted(trie_->tokens().size() + 1, 0);  // tokens accepted before each
    std::vector<Level> levels{{nodes[0].end, start, between_of(leaf.spelling)}};
    std::vector<std::uint8_t> in(trie_->tokens().size(), 0);
    for (std::uint32_t i = 1; i < nodes[0].end;) {
        while (i >= levels.back().end) levels.pop_back();
        std::int32_t state = levels.back().state;
        std::uint32_t at = levels.back().at;
        const TokenTrie::Node& n = nodes[i];
        if (!advance(leaf, state, at, n.byte)) {
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
        const auto id = static_cast<std::size_t>(trie_->tokens()[t]);
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

void add_allowed(Machine& machine, const Machine::Position& position, LeafMasks& masks, std::span<std::uint64_t> mask) {
    const std::size_t mark = machine.mark();
    {
        Walk walk(machine, masks.trie(), mask);
        Machine::Position narrow;
        for (const Machine::NodeId config : position.configs) {
            const auto place = machine.restricted(config)
                                   ? nullptr
                                   : masks.find(machine.leaf_state(config), machine.spelling_state(config));
            if (!place) {
                narrow.configs.push_back(config);
                continue;
            }
            for (std::size_t w = 0; w < mask.size(); ++w) mask[w] |= place->bits[w];
            std::int32_t label = Dfa::refuses, to = -1;
            for (const LeafMasks::Boundary& b : place->boundaries) {
                if (b.label != label) {
                    label = b.label;
                    Machine::Position left;
                    machine.leave(config, label, left);
                    to = walk.number(std::move(left));
                }
                walk.follow(b.node, to);
            }
        }
        if (!narrow.configs.empty()) walk.follow(0, walk.number(std::move(narrow)));
    }
    machine.release(mark);
}

}  // namespace quern::grammar
