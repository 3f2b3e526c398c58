// The filters, in two files: on texts and single values, on sequences.
#pragma once

#include <span>
#include <string_view>

#include "text/template/jinja/builtins.h"
#include "text/template/jinja/runtime.h"

namespace quern::text::jinja {

extern const std::span<const Filter> value_filters;     // by name
extern const std::span<const Filter> sequence_filters;  // by name

// What Jinja2's `attribute=` arguments reach: "a.b" is item b of item a, numbers are indices.
Value reach(Runtime& r, const Value& of, const Value& path);
// Case does not matter when ordering texts, unless asked for.
Value folded(Runtime& r, const Value& v);

}  // namespace quern::text::jinja
