// Methods of strings.
#include <algorithm>

#include "text/template/jinja/method_tables.h"
#include "text/template/jinja/text_work.h"

namespace quern::text::jinja {
namespace {

const Str& self_of(const Value& self) { return *self.string; }

// An argument that may be left out or None.
const Str* optional_string(const std::optional<Value>& v, std::string_view who) {
    return v && !v->is(Type::none) ? &Runtime::string(*v, who) : nullptr;
}

template <bool left, bool right>
Value strip(Runtime& r, const Value& self, const Args& args) {
    const auto [chars] = bind<1>("strip", args, {"chars"});
    return r.str(stripped(r, self_of(self), optional_string(chars, "strip"), left, right));
}

template <Case to>
Value to_case(Runtime& r, const Value& self, const Args& args) {
    bind<0>("upper and lower", args, {});
    return r.str(in_case(r, self_of(self), to));
}

Value capitalize(Runtime& r, const Value& self, const Args& args) {
    bind<0>("capitalize", args, {});
    return r.str(capitalized(r, self_of(self)));
}

// Every run of letters begins large.
Value title(Runtime& r, const Value& self, const Args& args) {
    bind<0>("title", args, {});
    bool inside = false;
    r.budget.read(self_of(self).bytes.size() * 16);
    return r.str(mapped(r, in_case(r, self_of(self), Case::lower), [&](std::string& out, std::string_view c) {
        if (inside)
            out += c;
        else
            append_case(out, c, Case::title);
        inside = is(CharClass::cased, c);
    }));
}

Value replace(Runtime& r, const Value& self, const Args& args) {
    const auto [from, to, count] = bind<3>("replace", args, {"old", "new", "count"}, 2);
    const Str &s = self_of(self), &t = Runtime::string(*to, "replace");
    const std::int64_t times = count ? Runtime::integer(*count, "replace") : -1;
    return r.str(replaced(r, s, Runtime::string(*from, "replace"), s.markup && !t.markup ? escaped(t) : t, times));
}

// The stretch of a text that `start` and `end` name, in bytes.
struct Window {
    std::size_t begin, end;
    bool empty;  // the start lies behind the end, so that not even "" is found
};
Window window(Runtime& r, const Str& s, const std::optional<Value>& start, const std::optional<Value>& end) {
    if (!start && !end) return {0, s.bytes.size(), false};
    r.budget.make(s.bytes.size() * sizeof(std::size_t));
    const std::vector<std::size_t> at = char_offsets(s.bytes);
    const auto size = static_cast<std::int64_t>(at.size()) - 1;
    const auto place = [&](const std::optional<Value>& v, std::int64_t otherwise) {
        if (!v || v->is(Type::none)) return otherwise;
        const std::int64_t i = Runtime::integer(*v, "a place in a string");
        return i < 0 ? std::max<std::int64_t>(0, i + size) : i;
    };
    const std::int64_t b = place(start, 0), e = std::min(place(end, size), size);
    const std::int64_t begin = std::min(b, size);
    return {at[static_cast<std::size_t>(begin)], at[static_cast<std::size_t>(std::max(begin, e))], b > e};
}

template <bool front>
Value edge(Runtime& r, const Value& self, const Args& args) {
    const auto [what, start, end] = bind<3>(front ? "startswith" : "endswith", args, {"prefix", "start", "end"}, 1);
    const Window w = window(r, self_of(self), start, end);
    const std::string_view text = std::string_view(self_of(self).bytes).substr(w.begin, w.end - w.begin);
    const auto fits = [&](const Value& v) {
        const std::string& part = Runtime::string(v, front ? "startswith" : "endswith").bytes;
        r.budget.read(part.size());
        return !w.empty && (front ? text.starts_with(part) : text.ends_with(part));
    };
    if (what->is(Type::list) && what->list->kind == List::Kind::tuple)
        return Value::of(std::ranges::any_of(what->list->items, fits));
    return Value::of(fits(*what));
}

// In characters; -1 where it is not.
template <bool last>
std::int64_t place_of(Runtime& r, const Value& self, const Args& args, std::string_view who) {
    const auto [what, start, end] = bind<3>(who, args, {"sub", "start", "end"}, 1);
    const Str& s = self_of(self);
    const Window w = window(r, s, start, end);
    const std::string& part = Runtime::string(*what, who).bytes;
    const std::string_view text = std::string_view(s.bytes).substr(0, w.end);
    r.budget.read(text.size());
    std::size_t found = std::string::npos;
    if (!w.empty) {
        if (last) {
            r.budget.read(text.size() * std::min<std::size_t>(part.size(), text.size()));
            found = text.rfind(part);
            if (found != text.npos && found < w.begin) found = text.npos;
        } else {
            found = find_bytes(text, part, w.begin);
        }
    }
    return found == std::string::npos ? -1 : static_cast<std::int64_t>(count_chars(text.substr(0, found)));
}

template <bool last>
Value find(Runtime& r, const Value& self, const Args& args) {
    return Value::of(place_of<last>(r, self, args, last ? "rfind" : "find"));
}
template <bool last>
Value index(Runtime& r, const Value& self, const Args& args) {
    const std::int64_t i = place_of<last>(r, self, args, last ? "rindex" : "index");
    if (i < 0) refuse("index: the text is not in it");
    return Value::of(i);
}

Value count(Runtime& r, const Value& self, const Args& args) {
    const auto [what, start, end] = bind<3>("count", args, {"sub", "start", "end"}, 1);
    const Str& s = self_of(self);
    const Window w = window(r, s, start, end);
    const std::string_view text = std::string_view(s.bytes).substr(w.begin, w.end - w.begin);
    const std::string& part = Runtime::string(*what, "count").bytes;
    r.budget.read(text.size());
    if (w.empty) return Value::of(std::int64_t{0});
    if (part.empty()) return Value::of(static_cast<std::int64_t>(count_chars(text)) + 1);
    std::int64_t n = 0;
    for (std::size_t at = 0; (at = find_bytes(text, part, at)) != text.npos; at += part.size()) {
        r.budget.step();
        ++n;
    }
    return Value::of(n);
}

// At white space, without empty pieces.
std::vector<Value> split_words(Runtime& r, const Str& s, std::int64_t most) {
    std::vector<Value> out;
    for (std::size_t at = skip_space(s.bytes, 0); at < s.bytes.size();) {
        std::size_t end = at;
        if (static_cast<std::int64_t>(out.size()) == most) {
            end = s.bytes.size();
        } else {
            while (end < s.bytes.size() && space_bytes(s.bytes, end) == 0) end += char_bytes(s.bytes, end);
        }
        out.push_back(r.str(cut(s, at, end)));
        at = skip_space(s.bytes, end);
    }
    return out;
}

std::vector<Value> rsplit_words(Runtime& r, const Str& s, std::int64_t most) {
    std::vector<Value> out;
    const std::string_view bytes = s.bytes;
    for (std::size_t end = trim_end(bytes); end > 0;) {
        std::size_t begin = end;
        if (static_cast<std::int64_t>(out.size()) == most) {
            begin = 0;
        } else {
            while (begin > 0 && trim_end(bytes.substr(0, begin)) == begin) {
                --begin;
                while (begin > 0 && (static_cast<unsigned char>(bytes[begin]) & 0xC0) == 0x80) --begin;
            }
        }
        out.push_back(r.str(cut(s, begin, end)));
        end = trim_end(bytes.substr(0, begin));
    }
    std::ranges::reverse(out);
    return out;
}

template <bool right>
Value split(Runtime& r, const Value& self, const Args& args) {
    const auto [sep, most] = bind<2>("split", args, {"sep", "maxsplit"});
    const Str& s = self_of(self);
    const std::int64_t limit = most ? Runtime::integer(*most, "split") : -1;
    const Str* separator = optional_string(sep, "split");
    r.budget.read(s.bytes.size() * 2);
    if (!separator) return r.list(right ? rsplit_words(r, s, limit) : split_words(r, s, limit));
    const std::string& part = separator->bytes;
    if (part.empty()) refuse("split: the separator is empty");
    std::vector<std::size_t> places;
    if (right && limit >= 0) r.budget.read(s.bytes.size() * part.size());
    if (!right || limit < 0) {
        for (std::size_t at = 0; static_cast<std::int64_t>(places.size()) != limit &&
                                 (at = find_bytes(s.bytes, part, at)) != std::string::npos;
             at += part.size())
            places.push_back(at);
    } else {
        for (std::size_t end = s.bytes.size();
             static_cast<std::int64_t>(places.size()) < limit && end >= part.size();) {
            const std::size_t at = s.bytes.rfind(part, end - part.size());
            if (at == std::string::npos) break;
            places.push_back(at);
            end = at;
        }
        std::ranges::reverse(places);
    }
    std::vector<Value> out;
    std::size_t begin = 0;
    for (const std::size_t at : places) {
        out.push_back(r.str(cut(s, begin, at)));
        begin = at + part.size();
    }
    out.push_back(r.str(cut(s, begin, s.bytes.size())));
    return r.list(std::move(out));
}

// Bytes of the line end at `at`, or 0.
std::size_t line_end(std::string_view s, std::size_t at) {
    const char c = s[at];
    if (c == '\r') return at + 1 < s.size() && s[at + 1] == '\n' ? 2 : 1;
    if ((c >= '\n' && c <= '\f') || (c >= 0x1C && c <= 0x1E)) return 1;
    for (const std::string_view other : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"})
        if (s.substr(at, other.size()) == other) return other.size();
    return 0;
}

Value splitlines(Runtime& r, const Value& self, const Args& args) {
    const auto [keep] = bind<1>("splitlines", args, {"keepends"});
    const Str& s = self_of(self);
    const bool keeps = keep && r.truth(*keep);
    r.budget.read(s.bytes.size() * 2);
    std::vector<Value> out;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < s.bytes.size();) {
        const std::size_t n = line_end(s.bytes, at);
        if (n > 0) {
            out.push_back(r.str(cut(s, begin, keeps ? at + n : at)));
            begin = at + n;
        }
        at += std::max<std::size_t>(n, 1);
    }
    if (begin < s.bytes.size()) out.push_back(r.str(cut(s, begin, s.bytes.size())));
    return r.list(std::move(out));
}

template <bool last>
Value partition(Runtime& r, const Value& self, const Args& args) {
    const auto [sep] = bind<1>("partition", args, {"sep"}, 1);
    const Str &s = self_of(self), &part = Runtime::string(*sep, "partition");
    if (part.bytes.empty()) refuse("partition: the separator is empty");
    r.budget.read(s.bytes.size() * (last ? part.bytes.size() : 1));
    const std::size_t at = last ? s.bytes.rfind(part.bytes) : find_bytes(s.bytes, part.bytes, 0);
    const Value empty = r.str("", Origin::ours);
    if (at == std::string::npos)
        return r.list(List::Kind::tuple, last ? std::vector{empty, empty, self} : std::vector{self, empty, empty});
    return r.list(List::Kind::tuple,
                  {r.str(cut(s, 0, at)), *sep, r.str(cut(s, at + part.bytes.size(), s.bytes.size()))});
}

Value join(Runtime& r, const Value& self, const Args& args) {
    const auto [items] = bind<1>("join", args, {"iterable"}, 1);
    const std::vector<Value> all = r.items_of(*items);
    for (const Value& v : all) Runtime::string(v, "join");
    if (self_of(self).markup) refuse("join: joining with markup is not known");
    return r.str(joined(r, self_of(self), all));
}

template <bool front>
Value without(Runtime& r, const Value& self, const Args& args) {
    const auto [what] = bind<1>("removeprefix and removesuffix", args, {"text"}, 1);
    const Str& s = self_of(self);
    const std::string& part = Runtime::string(*what, "removeprefix and removesuffix").bytes;
    r.budget.read(part.size());
    if (front && s.bytes.starts_with(part)) return r.str(cut(s, part.size(), s.bytes.size()));
    if (!front && s.bytes.ends_with(part)) return r.str(cut(s, 0, s.bytes.size() - part.size()));
    return self;
}

template <bool left, bool right>
Value pad(Runtime& r, const Value& self, const Args& args) {
    const auto [width, fill] = bind<2>("a padding", args, {"width", "fillchar"}, 1);
    const std::string fill_text = fill ? Runtime::string(*fill, "a padding").bytes : " ";
    if (count_chars(fill_text) != 1) refuse("a padding needs one character to fill with");
    return r.str(padded(r, self_of(self), Runtime::integer(*width, "a padding"), fill_text, left, right));
}

Value zfill(Runtime& r, const Value& self, const Args& args) {
    const auto [width] = bind<1>("zfill", args, {"width"}, 1);
    const Str& s = self_of(self);
    const std::int64_t w = Runtime::integer(*width, "zfill");
    const bool sign = s.bytes.starts_with('-') || s.bytes.starts_with('+');
    if (!sign) return r.str(padded(r, s, w, "0", true, false));
    StrBuilder b;
    b.add(s, 0, 1);
    b.add(padded(r, cut(s, 1, s.bytes.size()), std::max<std::int64_t>(w, 1) - 1, "0", true, false));
    return r.str(b.take());
}

// All characters are of the class, and there is one.
template <CharClass... classes>
Value all_are(Runtime& r, const Value& self, const Args& args) {
    bind<0>("a test of characters", args, {});
    const std::string_view s = self_of(self).bytes;
    r.budget.read(s.size() * 16);
    for (std::size_t at = 0, n = 0; at < s.size(); at += n) {
        n = char_bytes(s, at);
        if (!(is(classes, s.substr(at, n)) || ...)) return Value::of(false);
    }
    return Value::of(!s.empty());
}

Value isspace(Runtime& r, const Value& self, const Args& args) {
    bind<0>("isspace", args, {});
    const std::string& s = self_of(self).bytes;
    r.budget.read(s.size());
    return Value::of(!s.empty() && skip_space(s, 0) == s.size());
}

template <bool upper>
Value has_case(Runtime& r, const Value& self, const Args& args) {
    return Value::of(find_test(upper ? "upper" : "lower")->run(r, self, args));
}

constexpr Method methods[] = {
    {"capitalize", capitalize},
    {"casefold", nullptr},
    {"center", pad<true, true>},
    {"count", count},
    {"encode", nullptr},
    {"endswith", edge<false>},
    {"expandtabs", nullptr},
    {"find", find<false>},
    {"format", nullptr},
    {"format_map", nullptr},
    {"index", index<false>},
    {"isalnum", all_are<CharClass::alpha, CharClass::digit>},
    {"isalpha", all_are<CharClass::alpha>},
    {"isascii", nullptr},
    {"isdecimal", all_are<CharClass::decimal>},
    {"isdigit", all_are<CharClass::digit>},
    {"isidentifier", nullptr},
    {"islower", has_case<false>},
    {"isnumeric", nullptr},
    {"isprintable", nullptr},
    {"isspace", isspace},
    {"istitle", nullptr},
    {"isupper", has_case<true>},
    {"join", join},
    {"ljust", pad<false, true>},
    {"lower", to_case<Case::lower>},
    {"lstrip", strip<true, false>},
    {"maketrans", nullptr},
    {"partition", partition<false>},
    {"removeprefix", without<true>},
    {"removesuffix", without<false>},
    {"replace", replace},
    {"rfind", find<true>},
    {"rindex", index<true>},
    {"rjust", pad<true, false>},
    {"rpartition", partition<true>},
    {"rsplit", split<true>, true},
    {"rstrip", strip<false, true>},
    {"split", split<false>, true},
    {"splitlines", splitlines, true},
    {"startswith", edge<true>},
    {"strip", strip<true, true>},
    {"swapcase", nullptr},
    {"title", title},
    {"translate", nullptr},
    {"upper", to_case<Case::upper>},
    {"zfill", zfill},
};

}  // namespace

const std::span<const Method> string_methods = methods;

}  // namespace quern::text::jinja
