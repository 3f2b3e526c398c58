// The half of the parser that reads expressions.
#pragma once

#include "text/template/jinja/parser_base.h"

namespace quern::text::jinja {

class ExpressionParser : public ParserBase {
protected:
    using ParserBase::ParserBase;

    enum class Conditional { no, yes };
    ExprPtr expression(Conditional conditional = Conditional::yes);
    // One expression, or several with commas between them as a tuple. Ends before the name `end`.
    ExprPtr tuple(Conditional conditional = Conditional::yes, std::string_view end = "", bool parentheses = false);
    // `of | filter | filter`; of the captured text where `of` is null. `inside`: the first has no '|' before it.
    ExprPtr filters(ExprPtr of, bool inside = false);
    ExprPtr node(Op op, int line, std::vector<ExprPtr> kids = {});

private:
    ExprPtr conditional();
    ExprPtr or_chain();
    ExprPtr and_chain();
    ExprPtr not_();
    ExprPtr comparison();
    ExprPtr sum();
    ExprPtr join();
    ExprPtr product();
    ExprPtr power();
    enum class Filters { no, yes };
    ExprPtr unary(Filters with);
    ExprPtr primary();
    ExprPtr named(const Token& t);
    ExprPtr list();
    ExprPtr dict();
    ExprPtr postfix(ExprPtr of);
    ExprPtr postfix_filters(ExprPtr of);
    ExprPtr dot(ExprPtr of);
    ExprPtr subscript(ExprPtr of);
    ExprPtr call(ExprPtr of);
    ExprPtr test(ExprPtr of);
    ArgExprs arguments();
    bool tuple_ends(std::string_view end) const;
    Value number(const Token& t);
};

}  // namespace quern::text::jinja
