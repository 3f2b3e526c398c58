#include "text/grammar/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "text/grammar/regex.h"

namespace quern::grammar {
namespace {

constexpr std::size_t max_digits = 15;  // a double keeps any 15
constexpr std::size_t max_whole = 18;   // digits of a number without a dot: what 64 bits hold
constexpr std::size_t max_remainders = 4000;

// An automaton over the characters of numbers, built state by state.
class NumberDfa {
public:
    NumberDfa() {
        d_.starts = {0, '-', '.', '/'};
        d_.classes = {0, 1, 2, 0};
        for (std::uint32_t c = '0'; c <= '9'; ++c) {
            d_.starts.push_back(c);
            d_.classes.push_back(static_cast<std::int32_t>(c - '0') + 3);
        }
        d_.starts.push_back('9' + 1);
        d_.classes.push_back(0);
        d_.class_count = 13;
    }
    std::int32_t state(std::int32_t label = Dfa::refuses) {
        d_.labels.push_back(label);
        d_.next.resize(d_.next.size() + 13, Dfa::dead);
        return d_.states() - 1;
    }
    void edge(std::int32_t from, char symbol, std::int32_t to) {
        const int cls = symbol == '-' ? 1 : symbol == '.' ? 2 : symbol - '0' + 3;
        d_.next[d_.cell(from, cls)] = to;
    }
    void digits(std::int32_t from, char first, char last, std::int32_t to) {
        for (char c = first; c <= last; ++c) edge(from, c, to);
    }
    Dfa take(Budget& budget) {
        budget.spend(d_.next.size());
        return canonical(std::move(d_), budget);
    }

private:
    Dfa d_;
};

std::string_view trimmed_left(std::string_view s) { return s.substr(std::min(s.find_first_not_of('0'), s.size())); }

// Labels plain texts of numbers without a sign by how they compare with `bound`, itself without a sign.
struct Labels {
    std::int32_t less, equal, greater;
};

class Comparison {
public:
    Comparison(NumberDfa& d, const Decimal& bound, Labels labels) : d_(d), bound_(bound), labels_(labels) {
        less_ = fraction(labels.less);
        greater_ = fraction(labels.greater);
    }

    // The edges from `start` that a text takes on its first digit.
    void attach(std::int32_t start) {
        const std::size_t n = bound_.whole.size();
        // after[i][c]: i whole digits read, comparing as less, equal, greater so far.
        std::vector<std::array<std::int32_t, 3>> after(n + 2);
        for (std::size_t i = 1; i <= n + 1; ++i)
            for (int c = 0; c < 3; ++c) after[i][static_cast<std::size_t>(c)] = whole(i > n ? 2 : i < n ? 0 : c);
        for (std::size_t i = 0; i <= n; ++i)
            for (int c = 0; c < 3; ++c) {
                if (i == 0 && c != 1) continue;
                const std::int32_t from = i == 0 ? start : after[i][static_cast<std::size_t>(c)];
                for (char digit = i == 0 ? '1' : '0'; digit <= '9'; ++digit) {
                    const int now = c != 1 || i >= n          ? c
                                    : digit < bound_.whole[i] ? 0
                                    : digit > bound_.whole[i] ? 2
                                                              : 1;
                    d_.edge(from, digit, after[i + 1][static_cast<std::size_t>(now)]);
                }
            }
        for (int c = 0; c < 3; ++c)
            d_.digits(after[n + 1][static_cast<std::size_t>(c)], '0', '9', after[n + 1][static_cast<std::size_t>(c)]);
        d_.edge(start, '0', whole(n > 0 ? 0 : 1));
    }

private:
    // Digits of a fraction that no longer matter.
    std::int32_t fraction(std::int32_t label) {
        const std::int32_t s = d_.state(label);
        d_.digits(s, '0', '9', s);
        return s;
    }
    // The end of the whole part, with what follows it.
    std::int32_t whole(int compared) {
        const std::size_t n = bound_.fraction.size();
        const std::int32_t equal = n > 0 ? labels_.less : labels_.equal;
        const std::int32_t s = d_.state(compared == 0 ? labels_.less : compared == 1 ? equal : labels_.greater);
        const std::int32_t dot = d_.state();
        d_.edge(s, '.', dot);
        if (compared != 1) {
            d_.digits(dot, '0', '9', compared == 0 ? less_ : greater_);
            return s;
        }
        std::int32_t from = dot;
        for (std::size_t i = 0; i < n; ++i) {
            const std::int32_t to = d_.state(i + 1 < n ? labels_.less : labels_.equal);
            for (char digit = '0'; digit <= '9'; ++digit)
                d_.edge(from, digit, digit < bound_.fraction[i] ? less_ : digit > bound_.fraction[i] ? greater_ : to);
            from = to;
        }
        const std::int32_t zeros = n > 0 ? from : d_.state(labels_.equal);
        d_.edge(from, '0', zeros);
        d_.edge(zeros, '0', zeros);
        d_.digits(from, '1', '9', greater_);
        d_.digits(zeros, '1', '9', greater_);
        return s;
    }

    NumberDfa& d_;
    const Decimal& bound_;
    Labels labels_;
    std::int32_t less_ = 0, greater_ = 0;
};

bool is_zero(const Decimal& d) { return d.whole.empty() && d.fraction.empty(); }

// All plain texts that compare with `bound` in one of the ways asked for.
Dfa compared(const Decimal& bound, bool less, bool equal, bool greater, Budget& budget) {
    const auto label = [](bool yes) { return yes ? 0 : Dfa::refuses; };
    const Labels as_is{label(less), label(equal), label(greater)};
    const Labels always_greater{label(greater), label(greater), label(greater)};
    const Labels always_less{label(less), label(less), label(less)};
    NumberDfa d;
    const std::int32_t start = d.state(), minus = d.state();
    d.edge(start, '-', minus);
    Comparison(d, bound, bound.negative ? always_greater : as_is).attach(start);
    if (bound.negative)
        Comparison(d, bound, {label(greater), label(equal), label(less)}).attach(minus);
    else
        Comparison(d, bound, is_zero(bound) ? Labels{label(less), label(equal), label(less)} : always_less)
            .attach(minus);
    return intersection(d.take(budget), plain_numbers(budget), budget);
}

}  // namespace

Decimal decimal(const Json& number) {
    std::string text = number.is_number_float() ? fmt::format("{}", number.get<double>()) : number.dump();
    Decimal d;
    std::string_view t = text;
    if (t.starts_with('-')) {
        d.negative = true;
        t.remove_prefix(1);
    }
    int exponent = 0;
    if (const std::size_t e = t.find('e'); e != t.npos) {
        exponent = std::stoi(std::string(t.substr(e + 1)));
        t = t.substr(0, e);
    }
    const std::size_t dot = std::min(t.find('.'), t.size());
    std::string digits = std::string(t.substr(0, dot)) + std::string(t.substr(std::min(dot + 1, t.size())));
    int point = static_cast<int>(dot) + exponent;
    if (point < 0) {
        digits.insert(0, static_cast<std::size_t>(-point), '0');
        point = 0;
    }
    if (static_cast<std::size_t>(point) > digits.size()) digits.resize(static_cast<std::size_t>(point), '0');
    d.whole = trimmed_left(std::string_view(digits).substr(0, static_cast<std::size_t>(point)));
    d.fraction = digits.substr(static_cast<std::size_t>(point));
    while (d.fraction.ends_with('0')) d.fraction.pop_back();
    if (is_zero(d)) d.negative = false;
    return d;
}

Dfa all_numbers(Budget& budget) {
    static const Dfa known = [] {
        Budget own;
        // What a double can hold: up to 200 digits with an exponent of two, or one digit and up to 307.
        return regex_dfa(R"(-?((0|[1-9][0-9]{0,199})(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?|)"
                         R"([0-9](\.[0-9]+)?[eE]([+]?([12][0-9]{2}|30[0-7])|-[0-9]{3})))",
                         Match::whole, own);
    }();
    budget.spend(known.next.size());
    return known;
}

Dfa plain_numbers(Budget& budget) {
    static const Dfa known = [] {
        Budget own;
        NumberDfa d;
        // whole[n]: n digits and no dot yet; fraction[n]: n digits and a fraction that is not zero.
        const std::int32_t start = d.state(), minus = d.state();
        d.edge(start, '-', minus);
        std::vector<std::int32_t> whole(max_whole + 2), fraction(max_digits + 2);
        for (std::size_t n = 1; n <= max_whole; ++n) whole[n] = d.state(0);
        for (std::size_t n = 1; n <= max_digits; ++n) fraction[n] = d.state(0);
        const std::int32_t zero = d.state(0);
        for (const std::int32_t from : {start, minus}) {
            d.edge(from, '0', zero);
            d.digits(from, '1', '9', whole[1]);
        }
        d.edge(start, '-', minus);
        for (std::size_t n = 1; n <= max_whole; ++n) {
            if (n < max_whole) d.digits(whole[n], '0', '9', whole[n + 1]);
            if (n < max_digits) d.digits(fraction[n], '0', '9', fraction[n + 1]);
            // After the dot: zeros only, as far as there is room.
            if (n >= max_digits) continue;
            std::int32_t from = d.state();
            d.edge(whole[n], '.', from);
            if (n == 1) d.edge(zero, '.', from);
            for (std::size_t all = n + 1; all <= max_digits; ++all) {
                const std::int32_t next = d.state(0);
                d.edge(from, '0', next);
                d.digits(from, '1', '9', fraction[all]);
                from = next;
            }
        }
        return d.take(own);
    }();
    budget.spend(known.next.size());
    return known;
}

Dfa integers(Budget& budget) {
    static const Dfa known = [] {
        Budget own;
        return intersection(regex_dfa(R"(-?(0|[1-9][0-9]*)(\.0+)?)", Match::whole, own), plain_numbers(own), own);
    }();
    budget.spend(known.next.size());
    return known;
}

Dfa bounded(const Decimal& bound, Bound kind, Budget& budget) {
    if (bound.whole.size() > max_whole)
        throw Error(Code::unsupported, "a bound of over {} digits before the dot is not supported", max_whole);
    return compared(bound, kind == Bound::at_most || kind == Bound::below,
                    kind == Bound::at_least || kind == Bound::at_most, kind == Bound::at_least || kind == Bound::above,
                    budget);
}

namespace {

// All plain texts of a value; and, where serialisers write an exponent, the texts with one digit before the dot.
class Spellings {
public:
    explicit Spellings(ExprPool& pool) : pool_(pool) {
        zeros_ = pool.repeat(pool.symbol('0'), 0, ExprPool::unbounded);
        zero_fraction_ =
            pool.repeat(pool.sequence({pool.symbol('.'), pool.repeat(pool.symbol('0'), 1, ExprPool::unbounded)}), 0, 1);
    }

    ExprPool::Id plain(const Decimal& v) {
        return pool_.sequence({sign(v), digits(v.whole.empty() ? "0" : v.whole), fraction(v.fraction)});
    }
    std::optional<ExprPool::Id> scientific(const Decimal& v) {
        const std::size_t first = v.fraction.find_first_not_of('0');  // a digit, if there is no whole part
        if (v.whole.empty() ? first == v.fraction.npos || first < 4 : v.whole.size() < 16) return std::nullopt;
        std::string all = v.whole.empty() ? v.fraction.substr(first) : v.whole + v.fraction;
        while (all.ends_with('0')) all.pop_back();
        const std::size_t exponent = v.whole.empty() ? first + 1 : v.whole.size() - 1;
        const ExprPool::Id plus = pool_.repeat(pool_.symbol('+'), 0, 1);
        return pool_.sequence({sign(v), digits(all.substr(0, 1)), fraction(all.substr(1)),
                               pool_.set({{'E', 'E'}, {'e', 'e'}}), v.whole.empty() ? pool_.symbol('-') : plus,
                               pool_.repeat(pool_.symbol('0'), 0, 1), digits(std::to_string(exponent))});
    }

private:
    ExprPool::Id sign(const Decimal& v) {
        return v.negative ? pool_.symbol('-') : is_zero(v) ? pool_.repeat(pool_.symbol('-'), 0, 1) : pool_.empty();
    }
    ExprPool::Id digits(const std::string& text) { return pool_.text(std::u32string(text.begin(), text.end())); }
    ExprPool::Id fraction(const std::string& text) {
        return text.empty() ? zero_fraction_ : pool_.sequence({pool_.symbol('.'), digits(text), zeros_});
    }

    ExprPool& pool_;
    ExprPool::Id zeros_, zero_fraction_;
};

}  // namespace

// Not limited to 15 digits: a value that a schema lists is the value it reads as.
Dfa equal_to_any(const std::vector<Decimal>& values, Budget& budget) {
    ExprPool pool;
    Spellings spellings(pool);
    std::vector<ExprPool::Id> choices;
    for (const Decimal& v : values) {
        budget.spend(64 * (v.whole.size() + v.fraction.size() + 4));
        choices.push_back(spellings.plain(v));
        if (const auto id = spellings.scientific(v)) choices.push_back(*id);
    }
    if (choices.empty()) return nothing();
    return determinised(regular_nfa(pool, choices, ExprPool::Kind::choice, {}, budget), budget);
}

Dfa multiples(const Decimal& of, Budget& budget) {
    const std::string digits(trimmed_left(of.whole + of.fraction));
    const std::size_t scale = of.fraction.size();
    if (of.negative || digits.empty()) throw Error(Code::bad_request, "multipleOf must be above 0");
    if (digits.size() > 6 || (scale + 2) * std::stoul(digits) > max_remainders)
        throw Error(Code::unsupported, "multiples of {}.{} have too many remainders to tell apart",
                    of.whole.empty() ? "0" : of.whole, of.fraction.empty() ? "0" : of.fraction);
    const std::size_t k = std::stoul(digits);
    // A text is digits times 10^-f. It is a multiple if digits * 10^(scale - f) is 0 modulo k.
    std::vector<std::size_t> power(scale + 1, 1 % k);
    for (std::size_t i = 1; i <= scale; ++i) power[i] = power[i - 1] * 10 % k;
    NumberDfa d;
    const std::int32_t start = d.state(), minus = d.state();
    std::vector<std::int32_t> whole(k), zero(1);
    std::vector<std::vector<std::int32_t>> fraction(scale + 1, std::vector<std::int32_t>(k));
    const auto accepts = [&](std::size_t r, std::size_t f) { return r * power[scale - f] % k == 0 ? 0 : Dfa::refuses; };
    for (std::size_t r = 0; r < k; ++r) {
        whole[r] = d.state(accepts(r, 0));
        for (std::size_t f = 0; f <= scale; ++f) fraction[f][r] = d.state(f == 0 ? Dfa::refuses : accepts(r, f));
    }
    const std::int32_t only_zeros = d.state(0);
    zero[0] = d.state(0);
    d.edge(start, '-', minus);
    for (const std::int32_t from : {start, minus}) {
        d.edge(from, '0', zero[0]);
        for (char c = '1'; c <= '9'; ++c) d.edge(from, c, whole[static_cast<std::size_t>(c - '0') % k]);
    }
    d.edge(zero[0], '.', fraction[0][0]);
    d.edge(only_zeros, '0', only_zeros);
    for (std::size_t r = 0; r < k; ++r) {
        d.edge(whole[r], '.', fraction[0][r]);
        for (char c = '0'; c <= '9'; ++c) {
            const std::size_t next = (r * 10 + static_cast<std::size_t>(c - '0')) % k;
            d.edge(whole[r], c, whole[next]);
            for (std::size_t f = 0; f < scale; ++f) d.edge(fraction[f][r], c, fraction[f + 1][next]);
        }
        if (accepts(r, scale) == 0) d.edge(fraction[scale][r], '0', only_zeros);
    }
    return intersection(d.take(budget), plain_numbers(budget), budget);
}

}  // namespace quern::grammar
