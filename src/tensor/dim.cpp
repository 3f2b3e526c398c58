#include "tensor/dim.h"

#include <array>

#include "base/check.h"

namespace quern {
namespace {

constexpr std::size_t max_depth = 16;  // of a dim expression; models use 2 or 3

std::string symbol_name(std::int64_t i) {
    constexpr const char* names[] = {"T", "S", "R"};
    return i < symbol::first_emitted ? names[i] : "E" + std::to_string(i - symbol::first_emitted);
}

}  // namespace

Dim Dim::symbol(int index) {
    Dim d;
    d.terms_ = {{Kind::symbol, index}};
    return d;
}

Dim Dim::join(const Dim& a, const Dim& b, Kind kind) {
    Dim d;
    d.terms_ = a.terms_;
    d.terms_.insert(d.terms_.end(), b.terms_.begin(), b.terms_.end());
    d.terms_.push_back({kind, 0});
    if (a.is_constant() && b.is_constant()) return Dim(d.evaluate({}));
    return d;
}

std::int64_t Dim::constant() const {
    CHECK(is_constant());
    return terms_[0].value;
}

std::int64_t Dim::evaluate(std::span<const std::int64_t> symbols) const {
    std::array<std::int64_t, max_depth> stack{};
    std::size_t n = 0;
    for (const Term& t : terms_) {
        if (t.kind == Kind::constant || t.kind == Kind::symbol) {
            CHECK(n < max_depth);
            CHECK(t.kind == Kind::constant || static_cast<std::size_t>(t.value) < symbols.size());
            stack[n++] = t.kind == Kind::constant ? t.value : symbols[static_cast<std::size_t>(t.value)];
            continue;
        }
        const std::int64_t b = stack[--n];
        std::int64_t& a = stack[n - 1];
        if (t.kind == Kind::add) a += b;
        if (t.kind == Kind::multiply) a *= b;
        if (t.kind == Kind::ceil_div) a = (a + b - 1) / b;
    }
    return stack[0];
}

std::string Dim::text() const {
    std::vector<std::string> stack;
    for (const Term& t : terms_) {
        if (t.kind == Kind::constant) {
            stack.push_back(std::to_string(t.value));
        } else if (t.kind == Kind::symbol) {
            stack.push_back(symbol_name(t.value));
        } else {
            const std::string b = stack.back();
            stack.pop_back();
            const char* sign = t.kind == Kind::add ? "+" : t.kind == Kind::multiply ? "*" : "/^";
            stack.back() = "(" + stack.back() + sign + b + ")";
        }
    }
    return stack.back();
}

}  // namespace quern
