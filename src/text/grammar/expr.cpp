#include "text/grammar/expr.h"

#include <utility>

#include "base/check.h"

namespace quern::grammar {

ExprPool::Id ExprPool::add(Node node) {
    nodes_.push_back(std::move(node));
    return static_cast<Id>(nodes_.size()) - 1;
}

ExprPool::Id ExprPool::set(CharSet set) {
    sets_.push_back(normalised(std::move(set)));
    return add({Kind::set, static_cast<std::int32_t>(sets_.size()) - 1, 0, 0, {}});
}

ExprPool::Id ExprPool::symbol(std::uint32_t code) {
    const auto it = symbols_.find(code);
    if (it != symbols_.end()) return it->second;
    return symbols_[code] = set({{code, code}});
}

ExprPool::Id ExprPool::text(std::u32string_view text) {
    std::vector<Id> parts;
    for (const char32_t c : text) parts.push_back(symbol(static_cast<std::uint32_t>(c)));
    return sequence(std::move(parts));
}

ExprPool::Id ExprPool::sequence(std::vector<Id> parts) {
    if (parts.size() == 1) return parts[0];
    return add({parts.empty() ? Kind::empty : Kind::sequence, 0, 0, 0, std::move(parts)});
}

ExprPool::Id ExprPool::choice(std::vector<Id> parts) {
    if (parts.size() == 1) return parts[0];
    return add({Kind::choice, 0, 0, 0, std::move(parts)});
}

ExprPool::Id ExprPool::repeat(Id part, std::uint32_t min, std::uint32_t max) {
    if (min == 1 && max == 1) return part;
    return add({Kind::repeat, part, min, max, {}});
}

ExprPool::Id ExprPool::rule(std::int32_t number) { return add({Kind::rule, number, 0, 0, {}}); }

namespace {

// Thompson's construction with a list of work instead of recursion: "lead from this state to that one by this
// expression".
class Thompson {
public:
    Thompson(const ExprPool& pool, const std::vector<ExprPool::Id>& rules, Budget& budget)
        : pool_(pool), rules_(rules), budget_(budget) {}

    Nfa build(std::span<const ExprPool::Id> parts, ExprPool::Kind join) {
        nfa_.start = state();
        nfa_.accept = state();
        list(parts, join, nfa_.start, nfa_.accept);
        while (!todo_.empty()) {
            const Work w = todo_.back();
            todo_.pop_back();
            lead(w);
        }
        return std::move(nfa_);
    }

private:
    struct Work {
        ExprPool::Id id;
        std::int32_t from, to;
    };

    std::int32_t state() {
        budget_.spend(16);
        return nfa_.add_state();
    }
    void edge(std::int32_t from, Nfa::Kind kind, std::int32_t set, std::int32_t to) {
        budget_.spend(4);
        nfa_.edges[static_cast<std::size_t>(from)].push_back({kind, set, to});
    }

    void lead(const Work& w) {
        const ExprPool::Node& n = pool_.node(w.id);
        switch (n.kind) {
            case ExprPool::Kind::empty:
                edge(w.from, Nfa::Kind::empty, -1, w.to);
                break;
            case ExprPool::Kind::begin:
                edge(w.from, Nfa::Kind::begin, -1, w.to);
                break;
            case ExprPool::Kind::end:
                edge(w.from, Nfa::Kind::end, -1, w.to);
                break;
            case ExprPool::Kind::set: {
                const auto [it, is_new] = sets_.try_emplace(n.index, 0);
                if (is_new) it->second = nfa_.add_set(pool_.char_set(n.index));
                edge(w.from, Nfa::Kind::symbol, it->second, w.to);
                break;
            }
            case ExprPool::Kind::sequence:
            case ExprPool::Kind::choice:
                list(n.parts, n.kind, w.from, w.to);
                break;
            case ExprPool::Kind::repeat:
                repeat(n, w);
                break;
            case ExprPool::Kind::rule:
                budget_.spend(1);
                todo_.push_back({rules_[static_cast<std::size_t>(n.index)], w.from, w.to});
                break;
            case ExprPool::Kind::call:
            case ExprPool::Kind::leaf:
                CHECK(false);  // not regular
        }
    }

    void list(std::span<const ExprPool::Id> parts, ExprPool::Kind join, std::int32_t from, std::int32_t to) {
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const bool last = i + 1 == parts.size() || join == ExprPool::Kind::choice;
            const std::int32_t middle = last ? to : state();
            todo_.push_back({parts[i], from, middle});
            if (!last) from = middle;
        }
    }

    void repeat(const ExprPool::Node& n, const Work& w) {
        std::int32_t from = w.from;
        for (std::uint32_t i = 0; i < n.min; ++i) {
            const std::int32_t to = state();
            todo_.push_back({n.index, from, to});
            from = to;
        }
        if (n.max == ExprPool::unbounded) {
            const std::int32_t loop = state();
            edge(from, Nfa::Kind::empty, -1, loop);
            todo_.push_back({n.index, loop, loop});
            edge(loop, Nfa::Kind::empty, -1, w.to);
            return;
        }
        for (std::uint32_t i = n.min; i < n.max; ++i) {
            const std::int32_t to = state();
            edge(from, Nfa::Kind::empty, -1, w.to);
            todo_.push_back({n.index, from, to});
            from = to;
        }
        edge(from, Nfa::Kind::empty, -1, w.to);
    }

    const ExprPool& pool_;
    const std::vector<ExprPool::Id>& rules_;
    Budget& budget_;
    Nfa nfa_;
    std::vector<Work> todo_;
    std::map<std::int32_t, std::int32_t> sets_;
};

}  // namespace

Nfa regular_nfa(const ExprPool& pool, std::span<const ExprPool::Id> parts, ExprPool::Kind join,
                const std::vector<ExprPool::Id>& rules, Budget& budget) {
    return Thompson(pool, rules, budget).build(parts, join);
}

}  // namespace quern::grammar
