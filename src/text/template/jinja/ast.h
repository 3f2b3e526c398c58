// A parsed template: statements and expressions, names resolved to numbers, filters and tests to their entries. Made by
// the parser, immutable afterwards, carried out by the interpreter. Chains of one precedence (a + b - c) are one node,
// so the depth of a tree is what a person would call nesting, and the parser bounds it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "text/template/jinja/value.h"

namespace quern::text::jinja {

struct Filter;
struct Test;
struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class Op : std::uint8_t {
    literal,
    name,
    captured,  // the text that a filter or set block has caught
    list,
    tuple,
    dict,       // kids: key, value, key, value ...
    attribute,  // kids: of what
    item,       // kids: of what, which
    slice,      // kids: of what, begin, end, step; each of the last three may be null
    call,       // kids: what
    filter,     // kids: of what
    test,       // kids: of what
    negate,
    plus,
    not_,
    and_,
    or_,
    arithmetic,   // kids[0] ops[0] kids[1] ops[1] kids[2] ..., from the left
    join,         // ~
    comparison,   // kids[0] ops[0] kids[1] and kids[1] ops[1] kids[2] ...
    conditional,  // kids: value, condition, otherwise (may be null)
    // In `ops` of arithmetic:
    add,
    subtract,
    multiply,
    divide,
    floor_divide,
    modulo,
    power,
    // In `ops` of comparison:
    equal,
    unequal,
    less,
    less_equal,
    greater,
    greater_equal,
    in,
    not_in,
};

struct ArgExprs {
    std::vector<ExprPtr> positional;
    std::vector<std::pair<std::string, ExprPtr>> named;
    ExprPtr list, dict;  // *list, **dict
};

struct Expr {
    Op op = Op::literal;
    int line = 0, depth = 1;
    int symbol = -1;  // name
    Value value;      // literal
    Value text;       // attribute, as a string
    std::vector<ExprPtr> kids;
    std::vector<Op> ops;
    ArgExprs args;
    const Filter* filter = nullptr;
    const Test* test = nullptr;
};

struct Stmt;
using Block = std::vector<Stmt>;

struct Target {  // of a set, for or with
    enum class Kind : std::uint8_t { name, attribute, tuple };
    Kind kind = Kind::name;
    int symbol = -1;  // attribute: of the namespace
    Value attribute{};
    std::vector<Target> parts{};
};

struct Macro {
    std::string name;
    std::vector<int> parameters;
    std::vector<std::string> names;
    std::vector<ExprPtr> defaults;  // of the last parameters
    Block body;
    bool takes_caller = false, takes_varargs = false, takes_kwargs = false;  // its body says the name
    int caller = -1, varargs = -1, kwargs = -1;                              // symbols
};

struct Stmt {
    enum class Kind : std::uint8_t {
        text,
        print,       // exprs
        if_,         // exprs: conditions; bodies: one each, then the one for else
        for_,        // targets[0]; exprs: over what, test (may be null); bodies: each, else
        set,         // targets[0]; exprs[0]
        set_block,   // targets[0]; exprs[0]: filter of what was captured, or null; bodies[0]
        macro,       // targets[0]; macro
        call_block,  // exprs[0]: the call; macro: the body as `caller`
        filter,      // exprs[0]; bodies[0]
        with,        // targets and exprs; bodies[0]
        generation,  // bodies[0]
        break_,
        continue_,
    };
    Kind kind = Kind::text;
    int line = 0;
    bool recursive = false;
    int loop_symbol = -1;  // for: of `loop`
    Value text{};
    std::vector<ExprPtr> exprs{};
    std::vector<Block> bodies{};
    std::vector<Target> targets{};
    std::unique_ptr<Macro> macro{};
};

struct Program {
    Heap literals;
    std::vector<std::string> symbols;
    Block body;
};

}  // namespace quern::text::jinja
