#include "text/grammar/dfa.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "base/hash.h"

namespace quern::grammar {

void Budget::spend(std::size_t work) {
    if (work > left_)
        throw Error(Code::unsupported, "this grammar needs too large an automaton; please make it simpler or shorter");
    left_ -= work;
}

CharSet normalised(CharSet set) {
    std::sort(set.begin(), set.end(), [](Interval a, Interval b) { return a.first < b.first; });
    CharSet out;
    for (const Interval i : set) {
        if (!out.empty() && i.first <= out.back().last + 1)
            out.back().last = std::max(out.back().last, i.last);
        else
            out.push_back(i);
    }
    return out;
}

CharSet inverted(const CharSet& set) {
    CharSet out;
    std::uint32_t from = 0;
    for (const Interval i : set) {
        if (i.first > from) out.push_back({from, i.first - 1});
        from = i.last + 1;
    }
    if (from < alphabet_end) out.push_back({from, alphabet_end - 1});
    return out;
}

std::size_t Dfa::interval_of(std::uint32_t symbol) const {
    return static_cast<std::size_t>(std::upper_bound(starts.begin(), starts.end(), symbol) - starts.begin()) - 1;
}

std::int32_t Dfa::run(std::span<const std::uint32_t> text) const {
    std::int32_t state = 0;
    for (const std::uint32_t symbol : text)
        if ((state = step(state, symbol)) == dead) return refuses;
    return labels[static_cast<std::size_t>(state)];
}

bool Dfa::empty() const { return states() == 1 && labels[0] == refuses; }
bool Dfa::everything() const { return states() == 1 && labels[0] == 0 && class_count == 1 && next[0] == 0; }

namespace {

struct KeyHash {
    std::size_t operator()(const std::vector<std::int32_t>& key) const noexcept {
        std::uint64_t h = key.size();
        for (const std::int32_t k : key) h = splitmix64(h ^ static_cast<std::uint32_t>(k));
        return static_cast<std::size_t>(h);
    }
};

// States found while exploring: each is known by a key, gets a number, and is visited once.
class Frontier {
public:
    std::int32_t number(std::vector<std::int32_t> key) {
        const auto [it, is_new] = numbers_.try_emplace(std::move(key), static_cast<std::int32_t>(keys_.size()));
        if (is_new) keys_.push_back(&it->first);
        return it->second;
    }
    std::size_t size() const { return keys_.size(); }
    const std::vector<std::int32_t>& key(std::size_t i) const { return *keys_[i]; }

private:
    std::unordered_map<std::vector<std::int32_t>, std::int32_t, KeyHash> numbers_;
    std::vector<const std::vector<std::int32_t>*> keys_;
};

void check_cells(std::size_t states, std::int32_t class_count) {
    if (states * static_cast<std::size_t>(class_count) > Dfa::max_cells)
        throw Error(Code::unsupported, "this grammar needs an automaton of more than {} states", states - 1);
}

// Which states can reach acceptance.
std::vector<bool> live_states(const Dfa& d) {
    const auto n = static_cast<std::size_t>(d.states());
    const auto c = static_cast<std::size_t>(d.class_count);
    std::vector<std::int32_t> first(n + 1, 0), sources;
    for (const std::int32_t t : d.next)
        if (t >= 0) ++first[static_cast<std::size_t>(t) + 1];
    for (std::size_t i = 0; i < n; ++i) first[i + 1] += first[i];
    sources.resize(static_cast<std::size_t>(first[n]));
    std::vector<std::int32_t> at(first.begin(), first.end() - 1);
    for (std::size_t i = 0; i < d.next.size(); ++i)
        if (const std::int32_t t = d.next[i]; t >= 0)
            sources[static_cast<std::size_t>(at[static_cast<std::size_t>(t)]++)] = static_cast<std::int32_t>(i / c);
    std::vector<bool> live(n, false);
    std::vector<std::size_t> todo;
    for (std::size_t s = 0; s < n; ++s)
        if (d.labels[s] >= 0) {
            live[s] = true;
            todo.push_back(s);
        }
    while (!todo.empty()) {
        const std::size_t s = todo.back();
        todo.pop_back();
        for (std::int32_t i = first[s]; i < first[s + 1]; ++i) {
            const auto from = static_cast<std::size_t>(sources[static_cast<std::size_t>(i)]);
            if (!live[from]) {
                live[from] = true;
                todo.push_back(from);
            }
        }
    }
    return live;
}

// Joins classes whose columns are equal and intervals that touch, in the order of their first interval.
void join_classes(Dfa& d) {
    const auto n = static_cast<std::size_t>(d.states());
    const auto c = static_cast<std::size_t>(d.class_count);
    std::vector<std::int32_t> joined(c, -1), column(n);
    std::unordered_map<std::vector<std::int32_t>, std::int32_t, KeyHash> columns;
    std::vector<std::size_t> representative;
    std::vector<std::uint32_t> starts;
    std::vector<std::int32_t> classes;
    for (std::size_t i = 0; i < d.starts.size(); ++i) {
        const auto old = static_cast<std::size_t>(d.classes[i]);
        if (joined[old] < 0) {
            for (std::size_t s = 0; s < n; ++s) column[s] = d.next[s * c + old];
            const auto [it, is_new] = columns.try_emplace(column, static_cast<std::int32_t>(representative.size()));
            if (is_new) representative.push_back(old);
            joined[old] = it->second;
        }
        if (!classes.empty() && classes.back() == joined[old]) continue;
        starts.push_back(d.starts[i]);
        classes.push_back(joined[old]);
    }
    std::vector<std::int32_t> next(n * representative.size());
    for (std::size_t s = 0; s < n; ++s)
        for (std::size_t k = 0; k < representative.size(); ++k)
            next[s * representative.size() + k] = d.next[s * c + representative[k]];
    d.starts = std::move(starts);
    d.classes = std::move(classes);
    d.class_count = static_cast<std::int32_t>(representative.size());
    d.next = std::move(next);
}

// A partition of states whose blocks can be split in time linear in the smaller part: the states of a block lie side by
// side, the marked ones first.
class Partition {
public:
    explicit Partition(std::span<const std::int32_t> block_of) : block_(block_of.begin(), block_of.end()) {
        const std::int32_t blocks = 1 + *std::max_element(block_.begin(), block_.end());
        begin_.resize(static_cast<std::size_t>(blocks) + 1, 0);
        for (const std::int32_t b : block_) ++begin_[static_cast<std::size_t>(b) + 1];
        for (std::size_t b = 0; b < static_cast<std::size_t>(blocks); ++b) begin_[b + 1] += begin_[b];
        end_.assign(begin_.begin() + 1, begin_.end());
        begin_.pop_back();
        marked_ = begin_;
        order_.resize(block_.size());
        place_.resize(block_.size());
        std::vector<std::uint32_t> at = begin_;
        for (std::uint32_t s = 0; s < block_.size(); ++s) {
            place_[s] = at[static_cast<std::size_t>(block_[s])]++;
            order_[place_[s]] = s;
        }
    }
    std::size_t blocks() const { return begin_.size(); }
    std::int32_t block_of(std::uint32_t s) const { return block_[s]; }
    std::span<const std::uint32_t> states(std::size_t b) const {
        return std::span(order_).subspan(begin_[b], end_[b] - begin_[b]);
    }
    // True if this is the first mark in its block since it was last split.
    bool mark(std::uint32_t s) {
        const auto b = static_cast<std::size_t>(block_[s]);
        if (place_[s] < marked_[b]) return false;
        const std::uint32_t other = order_[marked_[b]];
        std::swap(order_[marked_[b]], order_[place_[s]]);
        place_[other] = place_[s];
        place_[s] = marked_[b]++;
        return marked_[b] == begin_[b] + 1;
    }
    // Makes a block of the smaller of the marked and the other states, if there are both. Unmarks all.
    bool split(std::size_t b) {
        const std::uint32_t middle = marked_[b];
        marked_[b] = begin_[b];
        if (middle == end_[b]) return false;
        const bool front = middle - begin_[b] <= end_[b] - middle;
        const std::uint32_t from = front ? begin_[b] : middle, to = front ? middle : end_[b];
        (front ? begin_[b] : end_[b]) = middle;
        marked_[b] = begin_[b];
        for (std::uint32_t i = from; i < to; ++i) block_[order_[i]] = static_cast<std::int32_t>(begin_.size());
        begin_.push_back(from);
        marked_.push_back(from);
        end_.push_back(to);
        return true;
    }

private:
    std::vector<std::int32_t> block_;
    std::vector<std::uint32_t> order_, place_, begin_, end_, marked_;
};

// Hopcroft's algorithm: the blocks of states that no text tells apart. The last state is the dead one.
std::vector<std::int32_t> equal_blocks(const Dfa& d, Budget& budget) {
    const std::size_t n = static_cast<std::size_t>(d.states()) + 1, c = static_cast<std::size_t>(d.class_count);
    const auto target = [&](std::size_t s, std::size_t k) {
        const std::int32_t t = s + 1 == n ? -1 : d.next[s * c + k];
        return t < 0 ? n - 1 : static_cast<std::size_t>(t);
    };
    budget.spend(2 * n * c);
    std::vector<std::uint32_t> first(n * c + 1, 0), sources(n * c);
    for (std::size_t s = 0; s < n; ++s)
        for (std::size_t k = 0; k < c; ++k) ++first[target(s, k) * c + k + 1];
    for (std::size_t i = 0; i < n * c; ++i) first[i + 1] += first[i];
    {
        std::vector<std::uint32_t> at(first.begin(), first.end() - 1);
        for (std::size_t s = 0; s < n; ++s)
            for (std::size_t k = 0; k < c; ++k) sources[at[target(s, k) * c + k]++] = static_cast<std::uint32_t>(s);
    }
    std::vector<std::int32_t> by_label(n);
    std::unordered_map<std::int32_t, std::int32_t> labels;
    for (std::size_t s = 0; s < n; ++s)
        by_label[s] =
            labels.try_emplace(s + 1 == n ? Dfa::refuses : d.labels[s], static_cast<std::int32_t>(labels.size()))
                .first->second;
    Partition partition(by_label);
    std::vector<std::pair<std::size_t, std::size_t>> todo;
    for (std::size_t b = 0; b < partition.blocks(); ++b)
        for (std::size_t k = 0; k < c; ++k) todo.emplace_back(b, k);
    std::vector<std::uint32_t> splitter;
    std::vector<std::size_t> touched;
    while (!todo.empty()) {
        const auto [b, k] = todo.back();
        todo.pop_back();
        const auto members = partition.states(b);
        splitter.assign(members.begin(), members.end());
        budget.spend(1 + splitter.size());
        touched.clear();
        for (const std::uint32_t t : splitter)
            for (std::uint32_t i = first[t * c + k]; i < first[t * c + k + 1]; ++i)
                if (partition.mark(sources[i]))
                    touched.push_back(static_cast<std::size_t>(partition.block_of(sources[i])));
        for (const std::size_t old : touched) {
            if (!partition.split(old)) continue;
            budget.spend(c);
            for (std::size_t j = 0; j < c; ++j) todo.emplace_back(partition.blocks() - 1, j);
        }
    }
    std::vector<std::int32_t> block(n);
    for (std::uint32_t s = 0; s < n; ++s) block[s] = partition.block_of(s);
    return block;
}

// Numbers the states in the order in which a walk by class order meets them, and drops the others.
Dfa renumbered(const Dfa& d) {
    const auto c = static_cast<std::size_t>(d.class_count);
    std::vector<std::int32_t> number(static_cast<std::size_t>(d.states()), -1);
    std::vector<std::size_t> order{0};
    number[0] = 0;
    for (std::size_t i = 0; i < order.size(); ++i)
        for (std::size_t k = 0; k < c; ++k)
            if (const std::int32_t t = d.next[order[i] * c + k]; t >= 0 && number[static_cast<std::size_t>(t)] < 0) {
                number[static_cast<std::size_t>(t)] = static_cast<std::int32_t>(order.size());
                order.push_back(static_cast<std::size_t>(t));
            }
    Dfa out{d.starts, d.classes, d.class_count, {}, {}};
    out.next.reserve(order.size() * c);
    for (const std::size_t s : order) {
        out.labels.push_back(d.labels[s]);
        for (std::size_t k = 0; k < c; ++k) {
            const std::int32_t t = d.next[s * c + k];
            out.next.push_back(t < 0 ? Dfa::dead : number[static_cast<std::size_t>(t)]);
        }
    }
    return out;
}

}  // namespace

Dfa canonical(Dfa d, Budget& budget) {
    budget.spend(d.next.size());
    const std::vector<bool> live = live_states(d);
    if (!live[0]) return nothing();
    for (std::int32_t& t : d.next)
        if (t >= 0 && !live[static_cast<std::size_t>(t)]) t = Dfa::dead;
    join_classes(d);
    d = renumbered(d);
    const std::vector<std::int32_t> block = equal_blocks(d, budget);
    const auto n = static_cast<std::size_t>(d.states()), c = static_cast<std::size_t>(d.class_count);
    std::vector<std::int32_t> representative;
    for (std::size_t s = 0; s < n; ++s) {
        const auto b = static_cast<std::size_t>(block[s]);
        if (representative.size() <= b) representative.resize(b + 1, -1);
        if (representative[b] < 0) representative[b] = static_cast<std::int32_t>(s);
    }
    for (std::size_t i = 0; i < n * c; ++i)
        if (d.next[i] >= 0)
            d.next[i] = representative[static_cast<std::size_t>(block[static_cast<std::size_t>(d.next[i])])];
    d = renumbered(d);  // the start is first of its block, so it stays the start
    join_classes(d);
    return renumbered(d);
}

std::int32_t Nfa::add_state() {
    edges.emplace_back();
    return static_cast<std::int32_t>(edges.size()) - 1;
}

std::int32_t Nfa::add_set(CharSet set) {
    sets.push_back(std::move(set));
    return static_cast<std::int32_t>(sets.size()) - 1;
}

namespace {

// Cuts the alphabet where any of the sets starts or ends, and gives symbols that are in the same sets one class.
// in[class] says which sets they are.
void classify(const std::vector<CharSet>& sets, Dfa& d, std::vector<std::vector<bool>>& in, Budget& budget) {
    std::vector<std::pair<std::uint32_t, std::int32_t>> events;  // where, and +set+1 to enter, -set-1 to leave
    for (std::size_t s = 0; s < sets.size(); ++s)
        for (const Interval i : sets[s]) {
            events.emplace_back(i.first, static_cast<std::int32_t>(s) + 1);
            events.emplace_back(i.last + 1, -static_cast<std::int32_t>(s) - 1);
        }
    std::sort(events.begin(), events.end());
    std::map<std::vector<bool>, std::int32_t> known;
    std::vector<bool> now(sets.size(), false);
    std::size_t e = 0;
    for (std::uint32_t from = 0; from < alphabet_end;) {
        for (; e < events.size() && events[e].first == from; ++e)
            now[static_cast<std::size_t>(std::abs(events[e].second) - 1)] = events[e].second > 0;
        budget.spend(sets.size() + 1);
        const auto [it, is_new] = known.try_emplace(now, static_cast<std::int32_t>(in.size()));
        if (is_new) in.push_back(now);
        d.starts.push_back(from);
        d.classes.push_back(it->second);
        from = e < events.size() ? events[e].first : alphabet_end;
    }
    d.class_count = static_cast<std::int32_t>(in.size());
}

// Follows edges that read nothing. Only states with symbol edges, end assertions or acceptance matter afterwards.
class Closure {
public:
    explicit Closure(const Nfa& nfa) : nfa_(nfa), seen_(nfa.edges.size(), 0) {}

    std::vector<std::int32_t> of(std::vector<std::int32_t> from, bool at_begin, bool at_end, Budget& budget) {
        ++mark_;
        std::vector<std::int32_t> out;
        std::vector<std::int32_t>& todo = from;
        for (const std::int32_t s : todo) seen_[static_cast<std::size_t>(s)] = mark_;
        while (!todo.empty()) {
            const std::int32_t s = todo.back();
            todo.pop_back();
            bool matters = s == nfa_.accept;
            budget.spend(1 + nfa_.edges[static_cast<std::size_t>(s)].size());
            for (const Nfa::Edge& e : nfa_.edges[static_cast<std::size_t>(s)]) {
                matters = matters || e.kind == Nfa::Kind::symbol || e.kind == Nfa::Kind::end;
                const bool open = e.kind == Nfa::Kind::empty || (e.kind == Nfa::Kind::begin && at_begin) ||
                                  (e.kind == Nfa::Kind::end && at_end);
                if (!open || seen_[static_cast<std::size_t>(e.target)] == mark_) continue;
                seen_[static_cast<std::size_t>(e.target)] = mark_;
                todo.push_back(e.target);
            }
            if (matters) out.push_back(s);
        }
        std::sort(out.begin(), out.end());
        return out;
    }

private:
    const Nfa& nfa_;
    std::vector<std::uint32_t> seen_;
    std::uint32_t mark_ = 0;
};

}  // namespace

Dfa determinised(const Nfa& nfa, Budget& budget) {
    Dfa d;
    std::vector<std::vector<bool>> in;
    classify(nfa.sets, d, in, budget);
    Closure closure(nfa);
    Frontier frontier;
    frontier.number(closure.of({nfa.start}, true, false, budget));
    for (std::size_t i = 0; i < frontier.size(); ++i) {
        check_cells(frontier.size(), d.class_count);
        budget.spend(16);
        const std::vector<std::int32_t> key = frontier.key(i);
        std::vector<std::int32_t> at_end = closure.of(key, i == 0, true, budget);
        d.labels.push_back(std::binary_search(at_end.begin(), at_end.end(), nfa.accept) ? 0 : Dfa::refuses);
        for (std::size_t k = 0; k < in.size(); ++k) {
            std::vector<std::int32_t> targets;
            for (const std::int32_t s : key)
                for (const Nfa::Edge& e : nfa.edges[static_cast<std::size_t>(s)])
                    if (e.kind == Nfa::Kind::symbol && in[k][static_cast<std::size_t>(e.set)])
                        targets.push_back(e.target);
            budget.spend(1 + key.size());
            if (targets.empty()) {
                d.next.push_back(Dfa::dead);
                continue;
            }
            std::sort(targets.begin(), targets.end());
            targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
            d.next.push_back(frontier.number(closure.of(std::move(targets), false, false, budget)));
        }
    }
    return canonical(std::move(d), budget);
}

Dfa product(std::span<const Dfa* const> parts, Stops stops,
            const std::function<std::int32_t(std::span<const std::int32_t>)>& label, Budget& budget) {
    Dfa d;
    std::vector<std::vector<std::int32_t>> in;  // [class of the whole]: the class in each part
    std::vector<std::size_t> at(parts.size(), 0);
    std::map<std::vector<std::int32_t>, std::int32_t> known;
    for (std::uint32_t from = 0; from < alphabet_end;) {
        std::uint32_t to = alphabet_end;
        std::vector<std::int32_t> now(parts.size());
        for (std::size_t p = 0; p < parts.size(); ++p) {
            const auto& starts = parts[p]->starts;
            while (at[p] + 1 < starts.size() && starts[at[p] + 1] <= from) ++at[p];
            now[p] = parts[p]->classes[at[p]];
            if (at[p] + 1 < starts.size()) to = std::min(to, starts[at[p] + 1]);
        }
        budget.spend(1 + parts.size());
        const auto [it, is_new] = known.try_emplace(now, static_cast<std::int32_t>(in.size()));
        if (is_new) in.push_back(now);
        d.starts.push_back(from);
        d.classes.push_back(it->second);
        from = to;
    }
    d.class_count = static_cast<std::int32_t>(in.size());
    Frontier frontier;
    frontier.number(std::vector<std::int32_t>(parts.size(), 0));
    std::vector<std::int32_t> labels(parts.size()), target(parts.size());
    for (std::size_t i = 0; i < frontier.size(); ++i) {
        check_cells(frontier.size(), d.class_count);
        budget.spend(16);
        const std::vector<std::int32_t> key = frontier.key(i);
        for (std::size_t p = 0; p < parts.size(); ++p)
            labels[p] = key[p] < 0 ? Dfa::refuses : parts[p]->labels[static_cast<std::size_t>(key[p])];
        d.labels.push_back(label(labels));
        for (const std::vector<std::int32_t>& by_part : in) {
            budget.spend(1 + parts.size());
            bool alive = stops == Stops::never;
            for (std::size_t p = 0; p < parts.size(); ++p) {
                const Dfa& part = *parts[p];
                target[p] = key[p] < 0 ? -1 : part.next[part.cell(key[p], by_part[p])];
                alive = alive || target[p] >= 0;
            }
            d.next.push_back(alive ? frontier.number(target) : Dfa::dead);
        }
    }
    return canonical(std::move(d), budget);
}

Dfa nothing() { return {{0}, {0}, 1, {Dfa::dead}, {Dfa::refuses}}; }
Dfa everything() { return {{0}, {0}, 1, {0}, {0}}; }

Dfa of_words(std::span<const std::u32string_view> words, Budget& budget) {
    Dfa d;
    std::map<std::uint32_t, std::int32_t> class_of;
    for (const auto word : words) {
        budget.spend(1 + word.size());
        for (const char32_t c : word) class_of.try_emplace(static_cast<std::uint32_t>(c), 0);
    }
    std::int32_t count = 1;  // class 0: symbols of no word
    d.starts = {0};
    d.classes = {0};
    for (auto& [symbol, number] : class_of) {
        number = count++;
        if (d.starts.back() == symbol) {
            d.classes.back() = number;
        } else {
            d.starts.push_back(symbol);
            d.classes.push_back(number);
        }
        if (symbol + 1 < alphabet_end) {
            d.starts.push_back(symbol + 1);
            d.classes.push_back(0);
        }
    }
    d.class_count = count;
    const auto c = static_cast<std::size_t>(count);
    d.labels = {Dfa::refuses};
    d.next.assign(c, Dfa::dead);
    for (std::size_t w = 0; w < words.size(); ++w) {
        std::size_t state = 0;
        for (const char32_t symbol : words[w]) {
            const std::size_t cell = state * c + static_cast<std::size_t>(class_of[static_cast<std::uint32_t>(symbol)]);
            if (d.next[cell] < 0) {
                check_cells(d.labels.size() + 1, count);
                d.next[cell] = d.states();
                d.labels.push_back(Dfa::refuses);
                d.next.resize(d.next.size() + c, Dfa::dead);
                budget.spend(c);
            }
            state = static_cast<std::size_t>(d.next[cell]);
        }
        if (d.labels[state] == Dfa::refuses) d.labels[state] = static_cast<std::int32_t>(w);
    }
    return canonical(std::move(d), budget);
}

Dfa of_lengths(std::uint64_t min, std::uint64_t max, Budget& budget) {
    if (min > max) return nothing();
    const bool bounded = max != std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t last = bounded ? max : min;
    if (last >= Dfa::max_cells) throw Error(Code::unsupported, "a length of {} is too large to count here", last);
    budget.spend(8 * static_cast<std::size_t>(last));
    Dfa d{{0}, {0}, 1, {}, {}};
    for (std::uint64_t i = 0; i <= last; ++i) {
        d.labels.push_back(i >= min ? 0 : Dfa::refuses);
        d.next.push_back(i < last  ? static_cast<std::int32_t>(i + 1)
                         : bounded ? Dfa::dead
                                   : static_cast<std::int32_t>(i));
    }
    return d;  // canonical as it is
}

Dfa complement(const Dfa& a, Budget& budget) {
    const Dfa* parts[] = {&a};
    return product(
        parts, Stops::never, [](auto labels) { return labels[0] < 0 ? 0 : Dfa::refuses; }, budget);
}

Dfa intersection(const Dfa& a, const Dfa& b, Budget& budget) {
    if (a.everything() || b.empty()) return b;
    if (b.everything() || a.empty() || a == b) return a;
    const Dfa* parts[] = {&a, &b};
    return product(
        parts, Stops::when_all_are_dead,
        [](auto labels) { return labels[0] >= 0 && labels[1] >= 0 ? 0 : Dfa::refuses; }, budget);
}

Dfa union_of(const Dfa& a, const Dfa& b, Budget& budget) {
    if (a.everything() || b.empty() || a == b) return a;
    if (b.everything() || a.empty()) return b;
    const Dfa* parts[] = {&a, &b};
    return product(
        parts, Stops::when_all_are_dead,
        [](auto labels) { return labels[0] >= 0 || labels[1] >= 0 ? 0 : Dfa::refuses; }, budget);
}

Dfa with_one_label(Dfa a, Budget& budget) {
    for (std::int32_t& label : a.labels) label = std::min(label, 0);
    return canonical(std::move(a), budget);
}

}  // namespace quern::grammar
