// Work on texts that methods and filters share. All keep the marks of origin.
#pragma once

#include <optional>

#include "text/template/jinja/runtime.h"
#include "text/template/jinja/unicode.h"

namespace quern::text::jinja {

// Leaves out the characters of `chars` (nullptr: white space) at the ends asked for.
Str stripped(Runtime& r, const Str& s, const Str* chars, bool left, bool right);
// Calls change(out, character) for each character; what it appends has the character's origin.
template <class F>
Str mapped(Runtime& r, const Str& s, const F& change) {
    r.budget.make(s.bytes.size());
    StrBuilder b;
    std::string out;
    for (std::size_t at = 0, n = 0; at < s.bytes.size(); at += n) {
        n = char_bytes(s.bytes, at);
        out.clear();
        change(out, std::string_view(s.bytes).substr(at, n));
        b.add(out, s.origin_at(at));
    }
    Str result = b.take();
    result.markup = s.markup;
    return result;
}
Str in_case(Runtime& r, const Str& s, Case to);
// Python's str.capitalize.
Str capitalized(Runtime& r, const Str& s);
Str replaced(Runtime& r, const Str& s, const Str& from, const Str& to, std::int64_t times);
Str joined(Runtime& r, const Str& separator, const std::vector<Value>& items);
Str padded(Runtime& r, const Str& s, std::int64_t width, std::string_view fill, bool left, bool right);
// The place of `part` at or behind `from`, or npos. Linear in the text, whatever the part.
std::size_t find_bytes(std::string_view s, std::string_view part, std::size_t from);

}  // namespace quern::text::jinja
