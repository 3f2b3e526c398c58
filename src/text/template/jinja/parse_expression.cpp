#include "text/template/jinja/parse_expression.h"

#include <algorithm>
#include <optional>

#include "text/template/jinja/builtins.h"

namespace quern::text::jinja {
namespace {

struct Spelled {
    std::string_view symbol;
    Op op;
};
constexpr Spelled sums[] = {{"+", Op::add}, {"-", Op::subtract}};
constexpr Spelled products[] = {{"*", Op::multiply}, {"/", Op::divide}, {"//", Op::floor_divide}, {"%", Op::modulo}};
constexpr Spelled powers[] = {{"**", Op::power}};
constexpr Spelled comparisons[] = {{"==", Op::equal},      {"!=", Op::unequal}, {"<", Op::less},
                                   {"<=", Op::less_equal}, {">", Op::greater},  {">=", Op::greater_equal}};

std::optional<Op> spelled(const Token& t, std::span<const Spelled> ops) {
    for (const Spelled& s : ops)
        if (t.is_symbol(s.symbol)) return s.op;
    return std::nullopt;
}

}  // namespace

ExprPtr ExpressionParser::node(Op op, int line, std::vector<ExprPtr> kids) {
    auto e = std::make_unique<Expr>();
    e->op = op;
    e->line = line;
    e->kids = std::move(kids);
    for (const ExprPtr& kid : e->kids)
        if (kid) e->depth = std::max(e->depth, kid->depth + 1);
    if (e->depth > max_depth) fail("an expression is nested deeper than {} levels", max_depth);
    return e;
}

ExprPtr ExpressionParser::expression(Conditional with) { return with == Conditional::yes ? conditional() : or_chain(); }

ExprPtr ExpressionParser::conditional() {
    const Level level(*this);
    int line = now().line;
    ExprPtr value = or_chain();
    while (skip_name("if")) {
        ExprPtr condition = or_chain(), otherwise;
        if (skip_name("else")) otherwise = conditional();
        std::vector<ExprPtr> kids;
        kids.push_back(std::move(value));
        kids.push_back(std::move(condition));
        kids.push_back(std::move(otherwise));
        value = node(Op::conditional, line, std::move(kids));
        line = now().line;
    }
    return value;
}

ExprPtr ExpressionParser::or_chain() {
    const int line = now().line;
    std::vector<ExprPtr> kids;
    do kids.push_back(and_chain());
    while (skip_name("or"));
    return kids.size() == 1 ? std::move(kids[0]) : node(Op::or_, line, std::move(kids));
}

ExprPtr ExpressionParser::and_chain() {
    const int line = now().line;
    std::vector<ExprPtr> kids;
    do kids.push_back(not_());
    while (skip_name("and"));
    return kids.size() == 1 ? std::move(kids[0]) : node(Op::and_, line, std::move(kids));
}

ExprPtr ExpressionParser::not_() {
    if (!now().is_name("not")) return comparison();
    const Level level(*this);
    const int line = next().line;
    std::vector<ExprPtr> kids;
    kids.push_back(not_());
    return node(Op::not_, line, std::move(kids));
}

ExprPtr ExpressionParser::comparison() {
    const int line = now().line;
    std::vector<ExprPtr> kids;
    std::vector<Op> ops;
    kids.push_back(sum());
    for (;;) {
        if (const auto op = spelled(now(), comparisons)) {
            ops.push_back(*op);
            next();
        } else if (skip_name("in")) {
            ops.push_back(Op::in);
        } else if (now().is_name("not") && ahead().is_name("in")) {
            next();
            next();
            ops.push_back(Op::not_in);
        } else {
            break;
        }
        kids.push_back(sum());
    }
    if (ops.empty()) return std::move(kids[0]);
    ExprPtr e = node(Op::comparison, line, std::move(kids));
    e->ops = std::move(ops);
    return e;
}

ExprPtr ExpressionParser::sum() {
    const int line = now().line;
    std::vector<ExprPtr> kids;
    std::vector<Op> ops;
    kids.push_back(join());
    while (const auto op = spelled(now(), sums)) {
        next();
        ops.push_back(*op);
        kids.push_back(join());
    }
    if (ops.empty()) return std::move(kids[0]);
    ExprPtr e = node(Op::arithmetic, line, std::move(kids));
    e->ops = std::move(ops);
    return e;
}

ExprPtr ExpressionParser::join() {
    const int line = now().line;
    std::vector<ExprPtr> kids;
    do kids.push_back(product());
    while (skip_symbol("~"));
    return kids.size() == 1 ? std::move(kids[0]) : node(Op::join, line, std::move(kids));
}

ExprPtr ExpressionParser::product() {
    const int line = now().line;
    std::vector<ExprPtr> kids;
    std::vector<Op> ops;
    kids.push_back(power());
    while (const auto op = spelled(now(), products)) {
        next();
        ops.push_back(*op);
        kids.push_back(power());
    }
    if (ops.empty()) return std::move(kids[0]);
    ExprPtr e = node(Op::arithmetic, line, std::move(kids));
    e->ops = std::move(ops);
    return e;
}

ExprPtr ExpressionParser::power() {
    const int line = now().line;
    std::vector<ExprPtr> kids;
    std::vector<Op> ops;
    kids.push_back(unary(Filters::yes));
    while (const auto op = spelled(now(), powers)) {
        next();
        ops.push_back(*op);
        kids.push_back(unary(Filters::yes));
    }
    if (ops.empty()) return std::move(kids[0]);
    ExprPtr e = node(Op::arithmetic, line, std::move(kids));
    e->ops = std::move(ops);
    return e;
}

ExprPtr ExpressionParser::unary(Filters with) {
    const Level level(*this);
    ExprPtr e;
    if (now().is_symbol("-") || now().is_symbol("+")) {
        const Token t = next();
        std::vector<ExprPtr> kids;
        kids.push_back(unary(Filters::no));
        e = node(t.text == "-" ? Op::negate : Op::plus, t.line, std::move(kids));
    } else {
        e = primary();
    }
    e = postfix(std::move(e));
    return with == Filters::yes ? postfix_filters(std::move(e)) : std::move(e);
}

Value ExpressionParser::number(const Token& t) {
    return t.kind == Token::Kind::integer ? Value::of(t.integer) : Value::of(t.real);
}

ExprPtr ExpressionParser::primary() {
    const Token t = now();
    switch (t.kind) {
        case Token::Kind::name:
            next();
            return named(t);
        case Token::Kind::string: {
            std::string text;
            while (now().kind == Token::Kind::string) text += next().text;
            ExprPtr e = node(Op::literal, t.line);
            e->value = literal(text);
            return e;
        }
        case Token::Kind::integer:
        case Token::Kind::real: {
            next();
            ExprPtr e = node(Op::literal, t.line);
            e->value = number(t);
            return e;
        }
        default:
            break;
    }
    if (skip_symbol("(")) {
        ExprPtr e = tuple(Conditional::yes, "", true);
        expect_symbol(")");
        return e;
    }
    if (t.is_symbol("[")) return list();
    if (t.is_symbol("{")) return dict();
    fail("expected an expression, found {}", t.shown());
}

ExprPtr ExpressionParser::named(const Token& t) {
    ExprPtr e = node(Op::literal, t.line);
    if (t.text == "true" || t.text == "True") {
        e->value = Value::of(true);
    } else if (t.text == "false" || t.text == "False") {
        e->value = Value::of(false);
    } else if (t.text == "none" || t.text == "None") {
        e->value = Value::none();
    } else {
        e->op = Op::name;
        e->symbol = symbol(t.text);
        e->text = literal(t.text);
        for (Macro* m : macros_) {
            m->takes_caller |= t.text == "caller";
            m->takes_varargs |= t.text == "varargs";
            m->takes_kwargs |= t.text == "kwargs";
        }
    }
    return e;
}

ExprPtr ExpressionParser::list() {
    const int line = next().line;
    std::vector<ExprPtr> kids;
    while (!now().is_symbol("]")) {
        if (!kids.empty()) expect_symbol(",");
        if (now().is_symbol("]")) break;
        kids.push_back(expression());
    }
    expect_symbol("]");
    return node(Op::list, line, std::move(kids));
}

ExprPtr ExpressionParser::dict() {
    const int line = next().line;
    std::vector<ExprPtr> kids;
    while (!now().is_symbol("}")) {
        if (!kids.empty()) expect_symbol(",");
        if (now().is_symbol("}")) break;
        kids.push_back(expression());
        expect_symbol(":");
        kids.push_back(expression());
    }
    expect_symbol("}");
    return node(Op::dict, line, std::move(kids));
}

bool ExpressionParser::tuple_ends(std::string_view end) const {
    const Token& t = now();
    return t.kind == Token::Kind::print_end || t.kind == Token::Kind::tag_end || t.is_symbol(")") ||
           (!end.empty() && t.is_name(end));
}

ExprPtr ExpressionParser::tuple(Conditional with, std::string_view end, bool parentheses) {
    const int line = now().line;
    std::vector<ExprPtr> kids;
    bool commas = false;
    while (!tuple_ends(end)) {
        kids.push_back(expression(with));
        if (!skip_symbol(",")) break;
        commas = true;
    }
    if (!commas && !kids.empty()) return std::move(kids[0]);
    if (!commas && !parentheses) fail("expected an expression, found {}", now().shown());
    return node(Op::tuple, line, std::move(kids));
}

ExprPtr ExpressionParser::postfix(ExprPtr of) {
    for (;;) {
        if (now().is_symbol("."))
            of = dot(std::move(of));
        else if (now().is_symbol("["))
            of = subscript(std::move(of));
        else if (now().is_symbol("("))
            of = call(std::move(of));
        else
            return of;
    }
}

ExprPtr ExpressionParser::postfix_filters(ExprPtr of) {
    for (;;) {
        if (now().is_symbol("|"))
            of = filters(std::move(of));
        else if (now().is_name("is"))
            of = test(std::move(of));
        else if (now().is_symbol("("))
            of = call(std::move(of));
        else
            return of;
    }
}

ExprPtr ExpressionParser::dot(ExprPtr of) {
    const int line = next().line;
    std::vector<ExprPtr> kids;
    kids.push_back(std::move(of));
    if (now().kind == Token::Kind::integer) {
        kids.push_back(node(Op::literal, line));
        kids.back()->value = number(next());
        return node(Op::item, line, std::move(kids));
    }
    ExprPtr e = node(Op::attribute, line, std::move(kids));
    e->text = literal(name_token());
    return e;
}

ExprPtr ExpressionParser::subscript(ExprPtr of) {
    const int line = next().line;
    const auto ends = [&] { return now().is_symbol("]") || now().is_symbol(","); };
    std::vector<ExprPtr> kids;
    kids.push_back(std::move(of));
    ExprPtr first;
    if (!now().is_symbol(":")) first = expression();
    if (!now().is_symbol(":")) {
        kids.push_back(std::move(first));
        if (now().is_symbol(",")) fail("several subscripts with a comma are not known");
        expect_symbol("]");
        return node(Op::item, line, std::move(kids));
    }
    next();
    kids.push_back(std::move(first));
    kids.push_back(ends() || now().is_symbol(":") ? nullptr : expression());
    kids.push_back(skip_symbol(":") && !ends() ? expression() : nullptr);
    if (now().is_symbol(",")) fail("several subscripts with a comma are not known");
    expect_symbol("]");
    return node(Op::slice, line, std::move(kids));
}

ArgExprs ExpressionParser::arguments() {
    ArgExprs out;
    expect_symbol("(");
    while (!now().is_symbol(")")) {
        if (skip_symbol("**")) {
            if (out.dict) fail("a call has two dictionaries with **");
            out.dict = expression();
        } else if (skip_symbol("*")) {
            if (out.list || out.dict) fail("a call has a list with * behind another one or behind **");
            out.list = expression();
        } else if (now().kind == Token::Kind::name && ahead().is_symbol("=")) {
            if (out.dict) fail("a call has a named argument behind **");
            std::string name = next().text;
            next();
            out.named.emplace_back(std::move(name), expression());
        } else {
            if (out.list || out.dict || !out.named.empty()) fail("a call has a plain argument behind a named one");
            out.positional.push_back(expression());
        }
        if (!skip_symbol(",")) break;
    }
    expect_symbol(")");
    return out;
}

ExprPtr ExpressionParser::call(ExprPtr of) {
    const int line = now().line;
    if (of->op == Op::name) calls_.emplace_back(of->text.string->bytes, line);
    if (of->op == Op::attribute) {
        const std::string& method = of->text.string->bytes;
        if (!is_method(method) && !bound_.contains("." + method)) unknown(line, "method", method);
    }
    std::vector<ExprPtr> kids;
    kids.push_back(std::move(of));
    ExprPtr e = node(Op::call, line, std::move(kids));
    e->args = arguments();
    return e;
}

ExprPtr ExpressionParser::filters(ExprPtr of, bool inside) {
    while (inside || skip_symbol("|")) {
        inside = false;
        const int line = now().line;
        std::string name = name_token();
        while (skip_symbol(".")) name += "." + name_token();
        std::vector<ExprPtr> kids;
        kids.push_back(of ? std::move(of) : node(Op::captured, line));
        of = node(Op::filter, line, std::move(kids));
        of->filter = find_filter(name);
        if (!of->filter) unknown(line, "filter", name);
        if (now().is_symbol("(")) of->args = arguments();
    }
    return of;
}

ExprPtr ExpressionParser::test(ExprPtr of) {
    const Level level(*this);
    next();
    const bool negated = skip_name("not");
    const int line = now().line;
    std::string name = name_token();
    while (skip_symbol(".")) name += "." + name_token();
    std::vector<ExprPtr> kids;
    kids.push_back(std::move(of));
    ExprPtr e = node(Op::test, line, std::move(kids));
    e->test = find_test(name);
    if (!e->test) unknown(line, "test", name);
    const Token& t = now();
    const bool operand = t.kind == Token::Kind::name || t.kind == Token::Kind::string ||
                         t.kind == Token::Kind::integer || t.kind == Token::Kind::real || t.is_symbol("[") ||
                         t.is_symbol("{");
    if (t.is_symbol("(")) {
        e->args = arguments();
    } else if (operand && !t.is_name("else") && !t.is_name("or") && !t.is_name("and")) {
        if (t.is_name("is")) fail("two tests with 'is' cannot follow each other");
        e->args.positional.push_back(postfix(primary()));
    }
    if (!negated) return e;
    std::vector<ExprPtr> inner;
    inner.push_back(std::move(e));
    return node(Op::not_, line, std::move(inner));
}

}  // namespace quern::text::jinja
