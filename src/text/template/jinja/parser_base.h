// What the two halves of the parser share: the tokens, errors with lines, symbols, and the bound on nesting.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/template/jinja/ast.h"
#include "text/template/jinja/lexer.h"

namespace quern::text::jinja {

class ParserBase {
protected:
    explicit ParserBase(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    const Token& now() const { return tokens_[at_]; }
    const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    Token next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
    bool skip_name(std::string_view name) { return now().is_name(name) && (next(), true); }
    bool skip_symbol(std::string_view symbol) { return now().is_symbol(symbol) && (next(), true); }
    void expect_symbol(std::string_view symbol) {
        if (!skip_symbol(symbol)) fail("expected '{}', found {}", symbol, now().shown());
    }
    void expect_name(std::string_view name) {
        if (!skip_name(name)) fail("expected '{}', found {}", name, now().shown());
    }
    void expect(Token::Kind kind, std::string_view what) {
        if (now().kind != kind) fail("expected {}, found {}", what, now().shown());
        next();
    }
    std::string name_token() {
        if (now().kind != Token::Kind::name) fail("expected a name, found {}", now().shown());
        return next().text;
    }

    template <class... A>
    [[noreturn]] void fail(fmt::format_string<A...> format, A&&... args) const {
        throw Error(Code::bad_file, "line {}: {}", now().line, fmt::format(format, std::forward<A>(args)...));
    }
    [[noreturn]] static void unknown(int line, std::string_view kind, std::string_view name) {
        throw Error(Code::unsupported, "line {}: the {} '{}' is not known", line, kind, name);
    }

    int symbol(const std::string& name) {
        const auto [it, added] = symbols_.try_emplace(name, static_cast<int>(program_->symbols.size()));
        if (added) program_->symbols.push_back(name);
        return it->second;
    }
    Value literal(std::string_view text) { return program_->literals.add(Str::of(text, Origin::ours)); }

    class Level {
    public:
        explicit Level(ParserBase& p) : parser_(p) {
            if (++parser_.depth_ > max_depth) parser_.fail("it is nested deeper than {} levels", max_depth);
        }
        ~Level() { --parser_.depth_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

    private:
        ParserBase& parser_;
    };

    static constexpr int max_depth = 100;
    std::unique_ptr<Program> program_ = std::make_unique<Program>();
    std::vector<Macro*> macros_;                      // those whose body is being read
    std::set<std::string> bound_;                     // every name that the template gives a value
    std::vector<std::pair<std::string, int>> calls_;  // functions called by name, with their lines

private:
    const std::vector<Token> tokens_;
    std::size_t at_ = 0;
    int depth_ = 0;
    std::map<std::string, int, std::less<>> symbols_;
};

}  // namespace quern::text::jinja
