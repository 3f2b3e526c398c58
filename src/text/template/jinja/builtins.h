// Filters, tests, methods and global functions: tables of name and function, one file each. The parser asks here what
// exists, so that an unknown one is an Error when the template is loaded; adding one is a function and a line.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "text/template/jinja/value.h"

namespace quern::text::jinja {

class Runtime;

struct Filter {
    std::string_view name;
    Value (*run)(Runtime&, const Value& of, const Args&);
};
struct Test {
    std::string_view name;
    bool (*run)(Runtime&, const Value& of, const Args&);
};
struct Function {
    std::string_view name;
    Value (*run)(Runtime&, const Args&);
};
struct Method {
    std::string_view name;
    Value (*run)(Runtime&, const Value& self, const Args&);  // nullptr: Python has it, we do not
    bool takes_named = false;                                // most methods know no named arguments
};

// nullptr: there is none.
const Filter* find_filter(std::string_view name);
const Test* find_test(std::string_view name);
const Function* find_function(std::string_view name);
// What Python finds as an attribute of such a value. Also entries without `run`.
const Method* find_method(const Value& self, std::string_view name);
// Whether any kind of value has this method, and we can run it.
bool is_method(std::string_view name);

// Arguments by parameter. Throws Error(bad_request) naming `who` when one is unknown, given twice, too many, or missing
// among the first `required`.
template <std::size_t N>
using Bound = std::array<std::optional<Value>, N>;
void bind_into(std::span<std::optional<Value>> out, std::string_view who, const Args& args,
               std::span<const std::string_view> names, std::size_t required);
template <std::size_t N>
Bound<N> bind(std::string_view who, const Args& args, const std::array<std::string_view, N>& names,
              std::size_t required = 0) {
    Bound<N> out;
    bind_into(out, who, args, names, required);
    return out;
}

}  // namespace quern::text::jinja
