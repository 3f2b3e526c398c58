#include "text/template/jinja/interpreter.h"

#include <algorithm>
#include <utility>

#include "text/template/jinja/builtins.h"

namespace quern::text::jinja {

// Makes a new scope the current one until it goes.
struct Interpreter::Inside {
    Inside(Interpreter& i, const Scope* parent) : interpreter(i), before(i.scope_), scope(i.open(parent)) {
        i.scope_ = scope;
    }
    ~Inside() {
        interpreter.scope_ = before;
        interpreter.close(scope);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

    // As if newly entered.
    void renew() {
        if (!scope->kept) return scope->values.clear();
        scope = interpreter.scope_ = interpreter.open(scope->parent);
    }

    Interpreter& interpreter;
    Scope* before;
    Scope* scope;
};

Interpreter::Interpreter(const Program& program, const Limits& limits, const std::tm& now)
    : program_(program), r_(limits, now), globals_(program.symbols.size()) {
    for (std::size_t i = 0; i < globals_.size(); ++i)
        if (const Function* f = find_function(program.symbols[i])) globals_[i] = r_.callable({.function = f});
}

void Interpreter::set(std::string_view name, const Value& value) {
    const auto symbol = std::ranges::find(program_.symbols, name);
    if (symbol != program_.symbols.end()) globals_[static_cast<std::size_t>(symbol - program_.symbols.begin())] = value;
}

Str Interpreter::run() try {
    StrBuilder out;
    out_ = &out;
    run(program_.body);
    return out.take();
} catch (Error& e) {
    e.during("line {}", line_);
    throw;
}

Scope* Interpreter::open(const Scope* parent) {
    if (free_.empty()) {
        r_.budget.make(sizeof(Scope));
        free_.push_back(&scopes_.emplace_back());
    }
    Scope* s = free_.back();
    free_.pop_back();
    s->parent = parent;
    return s;
}

void Interpreter::close(Scope* scope) {
    if (scope->kept) return;
    scope->values.clear();
    free_.push_back(scope);
}

void Interpreter::define(Scope& scope, int symbol, const Value& value) {
    for (auto& [s, v] : scope.values)
        if (s == symbol) {
            v = value;
            return;
        }
    r_.budget.make(sizeof(Value));
    scope.values.emplace_back(symbol, value);
}

const Value* Interpreter::look_up(int symbol) const {
    for (const Scope* s = scope_; s; s = s->parent)
        for (const auto& [name, value] : s->values)
            if (name == symbol) return &value;
    const Value& v = globals_[static_cast<std::size_t>(symbol)];
    return v.is(Type::missing) ? nullptr : &v;
}

// ---- statements

Interpreter::Flow Interpreter::run(const Block& block) {
    for (const Stmt& s : block)
        if (const Flow flow = run(s); flow != Flow::on) return flow;
    return Flow::on;
}

Interpreter::Flow Interpreter::run(const Stmt& s) {
    const Budget::Level level(r_.budget);
    r_.budget.step();
    line_ = s.line;
    switch (s.kind) {
        case Stmt::Kind::text:
            r_.budget.make(s.text.string->bytes.size());
            out_->add(*s.text.string);
            break;
        case Stmt::Kind::print:
            for (const ExprPtr& e : s.exprs) r_.print(*out_, eval(*e));
            break;
        case Stmt::Kind::if_:
            return run_if(s);
        case Stmt::Kind::for_:
            run_for(s);
            break;
        case Stmt::Kind::set:
            assign(s.targets[0], eval(*s.exprs[0]));
            break;
        case Stmt::Kind::set_block:
            assign(s.targets[0], filtered(s));
            break;
        case Stmt::Kind::macro:
            for (Scope* k = scope_; k; k = const_cast<Scope*>(k->parent)) k->kept = true;
            assign(s.targets[0], r_.callable({.macro = s.macro.get(), .scope = scope_}));
            break;
        case Stmt::Kind::call_block:
            run_call_block(s);
            break;
        case Stmt::Kind::filter:
            r_.print(*out_, Value::of(&Runtime::string(filtered(s), "a filter block")));
            break;
        case Stmt::Kind::with:
            run_with(s);
            break;
        case Stmt::Kind::generation: {
            const Inside inside(*this, scope_);
            run(s.bodies[0]);
            break;
        }
        case Stmt::Kind::break_:
            return Flow::break_;
        case Stmt::Kind::continue_:
            return Flow::continue_;
    }
    return Flow::on;
}

Interpreter::Flow Interpreter::run_if(const Stmt& s) {
    for (std::size_t i = 0; i < s.exprs.size(); ++i)
        if (r_.truth(eval(*s.exprs[i]))) return run(s.bodies[i]);
    return s.bodies.size() > s.exprs.size() ? run(s.bodies.back()) : Flow::on;
}

void Interpreter::run_for(const Stmt& s) {
    Callable* again = nullptr;
    if (s.recursive) {
        for (Scope* k = scope_; k; k = const_cast<Scope*>(k->parent)) k->kept = true;
        again = r_.callable({.scope = scope_, .loop_body = &s}).callable;
    }
    run_loop(s, r_.items_of(eval(*s.exprs[0])), 1, again);
}

// The items for which the loop's own condition holds.
std::vector<Value> Interpreter::tested(const Stmt& s, std::vector<Value> items) {
    if (!s.exprs[1]) return items;
    std::vector<Value> out;
    Inside inside(*this, scope_);
    for (const Value& v : items) {
        inside.renew();
        assign(s.targets[0], v);
        if (r_.truth(eval(*s.exprs[1]))) out.push_back(v);
    }
    return out;
}

void Interpreter::run_loop(const Stmt& s, std::vector<Value> items, int depth, Callable* again) {
    Loop* loop = r_.loop();
    loop->items = tested(s, std::move(items));
    loop->depth = depth;
    loop->again = again;
    if (loop->items.empty()) {
        if (s.bodies.size() > 1) {
            const Inside inside(*this, scope_);
            run(s.bodies[1]);
        }
        return;
    }
    Inside inside(*this, scope_);
    for (std::size_t i = 0; i < loop->items.size(); ++i) {
        r_.budget.step();
        loop->at = i;
        inside.renew();
        define(*scope_, s.loop_symbol, Value::of(loop));
        assign(s.targets[0], loop->items[i]);
        if (run(s.bodies[0]) == Flow::break_) break;
    }
}

void Interpreter::run_call_block(const Stmt& s) {
    for (Scope* k = scope_; k; k = const_cast<Scope*>(k->parent)) k->kept = true;
    const Value caller = r_.callable({.macro = s.macro.get(), .scope = scope_});
    const Expr& e = *s.exprs[0];
    const Value what = eval(*e.kids[0]);
    Args args = arguments(e.args);
    args.named.push_back({"caller", caller});
    r_.print(*out_, call(what, args));
}

void Interpreter::run_with(const Stmt& s) {
    std::vector<Value> values;
    for (const ExprPtr& e : s.exprs) values.push_back(eval(*e));
    const Inside inside(*this, scope_);
    for (std::size_t i = 0; i < values.size(); ++i) assign(s.targets[i], values[i]);
    run(s.bodies[0]);
}

Value Interpreter::captured(const Block& body) {
    StrBuilder caught;
    StrBuilder* const before = std::exchange(out_, &caught);
    run(body);
    out_ = before;
    return r_.str(caught.take());
}

// A block's text after its filters.
Value Interpreter::filtered(const Stmt& s) {
    Value text;
    {
        const Inside inside(*this, scope_);
        text = captured(s.bodies[0]);
    }
    if (!s.exprs[0]) return text;
    const Value* const before = std::exchange(captured_, &text);
    const Value out = eval(*s.exprs[0]);
    captured_ = before;
    return out;
}

void Interpreter::assign(const Target& target, const Value& value) {
    switch (target.kind) {
        case Target::Kind::name:
            if (scope_)
                define(*scope_, target.symbol, value);
            else
                globals_[static_cast<std::size_t>(target.symbol)] = value;
            break;
        case Target::Kind::attribute: {
            const Value* space = look_up(target.symbol);
            if (!space || !space->is(Type::space))
                refuse("an attribute can be set on a namespace only, and '{}' is none",
                       program_.symbols[static_cast<std::size_t>(target.symbol)]);
            if (target.attribute.string->bytes.starts_with('_')) refuse("a namespace has no names that begin with '_'");
            r_.put(*space->dict, target.attribute, value);
            break;
        }
        case Target::Kind::tuple: {
            if (value.is(Type::undefined)) refuse("{}, so it cannot be unpacked", undefined_sentence(value));
            const std::vector<Value> parts = r_.items_of(value);
            if (parts.size() != target.parts.size())
                refuse("{} values cannot be unpacked into {} names", parts.size(), target.parts.size());
            for (std::size_t i = 0; i < parts.size(); ++i) assign(target.parts[i], parts[i]);
            break;
        }
    }
}

// ---- calls

Args Interpreter::arguments(const ArgExprs& a) {
    Args out;
    out.positional.reserve(a.positional.size());
    for (const ExprPtr& e : a.positional) out.positional.push_back(eval(*e));
    for (const auto& [name, e] : a.named) out.named.push_back({name, eval(*e)});
    if (a.list)
        for (const Value& v : r_.items_of(eval(*a.list))) out.positional.push_back(v);
    if (a.dict) {
        const Value d = eval(*a.dict);
        if (!d.is(Type::dict)) refuse("behind ** stands a {}, not a dictionary", type_name(d));
        for (const auto& [key, value] : d.dict->items)
            out.named.push_back({Runtime::string(key, "a named argument").bytes, value});
    }
    return out;
}

Value Interpreter::call(const Value& what, const Args& args) {
    r_.budget.step();
    if (what.is(Type::undefined)) refuse("{}, so it cannot be called", undefined_sentence(what));
    if (what.is(Type::loop) && what.loop->again) {
        if (args.positional.size() != 1 || !args.named.empty()) refuse("a loop is called with what to loop over");
        const Callable& c = *what.loop->again;
        Scope* const before = std::exchange(scope_, c.scope);
        StrBuilder caught;
        StrBuilder* const out = std::exchange(out_, &caught);
        run_loop(*c.loop_body, r_.items_of(args.positional[0]), what.loop->depth + 1, what.loop->again);
        out_ = out;
        scope_ = before;
        return r_.str(caught.take());
    }
    if (!what.is(Type::callable)) refuse("a {} cannot be called", type_name(what));
    const Callable& c = *what.callable;
    if (c.macro) return call_macro(c, args);
    if (c.function) return c.function->run(r_, args);
    if (!c.method || !c.method->run)
        throw Error(Code::unsupported, "the method '{}' of {} is not known", c.method ? c.method->name : "?",
                    type_name(c.self));
    if (!args.named.empty() && !c.method->takes_named)
        refuse("the method '{}' takes no named arguments", c.method->name);
    return c.method->run(r_, c.self, args);
}

// What was named but is no parameter: `caller`, and the rest as kwargs.
void Interpreter::bind_rest(const Macro& m, const Args& args, std::vector<const Named*>& named) {
    if (m.takes_caller) {
        const auto caller = std::ranges::find(named, "caller", [](const Named* n) { return n->name; });
        const bool given = caller != named.end();
        define(*scope_, m.caller, given ? (*caller)->value : Value::undefined(r_.str("caller", Origin::ours).string));
        if (given) named.erase(caller);
    }
    if (m.takes_kwargs) {
        Dict* rest = r_.new_dict();
        for (const Named* n : named) r_.put(*rest, r_.str(n->name, Origin::ours), n->value);
        define(*scope_, m.kwargs, Value::of(rest));
    } else if (!named.empty()) {
        refuse("the macro '{}' has no parameter '{}'", m.name, named[0]->name);
    }
    if (m.takes_varargs) {
        const std::size_t used = std::min(args.positional.size(), m.names.size());
        define(*scope_, m.varargs,
               r_.list(List::Kind::tuple,
                       {args.positional.begin() + static_cast<std::ptrdiff_t>(used), args.positional.end()}));
    } else if (args.positional.size() > m.names.size()) {
        refuse("the macro '{}' takes at most {} arguments, not {}", m.name, m.names.size(), args.positional.size());
    }
}

void Interpreter::bind_parameters(const Macro& m, const Args& args) {
    std::vector<const Named*> named;
    for (const Named& n : args.named) named.push_back(&n);
    std::vector<Value> values(m.names.size());
    for (std::size_t i = 0; i < m.names.size(); ++i) {
        if (i < args.positional.size()) {
            values[i] = args.positional[i];
            continue;
        }
        const auto given = std::ranges::find(named, m.names[i], [](const Named* n) { return n->name; });
        if (given == named.end()) continue;
        values[i] = (*given)->value;
        named.erase(given);
    }
    bind_rest(m, args, named);
    const std::size_t required = m.names.size() - m.defaults.size();
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!values[i].is(Type::missing)) define(*scope_, m.parameters[i], values[i]);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!values[i].is(Type::missing)) continue;
        define(*scope_, m.parameters[i],
               i >= required ? eval(*m.defaults[i - required])
                             : Value::undefined(r_.str(m.names[i], Origin::ours).string));
    }
}

Value Interpreter::call_macro(const Callable& c, const Args& args) {
    const Budget::Level level(r_.budget);
    const int line = line_;
    Scope* const before = scope_;
    Value out;
    {
        const Inside inside(*this, c.scope);
        bind_parameters(*c.macro, args);
        out = captured(c.macro->body);
    }
    scope_ = before;
    line_ = line;
    return out;
}

}  // namespace quern::text::jinja
