#include "text/grammar/machine.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/error.h"
#include "base/hash.h"
#include "text/grammar/spelling.h"

namespace quern::grammar {
namespace {

std::uint64_t hash_node(std::int32_t state, std::uint32_t data, std::uint32_t parent) {
    return splitmix64((std::uint64_t(static_cast<std::uint32_t>(state)) << 32 | data) ^ splitmix64(parent));
}

std::uint64_t word(const std::vector<std::uint64_t>& data, std::size_t i) { return i < data.size() ? data[i] : 0; }
bool bit(const std::vector<std::uint64_t>& data, std::int32_t b) {
    return word(data, 1 + static_cast<std::size_t>(b) / 64) >> (b % 64) & 1;
}
void set_bit(std::vector<std::uint64_t>& data, std::int32_t b) {
    const std::size_t w = 1 + static_cast<std::size_t>(b) / 64;
    if (data.size() <= w) data.resize(w + 1, 0);
    data[w] |= std::uint64_t(1) << (b % 64);
}

// What an object still needs and can still have.
struct Outlook {
    std::uint64_t count, needed = 0, possible = 0;
    Outlook(const ObjectInfo& o, const std::vector<std::uint64_t>& data) : count(word(data, 0)) {
        for (const ObjectInfo::Class& c : o.classes) {
            if (c.bit < 0) {
                if (c.usable) possible = no_limit;
            } else if (!bit(data, c.bit)) {
                needed += c.required;
                if (c.usable && possible != no_limit) ++possible;
            }
        }
        for (std::int32_t w = o.bits - o.witnesses; w < o.bits; ++w) needed += !bit(data, w);
    }
    // Whether it can end well after it has had a member of this class.
    bool allows(const ObjectInfo& o, const ObjectInfo::Class& c) const {
        const bool once = c.bit >= 0;
        const std::uint64_t now = count + (o.counts() ? 1 : 0);
        if (!c.usable || now > o.max) return false;
        const std::uint64_t rest = possible == no_limit ? no_limit : possible - (once ? 1 : 0);
        const std::uint64_t need = std::max(needed - (c.required ? 1 : 0), o.min > now ? o.min - now : 0);
        return need <= std::min(rest, o.max == no_limit ? no_limit : o.max - now) || witness_slack(o, need, rest, now);
    }
    // A member may be a witness itself, which is known only after its key: one less may be needed.
    static bool witness_slack(const ObjectInfo& o, std::uint64_t need, std::uint64_t rest, std::uint64_t now) {
        return o.witnesses > 0 && need - 1 <= std::min(rest, o.max == no_limit ? no_limit : o.max - now);
    }
};

}  // namespace

Machine::Machine(const Program& program) : program_(program), slots_(1024, 0) {
    nodes_.push_back({0, 0, 0});
    seen_.push_back(0);
    open_.push_back(-2);
    data_.emplace_back();
}

void Machine::grow() {
    std::vector<std::uint32_t> slots(slots_.size() * 2, 0);
    for (std::uint32_t i = 1; i < nodes_.size(); ++i) {
        std::size_t at = hash_node(nodes_[i].state, nodes_[i].data, nodes_[i].parent) & (slots.size() - 1);
        while (slots[at] != 0) at = (at + 1) & (slots.size() - 1);
        slots[at] = i;
    }
    slots_ = std::move(slots);
}

Machine::NodeId Machine::intern(Node node) {
    std::size_t at = hash_node(node.state, node.data, node.parent) & (slots_.size() - 1);
    for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1))
        if (nodes_[slots_[at]] == node) return slots_[at];
    if (nodes_.size() >= max_nodes)
        throw Error(Code::no_memory, "the grammar has had more than {} different situations in one text", max_nodes);
    const auto id = static_cast<NodeId>(nodes_.size());
    nodes_.push_back(node);
    seen_.push_back(0);
    open_.push_back(-2);
    slots_[at] = id;
    if (nodes_.size() * 2 > slots_.size()) grow();
    return id;
}

void Machine::release(std::size_t mark) {
    // In the opposite order of their making, so that no probe sequence is broken.
    while (nodes_.size() > mark) {
        const auto id = static_cast<NodeId>(nodes_.size() - 1);
        const Node& n = nodes_.back();
        std::size_t at = hash_node(n.state, n.data, n.parent) & (slots_.size() - 1);
        while (slots_[at] != id) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = 0;
        nodes_.pop_back();
        seen_.pop_back();
        open_.pop_back();
    }
}

std::uint32_t Machine::intern_data(Data data) {
    while (!data.empty() && data.back() == 0) data.pop_back();
    if (data.empty()) return 0;
    std::uint64_t h = data.size();
    for (const std::uint64_t w : data) h = splitmix64(h ^ w);
    std::vector<std::uint32_t>& ids = data_ids_[h];
    for (const std::uint32_t id : ids)
        if (data_[id] == data) return id;
    if (data_.size() >= max_nodes) throw Error(Code::no_memory, "the grammar has had too many different counts");
    ids.push_back(static_cast<std::uint32_t>(data_.size()));
    data_.push_back(std::move(data));
    return ids.back();
}

bool Machine::take(const ObjectInfo& object, std::uint64_t cls, Data& data) const {
    const ObjectInfo::Class& c = object.classes[cls];
    if ((c.bit >= 0 && bit(data, c.bit)) || !Outlook(object, data).allows(object, c)) return false;
    if (c.bit >= 0) set_bit(data, c.bit);
    if (object.counts()) {
        if (data.empty()) data.resize(1, 0);
        data[0] = std::min(data[0] + 1, object.max == no_limit ? object.min : object.max);
    }
    return true;
}

bool Machine::apply(const Op& op, std::uint32_t& id) {
    const Data& data = data_[id];
    const std::uint64_t counter = word(data, 0);
    switch (op.kind) {
        case Op::Kind::none:
            return true;
        case Op::Kind::below:
            return counter < op.value;
        case Op::Kind::at_least:
            return counter >= op.value;
        case Op::Kind::count: {
            if (counter >= op.value) return true;
            Data more = data;
            if (more.empty()) more.resize(1, 0);
            ++more[0];
            id = intern_data(std::move(more));
            return true;
        }
        case Op::Kind::take: {
            Data more = data;
            if (!take(program_.object(op.index), op.value, more)) return false;
            id = intern_data(std::move(more));
            return true;
        }
        case Op::Kind::more: {
            const ObjectInfo& o = program_.object(op.index);
            const Outlook outlook(o, data);
            return std::any_of(o.classes.begin(), o.classes.end(), [&](const ObjectInfo::Class& c) {
                return !(c.bit >= 0 && bit(data, c.bit)) && outlook.allows(o, c);
            });
        }
        case Op::Kind::done: {
            const ObjectInfo& o = program_.object(op.index);
            return Outlook(o, data).needed == 0 && counter >= o.min;
        }
        case Op::Kind::witness: {
            Data more = data;
            set_bit(more, static_cast<std::int32_t>(op.value));
            id = intern_data(std::move(more));
            return true;
        }
    }
    return false;
}

void Machine::begin_set() {
    todo_.clear();  // what an Error may have left
    calls_.clear();
    if (++set_ != 0) return;
    std::fill(seen_.begin(), seen_.end(), 0u);
    set_ = 1;
}

void Machine::add(NodeId config, Position& to) {
    if (seen_[config] == set_) return;
    seen_[config] = set_;
    if (to.configs.size() >= max_set)
        throw Error(Code::unsupported, "the grammar is too ambiguous: over {} ways to read one text", max_set);
    to.configs.push_back(config);
}

// One place to return to for a rule that several frames call at the same point of the text, so that the rule runs once
// for all of them: without this, nested choices would double the configurations at every level.
Machine::NodeId Machine::merged(std::vector<NodeId> places) {
    if (places.size() == 1) return places[0];
    const auto [it, is_new] = list_ids_.try_emplace(places, static_cast<std::uint32_t>(lists_.size()));
    if (is_new) lists_.push_back(std::move(places));
    return intern({many, it->second, bottom});
}

// Follows all steps that read nothing, from what is in todo_. A state that has been here in the same frame is not
// followed again, which also ends loops. Calls wait until all other steps are done, so that callers come together.
void Machine::close_over(Position& to) {
    for (;;) {
        while (!todo_.empty()) {
            const Node n = todo_.back();
            todo_.pop_back();
            if (todo_.size() + calls_.size() > max_set)
                throw Error(Code::unsupported, "the grammar is too ambiguous: over {} ways to read one text", max_set);
            follow(n, to);
        }
        if (calls_.empty()) return;
        std::sort(calls_.begin(), calls_.end());
        calls_.erase(std::unique(calls_.begin(), calls_.end()), calls_.end());
        for (std::size_t i = 0; i < calls_.size();) {
            const std::int32_t rule = calls_[i].first;
            std::vector<NodeId> places;
            for (; i < calls_.size() && calls_[i].first == rule; ++i) places.push_back(calls_[i].second);
            todo_.push_back({program_.rule_start(rule), 0, merged(std::move(places))});
        }
        calls_.clear();
    }
}

// The end of a rule: on with whoever has called it.
void Machine::go_back(NodeId place, Position& to) {
    if (place == bottom) {
        to.can_end = true;
    } else if (nodes_[place].state != many) {
        todo_.push_back(nodes_[place]);
    } else if (seen_[place] != set_) {
        seen_[place] = set_;
        for (const NodeId one : lists_[nodes_[place].data]) go_back(one, to);
    }
}

void Machine::follow(const Node& n, Position& to) {
    const State& s = program_.state(n.state);
    if (s.kind == State::Kind::final) return go_back(n.parent, to);
    const NodeId here = intern(n);
    if (seen_[here] == set_) return;
    seen_[here] = set_;
    const auto pass = [&](const State::Exit& e) {
        if (std::uint32_t data = n.data; e.target >= 0 && apply(e.op, data))
            todo_.push_back({e.target, data, n.parent});
    };
    switch (s.kind) {
        case State::Kind::fork:
        case State::Kind::op:
            std::for_each(s.exits.begin(), s.exits.end(), pass);
            break;
        case State::Kind::call: {
            // A call that is the last of its rule returns to where the rule itself returns to.
            const std::int32_t next = s.exits[0].target;
            const bool last = program_.state(next).kind == State::Kind::final;
            calls_.emplace_back(s.index, last ? n.parent : intern({next, n.data, n.parent}));
            break;
        }
        case State::Kind::leaf: {
            const Leaf& leaf = program_.leaf_at(s.index);
            const NodeId config = intern({-1 - leaf.first_state, first_spelling(leaf.spelling), here});
            const auto* open = open_labels(here);
            if (open && std::all_of(open->begin(), open->end(), [](std::uint64_t w) { return w == 0; })) break;
            if (leaf.spelling == Spelling::json || leaf.goes_on[0] != 0) add(config, to);
            if (leaf.spelling != Spelling::json && leaf.dfa.labels[0] >= 0)
                pass(s.exits[static_cast<std::size_t>(leaf.dfa.labels[0])]);
            break;
        }
        case State::Kind::final:
            break;
    }
}

// Which labels of a guarded leaf can be used at a site; null: all of them.
const std::vector<std::uint64_t>* Machine::open_labels(NodeId site) {
    const State& s = program_.state(nodes_[site].state);
    if (!s.guarded) return nullptr;
    if (open_[site] == -2) {
        const Leaf& leaf = program_.leaf_at(s.index);
        const std::uint32_t id = nodes_[site].data;
        std::vector<std::uint64_t> set(leaf.reach_words(), 0);
        bool all = true;
        std::int32_t object = -1;
        for (std::int32_t l = 0; l < leaf.labels; ++l) {
            const State::Exit& e = s.exits[static_cast<std::size_t>(l)];
            if (e.target < 0) continue;
            bool can;
            if (e.op.kind == Op::Kind::take) {
                object = e.op.index;
                can = false;  // all at once below
            } else {
                std::uint32_t data = id;
                can = apply(e.op, data);
                all = all && can;
            }
            if (can) set[static_cast<std::size_t>(l) / 64] |= std::uint64_t(1) << (l % 64);
        }
        if (object >= 0) {
            const ObjectInfo& o = program_.object(object);
            const Outlook outlook(o, data_[id]);
            for (std::int32_t l = 0; l < leaf.labels; ++l) {
                const State::Exit& e = s.exits[static_cast<std::size_t>(l)];
                if (e.target < 0 || e.op.kind != Op::Kind::take) continue;
                const ObjectInfo::Class& c = o.classes[e.op.value];
                const bool can = !(c.bit >= 0 && bit(data_[id], c.bit)) && outlook.allows(o, c);
                all = all && can;
                if (can) set[static_cast<std::size_t>(l) / 64] |= std::uint64_t(1) << (l % 64);
            }
        }
        if (all) {
            open_[site] = -1;
        } else {
            const auto [it, is_new] = label_set_ids_.try_emplace(set, static_cast<std::int32_t>(label_sets_.size()));
            open_[site] = it->second;
            if (is_new) label_sets_.push_back(std::move(set));
        }
    }
    return open_[site] < 0 ? nullptr : &label_sets_[static_cast<std::size_t>(open_[site])];
}

Machine::Position Machine::start() {
    Position p;
    begin_set();
    if (!program_.empty()) todo_.push_back({program_.rule_start(program_.root()), 0, bottom});
    close_over(p);
    return p;
}

void Machine::step(const Position& from, std::uint8_t byte, Position& to) {
    to.configs.clear();
    to.can_end = false;
    begin_set();
    for (const NodeId config : from.configs) {
        const Node n = nodes_[config];
        const Leaf& leaf = program_.leaf_at(program_.leaf_of_state(-1 - n.state));
        std::int32_t state = -1 - n.state - leaf.first_state;
        std::uint32_t at = n.data;
        const auto* open = open_labels(n.parent);
        if (!advance(leaf, state, at, byte, open ? open->data() : nullptr)) continue;
        const auto s = static_cast<std::size_t>(state);
        const bool leaves = may_leave(leaf.spelling, at) && leaf.dfa.labels[s] >= 0;
        if (!may_leave(leaf.spelling, at) || (leaf.spelling != Spelling::json && leaf.goes_on[s] != 0))
            add(intern({-1 - (leaf.first_state + state), at, n.parent}), to);
        if (!leaves) continue;
        const State::Exit& e =
            program_.state(nodes_[n.parent].state).exits[static_cast<std::size_t>(leaf.dfa.labels[s])];
        std::uint32_t data = nodes_[n.parent].data;
        if (e.target >= 0 && apply(e.op, data)) todo_.push_back({e.target, data, nodes_[n.parent].parent});
    }
    close_over(to);
}

void Machine::leave(NodeId config, std::int32_t label, Position& to) {
    to.configs.clear();
    to.can_end = false;
    begin_set();
    const Node site = nodes_[nodes_[config].parent];
    const State::Exit& e = program_.state(site.state).exits[static_cast<std::size_t>(label)];
    std::uint32_t data = site.data;
    if (e.target >= 0 && apply(e.op, data)) todo_.push_back({e.target, data, site.parent});
    close_over(to);
}

}  // namespace quern::grammar
