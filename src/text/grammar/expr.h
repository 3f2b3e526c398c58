// What GBNF and regular expressions are read into: a pool of expressions that refer to each other by number. A part
// without recursion becomes one automaton (regular_nfa); the rest becomes rules of a program (rules.h). Nesting is
// bounded by the readers, copies by the budget; nothing here recurses on input depth.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/dfa.h"
#include "text/grammar/program.h"

namespace quern::grammar {

class ExprPool {
public:
    using Id = std::int32_t;
    static constexpr std::uint32_t unbounded = 0xffffffff;

    enum class Kind : std::uint8_t { empty, set, sequence, choice, repeat, begin, end, rule, call, leaf };
    struct Node {
        Kind kind = Kind::empty;
        // set: into sets; rule: its number; repeat: what is repeated; call, leaf: a rule or leaf of the program at hand
        std::int32_t index = 0;
        std::uint32_t min = 0, max = 0;  // repeat
        std::vector<Id> parts;           // sequence, choice
    };

    Id empty() { return add({}); }
    Id set(CharSet set);  // normalises
    Id symbol(std::uint32_t code);
    Id text(std::u32string_view text);
    Id sequence(std::vector<Id> parts);
    Id choice(std::vector<Id> parts);
    Id repeat(Id part, std::uint32_t min, std::uint32_t max);
    Id rule(std::int32_t number);
    Id call(std::int32_t rule) { return add({Kind::call, rule, 0, 0, {}}); }
    Id leaf(std::int32_t leaf) { return add({Kind::leaf, leaf, 0, 0, {}}); }
    Id begin() { return add({Kind::begin, 0, 0, 0, {}}); }
    Id end() { return add({Kind::end, 0, 0, 0, {}}); }

    const Node& node(Id id) const { return nodes_[static_cast<std::size_t>(id)]; }
    const CharSet& char_set(std::int32_t index) const { return sets_[static_cast<std::size_t>(index)]; }
    std::size_t size() const { return nodes_.size(); }

private:
    Id add(Node node);

    std::vector<Node> nodes_;
    std::vector<CharSet> sets_;
    std::map<std::uint32_t, Id> symbols_;
};

// The automaton of expressions one after the other (Kind::sequence) or one of them (Kind::choice). rules[i] is the body
// of rule i; none may lead to a rule that leads to itself, to a call or a leaf. Repeats are copied out, so a large one
// may be too much for the budget.
Nfa regular_nfa(const ExprPool& pool, std::span<const ExprPool::Id> parts, ExprPool::Kind join,
                const std::vector<ExprPool::Id>& rules, Budget& budget);

// Makes rules of a program from expressions and gives the number of the rule for `root`. What is regular and not too
// large becomes one leaf; long repeats become counters. Throws Error(unsupported) where that is not possible.
std::int32_t compile(const ExprPool& pool, ExprPool::Id root, const std::vector<ExprPool::Id>& rules, Program& program,
                     std::vector<std::string>& rule_names, const std::vector<std::string>& names, Budget& budget);

}  // namespace quern::grammar
