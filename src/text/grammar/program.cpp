#include "text/grammar/program.h"

#include <algorithm>

#include "base/error.h"
#include "base/hash.h"

namespace quern::grammar {
namespace {

std::uint64_t hash_of(Spelling spelling, const Dfa& d) {
    std::uint64_t h = splitmix64(static_cast<std::uint64_t>(spelling) + 1);
    for (const std::uint32_t s : d.starts) h = splitmix64(h ^ s);
    for (const std::int32_t t : d.next) h = splitmix64(h ^ static_cast<std::uint32_t>(t));
    for (const std::int32_t l : d.labels) h = splitmix64(h ^ static_cast<std::uint32_t>(l));
    return h;
}

constexpr std::uint64_t max_empty_rounds = 64;  // each costs a step for every byte
constexpr std::size_t max_reach_words = std::size_t(2) << 20;

// Joins to the words of each state those of its successors, until nothing changes. States are numbered breadth first,
// so going backwards settles a tree in one round.
template <class Join>
void spread(const Dfa& d, std::vector<std::uint64_t>& sets, std::size_t words, Join join) {
    const auto c = static_cast<std::size_t>(d.class_count);
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t s = static_cast<std::size_t>(d.states()); s-- > 0;)
            for (std::size_t k = 0; k < c; ++k) {
                const std::int32_t t = d.next[s * c + k];
                if (t < 0) continue;
                for (std::size_t w = 0; w < words; ++w) {
                    std::uint64_t& own = sets[s * words + w];
                    const std::uint64_t joined = join(own, sets[static_cast<std::size_t>(t) * words + w]);
                    changed = changed || joined != own;
                    own = joined;
                }
            }
    }
}

// For each state the least number of steps to one of `sources`, whose own number is `first`.
std::vector<std::uint32_t> steps_to(const std::vector<std::vector<std::int32_t>>& before,
                                    const std::vector<bool>& sources, std::uint32_t first) {
    std::vector<std::uint32_t> steps(before.size(), Leaf::far);
    std::vector<std::size_t> queue;
    for (std::size_t s = 0; s < sources.size(); ++s)
        if (sources[s]) {
            steps[s] = first;
            queue.push_back(s);
        }
    for (std::size_t i = 0; i < queue.size(); ++i)
        for (const std::int32_t b : before[queue[i]])
            if (std::uint32_t& own = steps[static_cast<std::size_t>(b)]; own == Leaf::far) {
                own = steps[queue[i]] + 1;
                queue.push_back(static_cast<std::size_t>(b));
            }
    return steps;
}

void measure_string(Leaf& leaf) {
    const Dfa& d = leaf.dfa;
    const auto n = static_cast<std::size_t>(d.states()), c = static_cast<std::size_t>(d.class_count);
    std::vector<std::vector<std::int32_t>> before(n);
    std::vector<bool> can_refuse(n, false), label_changes(n, false);
    std::vector<std::uint32_t> left(n, 0);  // successors not yet settled
    for (std::size_t s = 0; s < n; ++s) {
        std::int32_t last = Dfa::dead;
        for (std::size_t k = 0; k < c; ++k) {
            const std::int32_t t = d.next[s * c + k];
            if (t < 0) {
                can_refuse[s] = true;
            } else {
                if (d.labels[static_cast<std::size_t>(t)] != d.labels[s]) label_changes[s] = true;
                if (t == last) continue;  // one edge for neighbours that go the same way
                before[static_cast<std::size_t>(t)].push_back(static_cast<std::int32_t>(s));
                ++left[s];
                last = t;
            }
        }
    }
    leaf.safe = steps_to(before, can_refuse, 0);
    leaf.same_label = steps_to(before, label_changes, 1);
    leaf.longest.assign(n, Leaf::far);
    std::vector<std::size_t> settled;
    for (std::size_t s = 0; s < n; ++s)
        if (left[s] == 0) {
            leaf.longest[s] = 0;
            settled.push_back(s);
        }
    for (std::size_t i = 0; i < settled.size(); ++i)
        for (const std::int32_t b : before[settled[i]])
            if (--left[static_cast<std::size_t>(b)] == 0) {
                // The successor settled last is one of those with the longest way.
                leaf.longest[static_cast<std::size_t>(b)] = leaf.longest[settled[i]] + 1;
                settled.push_back(static_cast<std::size_t>(b));
            }
}

void fill_tables(Leaf& leaf) {
    for (std::uint32_t c = 0; c < leaf.ascii.size(); ++c) leaf.ascii[c] = leaf.dfa.classes[leaf.dfa.interval_of(c)];
    const auto n = static_cast<std::size_t>(leaf.dfa.states()), words = leaf.reach_words();
    leaf.goes_on.assign(n, 0);
    for (std::size_t i = 0; i < leaf.dfa.next.size(); ++i)
        if (leaf.dfa.next[i] >= 0) leaf.goes_on[i / static_cast<std::size_t>(leaf.dfa.class_count)] = 1;
    if (leaf.spelling == Spelling::json) measure_string(leaf);
    if (leaf.labels < 2) return;
    if (n * words > max_reach_words)
        throw Error(Code::unsupported, "an object has too many properties: {}", leaf.labels);
    leaf.reach.assign(n * words, 0);
    for (std::size_t s = 0; s < n; ++s)
        if (const std::int32_t l = leaf.dfa.labels[s]; l >= 0)
            leaf.reach[s * words + static_cast<std::size_t>(l) / 64] |= std::uint64_t(1) << (l % 64);
    spread(leaf.dfa, leaf.reach, words, [](std::uint64_t a, std::uint64_t b) { return a | b; });
    leaf.always = leaf.reach;
    spread(leaf.dfa, leaf.always, words, [](std::uint64_t a, std::uint64_t b) { return a & b; });
}

}  // namespace

std::int32_t Program::add(State state) {
    if (states_.size() >= max_states) throw Error(Code::unsupported, "this grammar has over {} states", max_states);
    states_.push_back(std::move(state));
    return static_cast<std::int32_t>(states_.size()) - 1;
}

std::int32_t Program::add_leaf(Spelling spelling, Dfa dfa) {
    std::vector<std::int32_t>& same = leaf_ids_[hash_of(spelling, dfa)];
    for (const std::int32_t i : same) {
        const Leaf& leaf = leaves_[static_cast<std::size_t>(i)];
        if (leaf.spelling == spelling && leaf.dfa == dfa) return i;
    }
    Leaf leaf;
    leaf.spelling = spelling;
    leaf.labels = 1 + std::max(0, *std::max_element(dfa.labels.begin(), dfa.labels.end()));
    leaf.dfa = std::move(dfa);
    same.push_back(static_cast<std::int32_t>(leaves_.size()));
    leaves_.push_back(std::move(leaf));
    return same.back();
}

std::int32_t Program::add_object(ObjectInfo info) {
    objects_.push_back(std::move(info));
    return static_cast<std::int32_t>(objects_.size()) - 1;
}

std::int32_t Program::add_rule() {
    rules_.push_back(-1);
    return static_cast<std::int32_t>(rules_.size()) - 1;
}

std::int32_t Program::final_state() { return final_ >= 0 ? final_ : final_ = add({}); }

std::int32_t Program::reserve() { return add({State::Kind::fork, 0, {}, {}, false}); }

void Program::set_targets(std::int32_t fork, const std::vector<std::int32_t>& targets) {
    auto& exits = states_[static_cast<std::size_t>(fork)].exits;
    exits.clear();
    for (const std::int32_t t : targets) exits.push_back({{}, t});
}

std::int32_t Program::fork(const std::vector<std::int32_t>& targets, std::vector<std::int32_t> needs) {
    if (targets.size() == 1 && needs.empty()) return targets[0];
    const std::int32_t s = add({State::Kind::fork, 0, {}, std::move(needs), false});
    set_targets(s, targets);
    return s;
}

std::int32_t Program::call(std::int32_t rule, std::int32_t next) {
    return add({State::Kind::call, rule, {{{}, next}}, {}, false});
}

std::int32_t Program::op(Op op, std::int32_t next) { return add({State::Kind::op, 0, {{op, next}}, {}, false}); }

std::int32_t Program::leaf(std::int32_t leaf, std::vector<State::Exit> exits) {
    const bool guarded =
        std::any_of(exits.begin(), exits.end(), [](const State::Exit& e) { return e.op.kind != Op::Kind::none; });
    return add({State::Kind::leaf, leaf, std::move(exits), {}, guarded});
}

std::int32_t Program::leaf(std::int32_t leaf, std::int32_t next) {
    return this->leaf(leaf, std::vector<State::Exit>(static_cast<std::size_t>(leaf_at(leaf).labels), {{}, next}));
}

// The smallest set of states with: a state is in it if check(state, set) says so. From the ends backwards, in linear
// time.
template <class Check>
std::vector<bool> Program::least_fixed_point(Check check) const {
    std::vector<std::vector<std::int32_t>> waiting(states_.size());  // whom to ask again when this state is in
    const auto wait_for = [&](std::int32_t what, std::size_t who) {
        waiting[static_cast<std::size_t>(what)].push_back(static_cast<std::int32_t>(who));
    };
    for (std::size_t s = 0; s < states_.size(); ++s) {
        for (const State::Exit& e : states_[s].exits)
            if (e.target >= 0) wait_for(e.target, s);
        if (states_[s].kind == State::Kind::call) wait_for(rule_start(states_[s].index), s);
        for (const std::int32_t r : states_[s].needs) wait_for(rule_start(r), s);
    }
    std::vector<bool> in(states_.size(), false);
    std::vector<std::int32_t> todo;
    for (std::size_t s = 0; s < states_.size(); ++s)
        if (states_[s].kind == State::Kind::final) todo.push_back(static_cast<std::int32_t>(s));
    while (!todo.empty()) {
        const auto s = static_cast<std::size_t>(todo.back());
        todo.pop_back();
        if (in[s] || !check(states_[s], in)) continue;
        in[s] = true;
        todo.insert(todo.end(), waiting[s].begin(), waiting[s].end());
    }
    return in;
}

// Productive: some text leads from here to the end of the rule.
std::vector<bool> Program::productive() const {
    return least_fixed_point([&](const State& s, const std::vector<bool>& good) {
        const auto rule_good = [&](std::int32_t r) { return good[static_cast<std::size_t>(rule_start(r))]; };
        const bool any = std::any_of(s.exits.begin(), s.exits.end(), [&](const State::Exit& e) {
            return e.target >= 0 && good[static_cast<std::size_t>(e.target)];
        });
        switch (s.kind) {
            case State::Kind::final:
                return true;
            case State::Kind::call:
                return any && rule_good(s.index);
            case State::Kind::leaf:
                return any && !leaf_at(s.index).dfa.empty();
            default:
                return any && std::all_of(s.needs.begin(), s.needs.end(), rule_good);
        }
    });
}

// Where a leaf leads if it reads nothing, or -1.
std::int32_t Program::empty_exit(const State& s) const {
    const Leaf& leaf = leaf_at(s.index);
    if (leaf.spelling == Spelling::json || leaf.dfa.labels[0] < 0) return -1;
    return s.exits[static_cast<std::size_t>(leaf.dfa.labels[0])].target;
}

// Nullable: the end of the rule can be reached without reading.
std::vector<bool> Program::nullable() const {
    return least_fixed_point([&](const State& s, const std::vector<bool>& in) {
        const auto has = [&](std::int32_t t) { return t >= 0 && in[static_cast<std::size_t>(t)]; };
        if (s.kind == State::Kind::final) return true;
        if (s.kind == State::Kind::leaf) return has(empty_exit(s));
        if (s.kind == State::Kind::call && !has(rule_start(s.index))) return false;
        return std::any_of(s.exits.begin(), s.exits.end(), [&](const State::Exit& e) { return has(e.target); });
    });
}

void Program::prune(const std::vector<bool>& good) {
    Budget budget;
    const auto is_good = [&](const State::Exit& e) {
        return e.target >= 0 && good[static_cast<std::size_t>(e.target)];
    };
    for (std::size_t i = 0; i < states_.size(); ++i) {
        State& s = states_[i];
        if (s.kind == State::Kind::fork) std::erase_if(s.exits, [&](const State::Exit& e) { return !is_good(e); });
        if (s.kind != State::Kind::leaf || !good[i]) continue;
        bool dropped = false;
        for (State::Exit& e : s.exits)
            if (!is_good(e)) {
                dropped = true;
                e.target = -1;
                if (e.op.kind == Op::Kind::take)
                    objects_[static_cast<std::size_t>(e.op.index)].classes[e.op.value].usable = false;
            }
        if (!dropped) continue;
        Dfa dfa = leaf_at(s.index).dfa;
        for (std::int32_t& label : dfa.labels)
            if (label >= 0 && s.exits[static_cast<std::size_t>(label)].target < 0) label = Dfa::refuses;
        const Spelling spelling = leaf_at(s.index).spelling;
        s.index = add_leaf(spelling, canonical(std::move(dfa), budget));
    }
}

void Program::lay_out_leaves(const std::vector<bool>& good) {
    std::vector<bool> used(leaves_.size(), false);
    for (std::size_t s = 0; s < states_.size(); ++s)
        if (good[s] && states_[s].kind == State::Kind::leaf) used[static_cast<std::size_t>(states_[s].index)] = true;
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
        leaves_[i].first_state = static_cast<std::int32_t>(leaf_of_state_.size());
        if (!used[i]) continue;
        leaf_of_state_.resize(leaf_of_state_.size() + static_cast<std::size_t>(leaves_[i].dfa.states()),
                              static_cast<std::int32_t>(i));
        fill_tables(leaves_[i]);
    }
}

namespace {

// Tarjan's algorithm, without recursion: which strongly connected component each node of a graph is in.
template <class Edges>
std::vector<std::int32_t> components(std::size_t nodes, Edges edges) {
    std::vector<std::int32_t> component(nodes, -1), index(nodes, -1), low(nodes, 0);
    struct Visit {
        std::size_t node;
        std::vector<std::int32_t> out;
        std::size_t next = 0;
    };
    std::vector<Visit> path;
    std::vector<std::size_t> open;
    std::int32_t count = 0, found = 0;
    for (std::size_t root = 0; root < nodes; ++root) {
        if (index[root] >= 0) continue;
        const auto enter = [&](std::size_t n) {
            index[n] = low[n] = count++;
            open.push_back(n);
            path.push_back({n, edges(n)});
        };
        enter(root);
        while (!path.empty()) {
            Visit& top = path.back();
            if (top.next < top.out.size()) {
                const auto t = static_cast<std::size_t>(top.out[top.next++]);
                if (index[t] < 0)
                    enter(t);
                else if (component[t] < 0)
                    low[top.node] = std::min(low[top.node], index[t]);
                continue;
            }
            const std::size_t n = top.node;
            path.pop_back();
            if (!path.empty()) low[path.back().node] = std::min(low[path.back().node], low[n]);
            if (low[n] != index[n]) continue;
            for (std::size_t member = nodes; member != n;) {
                member = open.back();
                open.pop_back();
                component[member] = found;
            }
            ++found;
        }
    }
    return component;
}

}  // namespace

// A rule that can call itself before it has read anything would make a machine call forever: a call that lies on a
// cycle of steps that read nothing.
void Program::refuse_left_recursion(const std::vector<std::string>& rule_names) const {
    const std::vector<bool> can_be_empty = nullable();
    const auto component = components(states_.size(), [&](std::size_t i) {
        const State& s = states_[i];
        std::vector<std::int32_t> out;
        if (s.kind == State::Kind::leaf) {
            out.push_back(empty_exit(s));
        } else if (s.kind == State::Kind::call) {
            out.push_back(rule_start(s.index));
            if (can_be_empty[static_cast<std::size_t>(out[0])]) out.push_back(s.exits[0].target);
        } else {
            for (const State::Exit& e : s.exits) out.push_back(e.target);
        }
        std::erase(out, -1);
        return out;
    });
    for (std::size_t i = 0; i < states_.size(); ++i) {
        const State& s = states_[i];
        if (s.kind == State::Kind::op && s.exits[0].op.kind == Op::Kind::count &&
            s.exits[0].op.value > max_empty_rounds &&
            component[i] == component[static_cast<std::size_t>(s.exits[0].target)])
            throw Error(Code::unsupported, "something that may be empty is repeated up to {} times",
                        s.exits[0].op.value);
        if (s.kind != State::Kind::call || component[i] != component[static_cast<std::size_t>(rule_start(s.index))])
            continue;
        const auto rule = static_cast<std::size_t>(s.index);
        throw Error(Code::unsupported, "the rule '{}' calls itself before it has read anything (left recursion)",
                    rule < rule_names.size() ? rule_names[rule] : std::to_string(rule));
    }
}

void Program::finish(std::int32_t root, const std::vector<std::string>& rule_names) {
    root_ = root;
    for (std::int32_t& start : rules_)
        if (start < 0) start = fork({});
    const std::vector<bool> good = productive();
    empty_ = !good[static_cast<std::size_t>(rules_[static_cast<std::size_t>(root)])];
    prune(good);
    lay_out_leaves(good);
    refuse_left_recursion(rule_names);
    leaf_ids_.clear();
}

std::size_t Program::bytes() const {
    std::size_t total = states_.size() * (sizeof(State) + 2 * sizeof(State::Exit));
    for (const Leaf& l : leaves_)
        total += sizeof(Leaf) + l.dfa.next.size() * 4 + l.dfa.labels.size() * 8 + l.dfa.starts.size() * 8 +
                 l.reach.size() * 8;
    return total;
}

}  // namespace quern::grammar
