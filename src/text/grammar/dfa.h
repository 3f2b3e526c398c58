// Regular languages over code points, as minimal deterministic automata in one canonical form: two automata are equal
// (==) exactly if their languages are, labels included. All that a schema says about keys, strings and numbers becomes
// one of these, so "and", "or" and "not" of such things are always decidable. Knows nothing of bytes, escapes or JSON.
//
// Every construction takes a Budget, so that no input can cost more than a known number of table cells and steps;
// beyond it, Error(unsupported). Dfa values are immutable after construction and may be shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace quern::grammar {

// What one compilation may cost: counts down, throws Error(unsupported) when it is used up.
class Budget {
public:
    static constexpr std::size_t usual_work = 16'000'000;  // under a second on a slow core
    explicit Budget(std::size_t work = usual_work) : left_(work) {}
    void spend(std::size_t work);

private:
    std::size_t left_;
};

inline constexpr std::uint32_t alphabet_end = 0x110000;  // one past the largest code point

struct Interval {
    std::uint32_t first, last;  // both inside
    bool operator==(const Interval&) const = default;
};
using CharSet = std::vector<Interval>;  // in order, none touching another

CharSet normalised(CharSet set);
CharSet inverted(const CharSet& set);

// What remains of a language after some text. Every state but a lone start can still lead to acceptance.
struct Dfa {
    static constexpr std::int32_t dead = -1;
    static constexpr std::int32_t refuses = -1;
    static constexpr std::size_t max_cells = std::size_t(4) << 20;  // of `next`

    std::vector<std::uint32_t> starts;  // first code point of each interval; starts[0] == 0
    std::vector<std::int32_t> classes;  // its class: symbols of one class are treated alike
    std::int32_t class_count = 0;
    std::vector<std::int32_t> next;    // [state * class_count + class]: state, or dead; the start is state 0
    std::vector<std::int32_t> labels;  // [state]: refuses, or which of the labels a text that ends here has (>= 0)

    std::int32_t states() const { return static_cast<std::int32_t>(labels.size()); }
    std::size_t interval_of(std::uint32_t symbol) const;
    // Where in `next` a state's step by a class stands.
    std::size_t cell(std::int32_t state, std::int32_t cls) const {
        return static_cast<std::size_t>(state) * static_cast<std::size_t>(class_count) + static_cast<std::size_t>(cls);
    }
    std::int32_t step(std::int32_t state, std::uint32_t symbol) const {
        return next[cell(state, classes[interval_of(symbol)])];
    }
    // The label of a text, or refuses. Linear in the text.
    std::int32_t run(std::span<const std::uint32_t> text) const;
    bool empty() const;       // accepts nothing
    bool everything() const;  // accepts every text, all with label 0
    bool operator==(const Dfa&) const = default;
};

// An automaton with choices, as regular expressions give it; the two assertions hold at the ends of the whole text
// only.
struct Nfa {
    enum class Kind : std::uint8_t { empty, begin, end, symbol };
    struct Edge {
        Kind kind = Kind::empty;
        std::int32_t set = -1;  // into sets, where kind is symbol
        std::int32_t target = 0;
    };
    std::vector<std::vector<Edge>> edges;
    std::vector<CharSet> sets;
    std::int32_t start = 0, accept = 0;

    std::int32_t add_state();
    std::int32_t add_set(CharSet set);  // must be normalised
};

Dfa determinised(const Nfa& nfa, Budget& budget);

// Combines automata run side by side: `label` gets the labels of the parts (refuses for each that has stopped) and
// says the label of the whole. It must answer `refuses` where all parts refuse, unless `total` is set.
enum class Stops { when_all_are_dead, never };
Dfa product(std::span<const Dfa* const> parts, Stops stops,
            const std::function<std::int32_t(std::span<const std::int32_t>)>& label, Budget& budget);

Dfa nothing();
Dfa everything();
Dfa of_words(std::span<const std::u32string_view> words, Budget& budget);  // label: index of the word; none twice
Dfa of_lengths(std::uint64_t min, std::uint64_t max, Budget& budget);      // in code points
Dfa complement(const Dfa& a, Budget& budget);
Dfa intersection(const Dfa& a, const Dfa& b, Budget& budget);
Dfa union_of(const Dfa& a, const Dfa& b, Budget& budget);
Dfa with_one_label(Dfa a, Budget& budget);  // all labels become 0

// Makes any table of states canonical: drops what cannot be reached or cannot accept, joins equal states and classes.
Dfa canonical(Dfa dfa, Budget& budget);

}  // namespace quern::grammar
