// A dim of a tensor in a graph: an integer, or an expression (+, x, ceil-div) over named step symbols such as T, the
// rows of this step. The graph is recorded once with expressions; a step gives the symbols values. Evaluating allocates
// nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace quern {

// Step symbols known to every graph; the rows that state group g gains in a step are symbol first_emitted + g.
namespace symbol {
constexpr int T = 0;  // rows (tokens) of this step, over all sequences
constexpr int S = 1;  // sequences of this step
constexpr int R = 2;  // rows whose logits are wanted
constexpr int first_emitted = 3;
}  // namespace symbol

class Dim {
public:
    Dim(std::int64_t constant = 0) : terms_{{Kind::constant, constant}} {}  // implicit: 4096 is a dim
    static Dim symbol(int index);

    friend Dim operator+(const Dim& a, const Dim& b) { return join(a, b, Kind::add); }
    friend Dim operator*(const Dim& a, const Dim& b) { return join(a, b, Kind::multiply); }
    friend Dim ceil_div(const Dim& a, const Dim& b) { return join(a, b, Kind::ceil_div); }
    friend bool operator==(const Dim& a, const Dim& b) { return a.terms_ == b.terms_; }

    bool is_constant() const { return terms_.size() == 1 && terms_[0].kind == Kind::constant; }
    std::int64_t constant() const;  // CHECKs is_constant()
    std::int64_t evaluate(std::span<const std::int64_t> symbols) const;
    std::string text() const;  // "64", "T", "(T*8)"

private:
    enum class Kind : std::uint8_t { constant, symbol, add, multiply, ceil_div };
    struct Term {  // reverse Polish notation
        Kind kind;
        std::int64_t value;
        friend bool operator==(const Term&, const Term&) = default;
    };
    static Dim join(const Dim& a, const Dim& b, Kind kind);
    std::vector<Term> terms_;
};

}  // namespace quern
