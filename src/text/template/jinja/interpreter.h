// Carries out a Program once: a tree walk over statements and expressions. Scopes are Jinja2's: a for loop's body, a
// macro, a with and a captured block see what is around them and keep what they set to themselves; an if does not.
#pragma once

#include <memory>
#include <vector>

#include "text/template/jinja/runtime.h"

namespace quern::text::jinja {

struct Scope {
    const Scope* parent = nullptr;  // nullptr: the template's own names are around it
    std::vector<std::pair<int, Value>> values;
    bool kept = false;  // a macro sees it, so it must outlive its block
};

class Interpreter {
public:
    Interpreter(const Program& program, const Limits& limits, const std::tm& now);

    Runtime& runtime() { return r_; }
    void set(std::string_view name, const Value& value);
    // Throws Error(bad_request): what went wrong, behind its line.
    Str run();

private:
    enum class Flow { on, break_, continue_ };

    // Statements.
    Flow run(const Block& block);
    Flow run(const Stmt& s);
    Flow run_if(const Stmt& s);
    void run_for(const Stmt& s);
    void run_loop(const Stmt& s, std::vector<Value> items, int depth, Callable* again);
    void run_call_block(const Stmt& s);
    void run_with(const Stmt& s);
    std::vector<Value> tested(const Stmt& s, std::vector<Value> items);
    Value captured(const Block& body);
    Value filtered(const Stmt& s);
    void assign(const Target& target, const Value& value);

    // Expressions.
    Value eval(const Expr& e);
    Value eval_name(const Expr& e);
    Value eval_container(const Expr& e);
    Value eval_arithmetic(const Expr& e);
    Value eval_join(const Expr& e);
    Value eval_comparison(const Expr& e);
    Value eval_chain(const Expr& e);
    Value eval_slice(const Expr& e);
    Value eval_call(const Expr& e);
    Args arguments(const ArgExprs& a);
    Value call(const Value& what, const Args& args);
    Value call_macro(const Callable& c, const Args& args);
    void bind_parameters(const Macro& m, const Args& args);
    void bind_rest(const Macro& m, const Args& args, std::vector<const Named*>& named);

    // Scopes. The memory of those that nobody kept is used again.
    Scope* open(const Scope* parent);
    void close(Scope* scope);
    void define(Scope& scope, int symbol, const Value& value);
    const Value* look_up(int symbol) const;

    const Program& program_;
    Runtime r_;
    std::vector<Value> globals_;  // by symbol; missing where there is none
    Scope* scope_ = nullptr;
    std::deque<Scope> scopes_;
    std::vector<Scope*> free_;
    StrBuilder* out_ = nullptr;
    const Value* captured_ = nullptr;
    int line_ = 0;

    struct Inside;  // a scope entered and left again
};

}  // namespace quern::text::jinja
