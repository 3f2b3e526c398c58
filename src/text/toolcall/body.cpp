#include "text/toolcall/body.h"

#include "base/check.h"

namespace quern::text {
namespace {

// What begins with a brace is JSON, anything else Python.
class JsonOrPython final : public Body {
public:
    JsonOrPython(const Syntax& syntax, bool bare, Output& output) : syntax_(syntax), bare_(bare), out_(output) {}

    Step step(char c) override {
        if (body_) return body_->step(c);
        if (is_space(c)) return Step::more;
        body_ = c == '{' ? json_calls_body(syntax_, bare_, out_) : python_body(syntax_, bare_, out_);
        return body_->step(c);
    }
    bool finish() override { return body_ && body_->finish(); }
    std::string give_back() override { return body_ ? body_->give_back() : std::string(); }

private:
    const Syntax& syntax_;
    const bool bare_;
    Output& out_;
    std::unique_ptr<Body> body_;
};

}  // namespace

bool is_tool_name(std::string_view name) {
    if (name.empty() || name.size() > max_name_bytes) return false;
    for (const char c : name)
        if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '<' || c == '>') return false;
    return true;
}

std::unique_ptr<Body> make_body(const Syntax& syntax, std::string_view opener, Output& output) {
    switch (syntax.body) {
        case CallBody::json_calls:
            return json_calls_body(syntax, opener.empty(), output);
        case CallBody::named_json:
            return named_json_body(syntax, opener, output);
        case CallBody::parameters:
            return parameters_body(syntax, opener, output);
        case CallBody::pythonic:
            return python_body(syntax, opener.empty(), output);
        case CallBody::json_or_python:
            return std::make_unique<JsonOrPython>(syntax, opener.empty(), output);
        case CallBody::none:
        case CallBody::channels:
            break;
    }
    CHECK(syntax.body != CallBody::none && syntax.body != CallBody::channels);
    return nullptr;
}

}  // namespace quern::text
