// The one automaton that every grammar becomes: a pushdown over bytes. Rules call each other; what they read are
// leaves, deterministic automata over characters. A rule in progress is a frame with a little data (a counter, or which
// members an object has had), so that "any order, each once, these required" needs no permutations. program.h holds the
// tables, machine.h runs them; schema, GBNF and expressions only build them. Knows nothing of tokens.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/grammar/dfa.h"

namespace quern::grammar {

// How the characters of a leaf are spelled in bytes.
enum class Spelling : std::uint8_t {
    bytes,  // each byte is a character
    utf8,   // as UTF-8
    json,   // a JSON string with its quotes: UTF-8, two-character escapes, \uXXXX, pairs of those above U+FFFF
};

struct Leaf {
    Spelling spelling = Spelling::utf8;
    Dfa dfa;
    std::int32_t first_state = 0;           // its states are numbered through all leaves
    std::int32_t labels = 1;                // how many labels: 0 .. labels - 1
    std::array<std::int32_t, 128> ascii{};  // class of each ASCII character
    std::vector<std::uint8_t> goes_on;      // [state]: whether any character can follow
    std::vector<std::uint64_t> reach;       // [state * words + w]: which labels can still be reached, if labels > 1
    // For JSON strings, by state, in characters (never: far): how soon one can be refused, how many can be read at
    // most, and how soon the label can be another.
    static constexpr std::uint32_t far = 0xffffffff;
    std::vector<std::uint32_t> safe, longest, same_label;
    std::vector<std::uint64_t> always;  // as reach: labels that can be reached from every state that can be reached
    std::size_t reach_words() const { return (static_cast<std::size_t>(labels) + 63) / 64; }
};

inline constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

// What a frame of an object must keep track of. Classes of keys are the labels of its key leaf.
struct ObjectInfo {
    struct Class {
        std::int32_t bit = -1;  // set once seen: the key is one word and may come once; -1: any number of keys
        bool required = false;  // has a bit
        bool usable = true;     // some value is possible
    };
    std::vector<Class> classes;
    std::int32_t bits = 0;       // for keys, then for witnesses
    std::int32_t witnesses = 0;  // the last of the bits: members that must be there with some kind of value
    std::uint64_t min = 0, max = no_limit;
    bool counts() const { return min > 0 || max != no_limit; }
};

// When and with what effect a leaf may be left by one of its labels, or a rule may go on.
struct Op {
    enum class Kind : std::uint8_t {
        none,
        below,     // the counter is under `value`
        at_least,  // the counter has reached `value`
        count,     // adds one to the counter, which stays at `value`
        take,      // object `index`: a key of class `value`, if it may come now
        more,      // object `index`: another member may follow
        done,      // object `index`: it may end
        witness,   // object `index`: witness `value` is there
    };
    Kind kind = Kind::none;
    std::int32_t index = 0;
    std::uint64_t value = 0;
    bool operator==(const Op&) const = default;
};

struct State {
    enum class Kind : std::uint8_t { final, fork, call, leaf, op };
    struct Exit {
        Op op;
        std::int32_t target = -1;  // -1: not this way
    };
    Kind kind = Kind::final;
    std::int32_t index = 0;           // call: the rule; leaf: the leaf
    std::vector<Exit> exits;          // fork: targets; call, op: one; leaf: by label
    std::vector<std::int32_t> needs;  // rules without which this state leads nowhere (fork only)
    bool guarded = false;             // leaf: some exit has a condition
};

class Program {
public:
    static constexpr std::size_t max_states = 400'000;

    std::int32_t add_leaf(Spelling spelling, Dfa dfa);  // the same one twice is one
    std::int32_t add_object(ObjectInfo info);
    std::int32_t add_rule();  // its start is set later

    std::int32_t final_state();
    std::int32_t fork(const std::vector<std::int32_t>& targets, std::vector<std::int32_t> needs = {});
    std::int32_t call(std::int32_t rule, std::int32_t next);
    std::int32_t op(Op op, std::int32_t next);
    std::int32_t leaf(std::int32_t leaf, std::vector<State::Exit> exits);
    std::int32_t leaf(std::int32_t leaf, std::int32_t next);  // whatever its label
    std::int32_t reserve();                                   // a fork whose targets come later, for loops
    void set_targets(std::int32_t fork, const std::vector<std::int32_t>& targets);

    // Drops all ways that lead nowhere, so that a machine never gets stuck, and refuses left recursion: throws
    // Error(unsupported). Afterwards the program does not change. Linear.
    void finish(std::int32_t root, const std::vector<std::string>& rule_names);

    bool empty() const { return empty_; }  // accepts no text at all
    const State& state(std::int32_t s) const { return states_[static_cast<std::size_t>(s)]; }
    std::int32_t rule_start(std::int32_t r) const { return rules_[static_cast<std::size_t>(r)]; }
    void set_rule_start(std::int32_t r, std::int32_t s) { rules_[static_cast<std::size_t>(r)] = s; }
    std::int32_t root() const { return root_; }
    const std::vector<Leaf>& leaves() const { return leaves_; }
    const Leaf& leaf_at(std::int32_t i) const { return leaves_[static_cast<std::size_t>(i)]; }
    std::int32_t leaf_of_state(std::int32_t s) const { return leaf_of_state_[static_cast<std::size_t>(s)]; }
    const ObjectInfo& object(std::int32_t i) const { return objects_[static_cast<std::size_t>(i)]; }
    std::size_t states() const { return states_.size(); }
    std::size_t rules() const { return rules_.size(); }
    std::size_t bytes() const;  // memory of the tables

private:
    std::int32_t add(State state);
    template <class Check>
    std::vector<bool> least_fixed_point(Check check) const;
    std::vector<bool> productive() const;
    std::vector<bool> nullable() const;
    std::int32_t empty_exit(const State& s) const;
    void prune(const std::vector<bool>& good);
    void lay_out_leaves(const std::vector<bool>& good);
    void refuse_left_recursion(const std::vector<std::string>& rule_names) const;

    std::vector<State> states_;
    std::vector<std::int32_t> rules_;
    std::vector<Leaf> leaves_;
    std::unordered_map<std::uint64_t, std::vector<std::int32_t>> leaf_ids_;
    std::vector<ObjectInfo> objects_;
    std::vector<std::int32_t> leaf_of_state_;
    std::int32_t root_ = 0, final_ = -1;
    bool empty_ = false;
};

}  // namespace quern::grammar
