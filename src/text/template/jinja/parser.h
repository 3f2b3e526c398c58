// A template's source to a Program: Jinja2's grammar without what reaches outside (include, import, extends, blocks).
// Whatever is not known (a statement, filter, test, function or method) is an Error here, with its name and line, and
// nowhere later. Nesting is bounded.
#pragma once

#include <memory>
#include <string_view>

#include "text/template/jinja/ast.h"

namespace quern::text::jinja {

// Throws Error(unsupported) for what is not known, Error(bad_file) for what is no template.
std::unique_ptr<Program> parse(std::string_view source);

}  // namespace quern::text::jinja
