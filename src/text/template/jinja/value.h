// The values a template works with, as Python has them. A Value is a small handle; what it points to lives in a Heap
// until the rendering is over, so values are copied freely, may form circles, and nothing recurses to free them.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "text/template/jinja/str.h"

namespace quern::text::jinja {

struct List;
struct Dict;
struct Callable;
struct Loop;

enum class Type : std::uint8_t {
    missing,
    undefined,
    none,
    boolean,
    integer,
    real,
    string,
    list,
    dict,
    space,
    callable,
    loop
};

struct Value {
    Type type = Type::missing;
    union {
        bool boolean;
        std::int64_t integer;
        double real;
        const Str* string;  // undefined: what it was called, or nullptr
        List* list;
        Dict* dict;  // also of a namespace
        Callable* callable;
        Loop* loop;
    };

    Value() : integer(0) {}
    static Value none() { return Value(Type::none); }
    static Value undefined(const Str* name = nullptr) {
        Value v(Type::undefined);
        v.string = name;
        return v;
    }
    static Value of(bool b) {
        Value v(Type::boolean);
        v.boolean = b;
        return v;
    }
    static Value of(std::int64_t i) {
        Value v(Type::integer);
        v.integer = i;
        return v;
    }
    static Value of(double d) {
        Value v(Type::real);
        v.real = d;
        return v;
    }
    static Value of(const Str* s) {
        Value v(Type::string);
        v.string = s;
        return v;
    }
    static Value of(List* l) {
        Value v(Type::list);
        v.list = l;
        return v;
    }
    static Value of(Dict* d, Type type = Type::dict) {
        Value v(type);
        v.dict = d;
        return v;
    }
    static Value of(Callable* c) {
        Value v(Type::callable);
        v.callable = c;
        return v;
    }
    static Value of(Loop* l) {
        Value v(Type::loop);
        v.loop = l;
        return v;
    }

    bool is(Type t) const { return type == t; }
    bool is_string(std::string_view s) const { return type == Type::string && string->bytes == s; }
    // Python's bool is an int.
    bool is_integral() const { return type == Type::integer || type == Type::boolean; }
    bool is_number() const { return is_integral() || type == Type::real; }
    std::int64_t as_integer() const { return type == Type::boolean ? (boolean ? 1 : 0) : integer; }
    double as_real() const { return type == Type::real ? real : static_cast<double>(as_integer()); }

private:
    explicit Value(Type t) : type(t), integer(0) {}
};

// All that can be walked through in order, but for texts and dictionaries.
struct List {
    enum class Kind : std::uint8_t { list, tuple, keys, values, items, range, generator };
    Kind kind = Kind::list;
    bool spent = false;  // a generator gives its items once
    std::vector<Value> items;
    bool indexable() const { return kind == Kind::list || kind == Kind::tuple || kind == Kind::range; }
};

struct Dict {
    std::vector<std::pair<Value, Value>> items;  // in the order they came
};

struct Named {
    std::string_view name;
    Value value;
};
struct Args {
    std::vector<Value> positional;
    std::vector<Named> named;
};

struct Macro;     // ast.h
struct Stmt;      // ast.h
struct Method;    // builtins.h
struct Function;  // builtins.h
struct Scope;     // interpreter.h

// One of: a global function, a method with the value it was taken from, a macro with the scope it sees, a loop that is
// called to go deeper.
struct Callable {
    const Function* function = nullptr;
    const Method* method = nullptr;
    const Macro* macro = nullptr;
    Value self{};
    Scope* scope = nullptr;
    const Stmt* loop_body = nullptr;
};

struct Loop {
    std::vector<Value> items;
    std::size_t at = 0;
    int depth = 1;
    Callable* again = nullptr;  // recursive loops
    bool compared = false;      // changed() has been asked
    std::vector<Value> last;
};

// Keeps what values point to. Sizes are charged by whoever adds (runtime.h).
class Heap {
public:
    Value add(Str s) { return Value::of(&strings_.emplace_back(std::move(s))); }
    List* list(List::Kind kind, std::vector<Value> items) {
        lists_.push_back({kind, false, std::move(items)});
        return &lists_.back();
    }
    Dict* dict() { return &dicts_.emplace_back(); }
    Callable* callable(Callable c) { return &callables_.emplace_back(c); }
    Loop* loop() { return &loops_.emplace_back(); }

private:
    std::deque<Str> strings_;
    std::deque<List> lists_;
    std::deque<Dict> dicts_;
    std::deque<Callable> callables_;
    std::deque<Loop> loops_;
};

}  // namespace quern::text::jinja
