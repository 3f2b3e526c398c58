// The methods of each kind of value, as tables that methods.cpp looks through.
#pragma once

#include <span>

#include "text/template/jinja/builtins.h"
#include "text/template/jinja/runtime.h"

namespace quern::text::jinja {

extern const std::span<const Method> string_methods;

}  // namespace quern::text::jinja
