// Arithmetic on numbers, texts and lists.
#include <cmath>

#include "text/template/jinja/runtime.h"

namespace quern::text::jinja {
namespace {

[[noreturn]] Value overflow() { refuse("an integer becomes too large for 64 bits"); }

std::int64_t floor_divided(std::int64_t a, std::int64_t b) {
    if (a == std::numeric_limits<std::int64_t>::min() && b == -1) overflow();
    const std::int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

const char* symbol_of(Op op) {
    switch (op) {
        case Op::add:
            return "+";
        case Op::subtract:
            return "-";
        case Op::multiply:
            return "*";
        case Op::divide:
            return "/";
        case Op::floor_divide:
            return "//";
        case Op::modulo:
            return "%";
        default:
            return "**";
    }
}

Value real_arithmetic(Op op, double a, double b) {
    if (b == 0 && (op == Op::divide || op == Op::floor_divide || op == Op::modulo)) refuse("a division by zero");
    switch (op) {
        case Op::add:
            return Value::of(a + b);
        case Op::subtract:
            return Value::of(a - b);
        case Op::multiply:
            return Value::of(a * b);
        case Op::divide:
            return Value::of(a / b);
        case Op::power:
            if ((a == 0 && b < 0) || (a < 0 && b != std::floor(b))) refuse("a power that is no real number");
            return Value::of(std::pow(a, b));
        default:
            break;
    }
    double remainder = std::fmod(a, b);
    if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
    if (remainder == 0) remainder = std::copysign(0.0, b);
    if (op == Op::modulo) return Value::of(remainder);
    return Value::of(std::round((a - remainder) / b));
}

}  // namespace

Value Runtime::integer_arithmetic(Op op, std::int64_t a, std::int64_t b) {
    std::int64_t r = 0;
    switch (op) {
        case Op::add:
            return __builtin_add_overflow(a, b, &r) ? overflow() : Value::of(r);
        case Op::subtract:
            return __builtin_sub_overflow(a, b, &r) ? overflow() : Value::of(r);
        case Op::multiply:
            return __builtin_mul_overflow(a, b, &r) ? overflow() : Value::of(r);
        case Op::floor_divide:
            if (b == 0) refuse("a division by zero");
            return Value::of(floor_divided(a, b));
        case Op::modulo:
            if (b == 0) refuse("a division by zero");
            if (b == -1) return Value::of(std::int64_t{0});
            return Value::of(a - b * floor_divided(a, b));
        case Op::power:
            if (b < 0) break;
            r = 1;
            for (std::int64_t i = 0; i < b && (r != 1 || a != 1) && r != 0; ++i) {
                if (a == -1) return Value::of(b % 2 == 0 ? std::int64_t{1} : std::int64_t{-1});
                if (__builtin_mul_overflow(r, a, &r)) overflow();
            }
            return Value::of(r);
        default:
            break;
    }
    return real_arithmetic(op, static_cast<double>(a), static_cast<double>(b));
}

Value Runtime::repeat(const Value& v, std::int64_t times) {
    const auto n = static_cast<std::size_t>(std::max<std::int64_t>(times, 0));
    if (v.is(Type::string)) {
        const Str& s = *v.string;
        std::size_t bytes = 0;
        if (__builtin_mul_overflow(s.bytes.size(), n, &bytes)) bytes = std::numeric_limits<std::size_t>::max();
        budget.make(bytes);
        StrBuilder b;
        for (std::size_t i = 0; i < n && !s.bytes.empty(); ++i) b.add(s);
        Str out = b.take();
        out.markup = s.markup;
        return str(std::move(out));
    }
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(v.list->items.size() * sizeof(Value), n, &bytes))
        bytes = std::numeric_limits<std::size_t>::max();
    budget.make(bytes);
    std::vector<Value> out;
    for (std::size_t i = 0; i < n && !v.list->items.empty(); ++i)
        out.insert(out.end(), v.list->items.begin(), v.list->items.end());
    return list(v.list->kind, std::move(out));
}

Value Runtime::add(const Value& a, const Value& b) {
    if (a.is(Type::string) && b.is(Type::string)) {
        StrBuilder sum;
        const bool markup = a.string->markup || b.string->markup;
        for (const Str* s : {a.string, b.string}) {
            if (markup && !s->markup)
                sum.add(escaped(*s));
            else
                sum.add(*s);
        }
        Str out = sum.take();
        out.markup = markup;
        return str(std::move(out));
    }
    using Kind = List::Kind;
    if (a.is(Type::list) && b.is(Type::list) && a.list->kind == b.list->kind &&
        (a.list->kind == Kind::list || a.list->kind == Kind::tuple)) {
        std::vector<Value> sum = a.list->items;
        sum.insert(sum.end(), b.list->items.begin(), b.list->items.end());
        return list(a.list->kind, std::move(sum));
    }
    refuse("{} + {}: they cannot be added{}", type_name(a), type_name(b),
           a.is(Type::string) || b.is(Type::string) ? "; ~ would join them as text" : "");
}

Value Runtime::arithmetic(Op op, const Value& a, const Value& b) {
    budget.step();
    if (a.is_integral() && b.is_integral()) return integer_arithmetic(op, a.as_integer(), b.as_integer());
    if (a.is_number() && b.is_number()) return real_arithmetic(op, a.as_real(), b.as_real());
    if (op == Op::modulo && a.is(Type::string)) return percent_format(*this, *a.string, b);
    for (const Value* v : {&a, &b})
        if (v->is(Type::undefined)) refuse("{}", undefined_sentence(*v));
    if (op == Op::add) return add(a, b);
    const auto repeatable = [](const Value& v) {
        return v.is(Type::string) || (v.is(Type::list) && v.list->kind <= List::Kind::tuple);
    };
    if (op == Op::multiply && repeatable(a) && b.is_integral()) return repeat(a, b.as_integer());
    if (op == Op::multiply && repeatable(b) && a.is_integral()) return repeat(b, a.as_integer());
    refuse("{} {} {} means nothing", type_name(a), symbol_of(op), type_name(b));
}

Value Runtime::negate(const Value& v) {
    if (v.is(Type::undefined)) refuse("{}", undefined_sentence(v));
    if (v.is(Type::real)) return Value::of(-v.real);
    if (!v.is_integral()) refuse("-{} means nothing", type_name(v));
    return integer_arithmetic(Op::subtract, 0, v.as_integer());
}

}  // namespace quern::text::jinja
