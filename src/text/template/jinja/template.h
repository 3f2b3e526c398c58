// A Jinja template: parsed once, rendered as often as wanted, by any number of threads. Covers the language that chat
// templates use, as transformers sets Jinja2 up for them (trim_blocks, lstrip_blocks, break and continue, generation
// tags, its own tojson), and gives the same bytes. Nothing outside can be reached, and every rendering is bounded.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/template/jinja/budget.h"
#include "text/template/jinja/str.h"

namespace quern::text::jinja {

struct Variable {
    std::string_view name;
    const Json* value = nullptr;  // kept by the caller while rendering
    Origin origin = Origin::data;
};

struct Program;

class Template {
public:
    // Throws Error(unsupported) naming a statement, filter, test, function or method that is not known, and its line;
    // Error(bad_file) where the source is no template.
    explicit Template(std::string_view source);
    ~Template();
    Template(Template&&) noexcept;
    Template& operator=(Template&&) noexcept;

    // Throws Error(bad_request), the line in front: what the template refuses (raise_exception), what has no meaning
    // in Python, and what goes beyond the limits. `now` is local time.
    Str render(const std::vector<Variable>& variables, const std::tm& now, const Limits& limits = {}) const;

    // Whether the template looks at a variable of this name.
    bool mentions(std::string_view name) const;

private:
    std::unique_ptr<Program> program_;
};

}  // namespace quern::text::jinja
