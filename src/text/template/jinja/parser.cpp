#include "text/template/jinja/parser.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "text/template/jinja/builtins.h"
#include "text/template/jinja/parse_expression.h"

namespace quern::text::jinja {
namespace {

class Parser final : public ExpressionParser {
public:
    explicit Parser(std::vector<Token> tokens) : ExpressionParser(std::move(tokens)) {}

    std::unique_ptr<Program> run() {
        program_->body = block({});
        for (const auto& [name, line] : calls_)
            if (!find_function(name) && !bound_.contains(name)) unknown(line, "function", name);
        return std::move(program_);
    }

private:
    using Ends = std::initializer_list<std::string_view>;

    // Statements up to a tag that begins with one of `ends`, which is left to be read.
    Block block(Ends ends) {
        const Level level(*this);
        Block out;
        for (;;) {
            const Token t = now();
            switch (t.kind) {
                case Token::Kind::text:
                    out.push_back({.kind = Stmt::Kind::text, .line = t.line, .text = literal(next().text)});
                    break;
                case Token::Kind::print_begin:
                    next();
                    out.push_back({.kind = Stmt::Kind::print, .line = t.line});
                    out.back().exprs.push_back(tuple());
                    expect(Token::Kind::print_end, "}}");
                    break;
                case Token::Kind::tag_begin:
                    next();
                    if (std::ranges::any_of(ends, [&](std::string_view e) { return now().is_name(e); })) return out;
                    out.push_back(statement());
                    expect(Token::Kind::tag_end, "%}");
                    break;
                default:
                    if (ends.size() > 0) fail("expected a tag '{}', found {}", *ends.begin(), t.shown());
                    return out;
            }
        }
    }

    // What follows a tag's beginning: its end, then statements up to one of `ends`.
    Block body(Ends ends) {
        skip_symbol(":");
        expect(Token::Kind::tag_end, "%}");
        return block(ends);
    }

    Stmt statement() {
        using Read = void (Parser::*)(Stmt&);
        struct Known {
            std::string_view name;
            Stmt::Kind kind;
            Read read;
        };
        using Kind = Stmt::Kind;
        static constexpr Known known[] = {
            {"if", Kind::if_, &Parser::if_},
            {"for", Kind::for_, &Parser::for_},
            {"set", Kind::set, &Parser::set},
            {"macro", Kind::macro, &Parser::macro},
            {"call", Kind::call_block, &Parser::call_block},
            {"filter", Kind::filter, &Parser::filter},
            {"with", Kind::with, &Parser::with},
            {"print", Kind::print, &Parser::print},
            {"generation", Kind::generation, &Parser::generation},
            {"break", Kind::break_, &Parser::jump},
            {"continue", Kind::continue_, &Parser::jump},
        };
        Stmt s{.line = now().line};
        const std::string name = name_token();
        for (const Known& k : known) {
            if (k.name != name) continue;
            s.kind = k.kind;
            (this->*k.read)(s);
            return s;
        }
        unknown(s.line, "statement", name);
    }

    void if_(Stmt& s) {
        for (;;) {
            s.exprs.push_back(tuple(Conditional::no));
            s.bodies.push_back(body({"endif", "elif", "else"}));
            if (skip_name("elif")) continue;
            if (skip_name("else")) s.bodies.push_back(body({"endif"}));
            return expect_name("endif");
        }
    }

    void for_(Stmt& s) {
        s.targets.push_back(target("in"));
        expect_name("in");
        s.exprs.push_back(tuple(Conditional::no, "recursive"));
        s.exprs.push_back(skip_name("if") ? expression() : nullptr);
        s.recursive = skip_name("recursive");
        bound_.insert("loop");
        s.loop_symbol = symbol("loop");
        ++loops_;
        s.bodies.push_back(body({"endfor", "else"}));
        --loops_;
        if (skip_name("else")) s.bodies.push_back(body({"endfor"}));
        expect_name("endfor");
    }

    void set(Stmt& s) {
        s.targets.push_back(target("", true));
        if (skip_symbol("=")) {
            s.exprs.push_back(tuple());
            return;
        }
        s.kind = Stmt::Kind::set_block;
        s.exprs.push_back(now().is_symbol("|") ? filters(nullptr) : nullptr);
        s.bodies.push_back(body({"endset"}));
        expect_name("endset");
    }

    void macro(Stmt& s) {
        const std::string name = name_token();
        bound_.insert(name);
        s.targets.push_back({.symbol = symbol(name)});
        s.macro = std::make_unique<Macro>();
        s.macro->name = name;
        macros_.push_back(s.macro.get());
        signature(*s.macro);
        macro_body(*s.macro, "endmacro");
    }

    void call_block(Stmt& s) {
        s.macro = std::make_unique<Macro>();
        s.macro->name = "caller";
        if (now().is_symbol("(")) signature(*s.macro);
        s.exprs.push_back(expression());
        if (s.exprs[0]->op != Op::call) fail("a call block calls nothing");
        macros_.push_back(s.macro.get());
        macro_body(*s.macro, "endcall");
    }

    void macro_body(Macro& m, std::string_view end) {
        for (const char* name : {"caller", "varargs", "kwargs"}) bound_.insert(name);
        m.caller = symbol("caller");
        m.varargs = symbol("varargs");
        m.kwargs = symbol("kwargs");
        const int loops = std::exchange(loops_, 0);
        m.body = body({end});
        loops_ = loops;
        macros_.pop_back();
        // A parameter of that name is the parameter.
        m.takes_caller = m.takes_caller && std::ranges::find(m.names, "caller") == m.names.end();
        m.takes_varargs = m.takes_varargs && std::ranges::find(m.names, "varargs") == m.names.end();
        m.takes_kwargs = m.takes_kwargs && std::ranges::find(m.names, "kwargs") == m.names.end();
        expect_name(end);
    }

    void signature(Macro& m) {
        expect_symbol("(");
        while (!now().is_symbol(")")) {
            if (!m.names.empty()) expect_symbol(",");
            const std::string name = name_token();
            bound_.insert(name);
            m.names.push_back(name);
            m.parameters.push_back(symbol(name));
            if (skip_symbol("="))
                m.defaults.push_back(expression());
            else if (!m.defaults.empty())
                fail("the parameter '{}' without a default follows one that has one", name);
        }
        expect_symbol(")");
    }

    void filter(Stmt& s) {
        s.exprs.push_back(filters(nullptr, true));
        s.bodies.push_back(body({"endfilter"}));
        expect_name("endfilter");
    }

    void with(Stmt& s) {
        while (now().kind != Token::Kind::tag_end) {
            if (!s.targets.empty()) expect_symbol(",");
            s.targets.push_back(target(""));
            expect_symbol("=");
            s.exprs.push_back(expression());
        }
        s.bodies.push_back(body({"endwith"}));
        expect_name("endwith");
    }

    void print(Stmt& s) {
        while (now().kind != Token::Kind::tag_end) {
            if (!s.exprs.empty()) expect_symbol(",");
            s.exprs.push_back(expression());
        }
    }

    void generation(Stmt& s) {
        const int loops = std::exchange(loops_, 0);
        s.bodies.push_back(body({"endgeneration"}));
        loops_ = loops;
        expect_name("endgeneration");
    }

    void jump(Stmt& s) {
        if (loops_ == 0) throw Error(Code::bad_file, "line {}: break or continue stands in no loop", s.line);
    }

    // Names, attributes of namespaces (where `attributes`), and tuples of them, up to the name `end`.
    Target target(std::string_view end, bool attributes = false) {
        std::vector<Target> parts;
        bool commas = false;
        while (!now().is_symbol(")") && !now().is_symbol("=") && now().kind != Token::Kind::tag_end &&
               (end.empty() || !now().is_name(end))) {
            parts.push_back(target_part(attributes));
            if (!skip_symbol(",")) break;
            commas = true;
        }
        if (parts.empty() && !commas) fail("expected a name to set, found {}", now().shown());
        if (!commas) return std::move(parts[0]);
        Target t{.kind = Target::Kind::tuple};
        t.parts = std::move(parts);
        return t;
    }

    Target target_part(bool attributes) {
        const Level level(*this);
        if (skip_symbol("(")) {
            Target t = target("", attributes);
            expect_symbol(")");
            return t;
        }
        const std::string name = name_token();
        for (const char* taken : {"true", "True", "false", "False", "none", "None"})
            if (name == taken) fail("{} cannot be set", name);
        Target t{.symbol = symbol(name)};
        if (attributes && skip_symbol(".")) {
            const std::string attribute = name_token();
            t.kind = Target::Kind::attribute;
            t.attribute = literal(attribute);
            bound_.insert("." + attribute);
            return t;
        }
        bound_.insert(name);
        return t;
    }

    int loops_ = 0;  // that break and continue could leave
};

}  // namespace

std::unique_ptr<Program> parse(std::string_view source) { return Parser(tokenize(source)).run(); }

}  // namespace quern::text::jinja
