// The tests behind `is`, and in select and reject.
#include <algorithm>
#include <cmath>

#include "text/template/jinja/builtins.h"
#include "text/template/jinja/runtime.h"
#include "text/template/jinja/unicode.h"

namespace quern::text::jinja {
namespace {

void none_expected(std::string_view who, const Args& args) { bind<0>(who, args, {}); }

Value operand(std::string_view who, const Args& args) {
    const auto [other] = bind<1>(who, args, {"other"}, 1);
    return *other;
}

template <Type... types>
bool is_type(Runtime&, const Value& v, const Args& args) {
    none_expected("a test of a type", args);
    return (v.is(types) || ...);
}

bool is_defined(Runtime&, const Value& v, const Args& args) {
    none_expected("defined", args);
    return !v.is(Type::undefined);
}
bool is_true(Runtime&, const Value& v, const Args& args) {
    none_expected("true", args);
    return v.is(Type::boolean) && v.boolean;
}
bool is_false(Runtime&, const Value& v, const Args& args) {
    none_expected("false", args);
    return v.is(Type::boolean) && !v.boolean;
}
bool is_number(Runtime&, const Value& v, const Args& args) {
    none_expected("number", args);
    return v.is_number();
}
bool is_sequence(Runtime&, const Value& v, const Args& args) {
    none_expected("sequence", args);
    return v.is(Type::string) || v.is(Type::dict) || v.is(Type::undefined) || (v.is(Type::list) && v.list->indexable());
}
bool is_iterable(Runtime&, const Value& v, const Args& args) {
    none_expected("iterable", args);
    return v.is(Type::string) || v.is(Type::dict) || v.is(Type::undefined) || v.is(Type::list) || v.is(Type::loop);
}
bool is_callable(Runtime&, const Value& v, const Args& args) {
    none_expected("callable", args);
    return v.is(Type::callable) || v.is(Type::undefined) || (v.is(Type::loop) && v.loop->again);
}
bool is_escaped(Runtime&, const Value& v, const Args& args) {
    none_expected("escaped", args);
    return v.is(Type::string) && v.string->markup;
}

bool is_divisible(Runtime& r, const Value& v, const Args& args) {
    const auto [by] = bind<1>("divisibleby", args, {"num"}, 1);
    return !r.truth(r.arithmetic(Op::modulo, v, *by));
}
template <int remainder>
bool has_remainder(Runtime& r, const Value& v, const Args& args) {
    none_expected("odd and even", args);
    return r.equal(r.arithmetic(Op::modulo, v, Value::of(std::int64_t{2})), Value::of(std::int64_t{remainder}));
}

bool is_equal(Runtime& r, const Value& v, const Args& args) { return r.equal(v, operand("eq", args)); }
bool is_unequal(Runtime& r, const Value& v, const Args& args) { return !r.equal(v, operand("ne", args)); }
bool is_less(Runtime& r, const Value& v, const Args& args) { return r.less(v, operand("lt", args)); }
bool is_greater(Runtime& r, const Value& v, const Args& args) { return r.less(operand("gt", args), v); }
bool is_less_equal(Runtime& r, const Value& v, const Args& args) {
    const Value other = operand("le", args);
    return r.less(v, other) || r.equal(v, other);
}
bool is_greater_equal(Runtime& r, const Value& v, const Args& args) {
    const Value other = operand("ge", args);
    return r.less(other, v) || r.equal(v, other);
}
bool is_in(Runtime& r, const Value& v, const Args& args) { return r.contains(operand("in", args), v); }

bool is_same(Runtime& r, const Value& v, const Args& args) {
    const Value other = operand("sameas", args);
    if (v.type != other.type) return false;
    switch (v.type) {
        case Type::none:
        case Type::boolean:
            return r.equal(v, other);
        case Type::integer:
        case Type::real:
        case Type::string:
            refuse("sameas knows the identity of true, false, none and containers only, not of a {}", type_name(v));
        default:
            return v.integer == other.integer;
    }
}

// All letters with case have this one, and there is one.
template <CharClass wanted, CharClass unwanted>
bool has_case(Runtime& r, const Value& v, const Args& args) {
    none_expected("upper and lower", args);
    const std::string& s = r.text_of(v).string->bytes;
    r.budget.read(s.size() * 16);
    bool any = false;
    for (std::size_t at = 0, n = 0; at < s.size(); at += n) {
        n = char_bytes(s, at);
        const std::string_view c = std::string_view(s).substr(at, n);
        if (is(unwanted, c)) return false;
        any = any || is(wanted, c);
    }
    return any;
}

bool is_filter(Runtime&, const Value& v, const Args& args) {
    none_expected("filter", args);
    return find_filter(Runtime::string(v, "the test 'filter'").bytes) != nullptr;
}
bool is_test(Runtime&, const Value& v, const Args& args) {
    none_expected("test", args);
    return find_test(Runtime::string(v, "the test 'test'").bytes) != nullptr;
}

constexpr Test tests[] = {
    {"!=", is_unequal},
    {"<", is_less},
    {"<=", is_less_equal},
    {"==", is_equal},
    {">", is_greater},
    {">=", is_greater_equal},
    {"boolean", is_type<Type::boolean>},
    {"callable", is_callable},
    {"defined", is_defined},
    {"divisibleby", is_divisible},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"escaped", is_escaped},
    {"even", has_remainder<0>},
    {"false", is_false},
    {"filter", is_filter},
    {"float", is_type<Type::real>},
    {"ge", is_greater_equal},
    {"greaterthan", is_greater},
    {"gt", is_greater},
    {"in", is_in},
    {"integer", is_type<Type::integer>},
    {"iterable", is_iterable},
    {"le", is_less_equal},
    {"lessthan", is_less},
    {"lower", has_case<CharClass::lower, CharClass::upper>},
    {"lt", is_less},
    {"mapping", is_type<Type::dict>},
    {"ne", is_unequal},
    {"none", is_type<Type::none>},
    {"number", is_number},
    {"odd", has_remainder<1>},
    {"sameas", is_same},
    {"sequence", is_sequence},
    {"string", is_type<Type::string>},
    {"test", is_test},
    {"true", is_true},
    {"undefined", is_type<Type::undefined>},
    {"upper", has_case<CharClass::upper, CharClass::lower>},
};

}  // namespace

const Test* find_test(std::string_view name) {
    const auto t = std::ranges::find(tests, name, &Test::name);
    return t == std::end(tests) ? nullptr : t;
}

}  // namespace quern::text::jinja
