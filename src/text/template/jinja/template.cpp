#include "text/template/jinja/template.h"

#include <algorithm>

#include "text/template/jinja/interpreter.h"
#include "text/template/jinja/parser.h"

namespace quern::text::jinja {

Template::Template(std::string_view source) : program_(parse(source)) {}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

Str Template::render(const std::vector<Variable>& variables, const std::tm& now, const Limits& limits) const {
    Interpreter interpreter(*program_, limits, now);
    for (const Variable& v : variables) interpreter.set(v.name, interpreter.runtime().from_json(*v.value, v.origin));
    return interpreter.run();
}

bool Template::mentions(std::string_view name) const {
    return std::ranges::find(program_->symbols, name) != program_->symbols.end();
}

}  // namespace quern::text::jinja
