// The interpreter's other half: expressions.
#include <utility>

#include "text/template/jinja/builtins.h"
#include "text/template/jinja/interpreter.h"

namespace quern::text::jinja {

Value Interpreter::eval(const Expr& e) {
    const Budget::Level level(r_.budget);
    r_.budget.step();
    line_ = e.line;
    switch (e.op) {
        case Op::literal:
            return e.value;
        case Op::name:
            return eval_name(e);
        case Op::captured:
            return *captured_;
        case Op::list:
        case Op::tuple:
        case Op::dict:
            return eval_container(e);
        case Op::attribute:
            return r_.attribute(eval(*e.kids[0]), e.text);
        case Op::item: {
            const Value of = eval(*e.kids[0]);
            return r_.item(of, eval(*e.kids[1]));
        }
        case Op::slice:
            return eval_slice(e);
        case Op::call:
            return eval_call(e);
        case Op::filter: {
            const Value of = eval(*e.kids[0]);
            const Args args = arguments(e.args);
            line_ = e.line;
            return e.filter->run(r_, of, args);
        }
        case Op::test: {
            const Value of = eval(*e.kids[0]);
            return Value::of(e.test->run(r_, of, arguments(e.args)));
        }
        case Op::negate:
            return r_.negate(eval(*e.kids[0]));
        case Op::plus: {
            const Value v = eval(*e.kids[0]);
            if (!v.is_number()) refuse("+{} means nothing", type_name(v));
            return v.is(Type::boolean) ? Value::of(v.as_integer()) : v;
        }
        case Op::not_:
            return Value::of(!r_.truth(eval(*e.kids[0])));
        case Op::and_:
        case Op::or_:
            return eval_chain(e);
        case Op::arithmetic:
            return eval_arithmetic(e);
        case Op::join:
            return eval_join(e);
        case Op::comparison:
            return eval_comparison(e);
        case Op::conditional:
            if (r_.truth(eval(*e.kids[1]))) return eval(*e.kids[0]);
            return e.kids[2] ? eval(*e.kids[2]) : Value::undefined();
        default:
            break;
    }
    return {};
}

Value Interpreter::eval_name(const Expr& e) {
    const Value* v = look_up(e.symbol);
    return v ? *v : Value::undefined(e.text.string);
}

Value Interpreter::eval_container(const Expr& e) {
    if (e.op == Op::dict) {
        Dict* d = r_.new_dict();
        for (std::size_t i = 0; i < e.kids.size(); i += 2) {
            const Value key = eval(*e.kids[i]);
            r_.put(*d, key, eval(*e.kids[i + 1]));
        }
        return Value::of(d);
    }
    std::vector<Value> items;
    items.reserve(e.kids.size());
    for (const ExprPtr& kid : e.kids) items.push_back(eval(*kid));
    return r_.list(e.op == Op::list ? List::Kind::list : List::Kind::tuple, std::move(items));
}

Value Interpreter::eval_chain(const Expr& e) {
    for (std::size_t i = 0; i + 1 < e.kids.size(); ++i) {
        const Value v = eval(*e.kids[i]);
        if (r_.truth(v) == (e.op == Op::or_)) return v;
    }
    return eval(*e.kids.back());
}

// Texts added to texts grow one buffer, so that a long chain copies each of them once.
Value Interpreter::eval_arithmetic(const Expr& e) {
    Value left = eval(*e.kids[0]);
    StrBuilder sum;
    bool open = false;  // `sum` is the left side
    const auto settle = [&] {
        if (open) left = r_.str(sum.take());
        open = false;
    };
    for (std::size_t i = 0; i < e.ops.size(); ++i) {
        const Value right = eval(*e.kids[i + 1]);
        line_ = e.line;
        const bool texts = e.ops[i] == Op::add && (open || left.is(Type::string)) && right.is(Type::string) &&
                           !right.string->markup && (open || !left.string->markup);
        if (!texts) {
            settle();
            left = r_.arithmetic(e.ops[i], left, right);
            continue;
        }
        if (!open) sum.add(*left.string);
        open = true;
        r_.budget.make(right.string->bytes.size());
        sum.add(*right.string);
    }
    settle();
    return left;
}

Value Interpreter::eval_join(const Expr& e) {
    StrBuilder b;
    for (const ExprPtr& kid : e.kids) r_.print(b, eval(*kid));
    return r_.str(b.take());
}

Value Interpreter::eval_comparison(const Expr& e) {
    Value left = eval(*e.kids[0]);
    for (std::size_t i = 0; i < e.ops.size(); ++i) {
        const Value right = eval(*e.kids[i + 1]);
        line_ = e.line;
        bool holds = false;
        switch (e.ops[i]) {
            case Op::equal:
                holds = r_.equal(left, right);
                break;
            case Op::unequal:
                holds = !r_.equal(left, right);
                break;
            case Op::less:
                holds = r_.less(left, right);
                break;
            case Op::less_equal:
                holds = r_.less(left, right) || r_.equal(left, right);
                break;
            case Op::greater:
                holds = r_.less(right, left);
                break;
            case Op::greater_equal:
                holds = r_.less(right, left) || r_.equal(left, right);
                break;
            case Op::in:
                holds = r_.contains(right, left);
                break;
            default:
                holds = !r_.contains(right, left);
                break;
        }
        if (!holds) return Value::of(false);
        left = right;
    }
    return Value::of(true);
}

Value Interpreter::eval_slice(const Expr& e) {
    const Value of = eval(*e.kids[0]);
    Value bounds[3];
    for (std::size_t i = 0; i < 3; ++i) bounds[i] = e.kids[i + 1] ? eval(*e.kids[i + 1]) : Value::none();
    return r_.slice(of, bounds[0], bounds[1], bounds[2]);
}

Value Interpreter::eval_call(const Expr& e) {
    const Value what = eval(*e.kids[0]);
    const Args args = arguments(e.args);
    line_ = e.line;
    return call(what, args);
}

}  // namespace quern::text::jinja
