#include <algorithm>
#include <string>

#include "base/error.h"
#include "text/grammar/expr.h"

namespace quern::grammar {
namespace {

using Id = ExprPool::Id;
using Kind = ExprPool::Kind;

// How large the automaton of an expression would be before it is made deterministic; `irregular` where it would be too
// large to be one leaf, or is not regular.
constexpr std::uint32_t irregular = 4000;

class Compiler {
public:
    Compiler(const ExprPool& pool, const std::vector<Id>& rules, Program& program, std::vector<std::string>& rule_names,
             const std::vector<std::string>& names, Budget& budget)
        : pool_(pool), rules_(rules), program_(program), rule_names_(rule_names), names_(names), budget_(budget) {}

    std::int32_t run(Id root) {
        measure();
        rule_of_.assign(rules_.size(), -1);
        const std::int32_t top = program_.add_rule();
        program_.set_rule_start(top, state(root, program_.final_state()));
        while (!todo_.empty()) {
            const std::int32_t r = todo_.back();
            todo_.pop_back();
            program_.set_rule_start(rule_of_[static_cast<std::size_t>(r)],
                                    state(rules_[static_cast<std::size_t>(r)], program_.final_state()));
        }
        return top;
    }

private:
    std::uint32_t size(Id id) const { return sizes_[static_cast<std::size_t>(id)]; }

    // Expressions come after their parts in the pool, rules in any order: a rule is settled when all rules in it are,
    // so rules that lead to themselves never are and stay irregular.
    void measure() {
        sizes_.assign(pool_.size(), irregular);
        std::vector<std::vector<std::int32_t>> users(rules_.size());  // by rule: the rules that mention it
        std::vector<std::vector<std::int32_t>> mentions(rules_.size());
        std::vector<std::int32_t> missing(rules_.size(), 0), ready;
        for (std::size_t r = 0; r < rules_.size(); ++r) {
            std::vector<Id> todo{rules_[r]};
            while (!todo.empty()) {
                const Id id = todo.back();
                todo.pop_back();
                budget_.spend(1);
                const ExprPool::Node& n = pool_.node(id);
                if (n.kind == Kind::rule) {
                    users[static_cast<std::size_t>(n.index)].push_back(static_cast<std::int32_t>(r));
                    ++missing[r];
                }
                if (n.kind == Kind::repeat) todo.push_back(n.index);
                todo.insert(todo.end(), n.parts.begin(), n.parts.end());
            }
            if (missing[r] == 0) ready.push_back(static_cast<std::int32_t>(r));
        }
        rule_size_.assign(rules_.size(), irregular);
        while (!ready.empty()) {
            const auto r = static_cast<std::size_t>(ready.back());
            ready.pop_back();
            rule_size_[r] = measured(rules_[r]);
            for (const std::int32_t u : users[r])
                if (--missing[static_cast<std::size_t>(u)] == 0) ready.push_back(u);
        }
        for (std::size_t id = 0; id < pool_.size(); ++id) sizes_[id] = size_of(pool_.node(static_cast<Id>(id)));
    }

    // The size of a rule's body whose rules are settled; depth is bounded by the readers.
    std::uint32_t measured(Id id) {
        const ExprPool::Node& n = pool_.node(id);
        budget_.spend(1);
        if (n.kind == Kind::repeat) measured(n.index);
        for (const Id part : n.parts) measured(part);
        return sizes_[static_cast<std::size_t>(id)] = size_of(n);
    }

    std::uint32_t size_of(const ExprPool::Node& n) const {
        std::uint64_t total = 1;
        switch (n.kind) {
            case Kind::rule:
                total = rule_size_[static_cast<std::size_t>(n.index)];
                break;
            case Kind::call:
            case Kind::leaf:
                return irregular;
            case Kind::repeat:
                total =
                    std::uint64_t(size(n.index)) * (n.max == ExprPool::unbounded ? n.min + 1ull : std::max(n.max, 1u));
                if (size(n.index) >= irregular) return irregular;
                break;
            default:
                for (const Id part : n.parts) total += size(part);
                break;
        }
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(total, irregular));
    }

    std::int32_t rule(std::int32_t number) {
        std::int32_t& r = rule_of_[static_cast<std::size_t>(number)];
        if (r < 0) {
            r = program_.add_rule();
            rule_names_.resize(program_.rules());
            rule_names_[static_cast<std::size_t>(r)] = names_[static_cast<std::size_t>(number)];
            todo_.push_back(number);
        }
        return r;
    }

    std::int32_t regular(std::span<const Id> parts, Kind join, std::int32_t next) {
        const Nfa nfa = regular_nfa(pool_, parts, join, rules_, budget_);
        return program_.leaf(program_.add_leaf(Spelling::utf8, determinised(nfa, budget_)), next);
    }

    // The state from which an expression leads to `next`.
    std::int32_t state(Id id, std::int32_t next) {
        const ExprPool::Node& n = pool_.node(id);
        budget_.spend(1);
        if (size(id) < irregular) return regular(std::span(&id, 1), Kind::sequence, next);
        switch (n.kind) {
            case Kind::sequence: {
                // Regular neighbours become one leaf.
                std::vector<Id> run;
                std::uint32_t total = 0;
                for (std::size_t i = n.parts.size(); i-- > 0;) {
                    const Id part = n.parts[i];
                    if (size(part) < irregular && total + size(part) < irregular) {
                        run.insert(run.begin(), part);
                        total += size(part);
                        continue;
                    }
                    if (!run.empty()) next = regular(run, Kind::sequence, next);
                    run.clear();
                    total = 0;
                    if (size(part) < irregular) {
                        run = {part};
                        total = size(part);
                    } else {
                        next = state(part, next);
                    }
                }
                return run.empty() ? next : regular(run, Kind::sequence, next);
            }
            case Kind::choice: {
                std::vector<Id> easy;
                std::vector<std::int32_t> targets;
                for (const Id part : n.parts) {
                    if (size(part) < irregular / 4)
                        easy.push_back(part);
                    else
                        targets.push_back(state(part, next));
                }
                if (!easy.empty()) targets.push_back(regular(easy, Kind::choice, next));
                return program_.fork(targets);
            }
            case Kind::repeat:
                return repeat(n, next);
            case Kind::rule:
                return program_.call(rule(n.index), next);
            case Kind::call:
                return program_.call(n.index, next);
            case Kind::leaf:
                return program_.leaf(n.index, next);
            default:
                return next;
        }
    }

    std::int32_t repeat(const ExprPool::Node& n, std::int32_t next) {
        const bool bounded = n.max != ExprPool::unbounded;
        if (bounded && n.max == 0) return next;
        if (!bounded && n.min <= 1) {
            const std::int32_t loop = program_.reserve();
            const std::int32_t body = state(n.index, loop);
            program_.set_targets(loop, {body, next});
            return n.min == 0 ? loop : body;
        }
        if (n.min == 0 && n.max == 1) return program_.fork({state(n.index, next), next});
        // A rule of its own, since a frame has one counter.
        const std::int32_t r = program_.add_rule();
        const std::int32_t loop = program_.reserve();
        const std::int32_t count = program_.op({Op::Kind::count, 0, bounded ? n.max : n.min}, loop);
        const std::int32_t body = state(n.index, count);
        const std::int32_t more = bounded ? program_.op({Op::Kind::below, 0, n.max}, body) : body;
        program_.set_targets(loop, {more, program_.op({Op::Kind::at_least, 0, n.min}, program_.final_state())});
        program_.set_rule_start(r, loop);
        return program_.call(r, next);
    }

    const ExprPool& pool_;
    const std::vector<Id>& rules_;
    Program& program_;
    std::vector<std::string>& rule_names_;
    const std::vector<std::string>& names_;
    Budget& budget_;
    std::vector<std::uint32_t> sizes_, rule_size_;
    std::vector<std::int32_t> rule_of_, todo_;
};

}  // namespace

std::int32_t compile(const ExprPool& pool, Id root, const std::vector<Id>& rules, Program& program,
                     std::vector<std::string>& rule_names, const std::vector<std::string>& names, Budget& budget) {
    return Compiler(pool, rules, program, rule_names, names, budget).run(root);
}

}  // namespace quern::grammar
