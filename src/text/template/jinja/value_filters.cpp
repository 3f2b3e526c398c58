// Filters of texts, numbers and other single values.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "text/template/jinja/filters.h"
#include "text/template/jinja/text_work.h"

namespace quern::text::jinja {
namespace {

// ---- texts

template <Case to>
Value to_case(Runtime& r, const Value& of, const Args& args) {
    bind<0>("upper and lower", args, {});
    return r.str(in_case(r, *r.text_of(of).string, to));
}

Value capitalize(Runtime& r, const Value& of, const Args& args) {
    bind<0>("capitalize", args, {});
    return r.str(capitalized(r, *r.text_of(of).string));
}

// A word begins at the start, and behind white space, '-', or an opening bracket.
Value title(Runtime& r, const Value& of, const Args& args) {
    bind<0>("title", args, {});
    const Value text = r.text_of(of);
    const Str& s = *text.string;
    StrBuilder out;
    for (std::size_t at = 0; at < s.bytes.size();) {
        const std::size_t first = at, rest = at + char_bytes(s.bytes, at);
        const auto parts_words = [&](std::size_t i) {
            return space_bytes(s.bytes, i) > 0 || std::string_view("-([{<").find(s.bytes[i]) != std::string_view::npos;
        };
        while (at < s.bytes.size() && !parts_words(at)) at += char_bytes(s.bytes, at);
        at = std::max(at, rest);
        out.add(in_case(r, cut(s, first, rest), Case::upper));
        out.add(in_case(r, cut(s, rest, at), Case::lower));
    }
    Str result = out.take();
    result.markup = s.markup;
    return r.str(std::move(result));
}

Value trim(Runtime& r, const Value& of, const Args& args) {
    const auto [chars] = bind<1>("trim", args, {"chars"});
    const Value text = r.text_of(of);
    const Str* set = chars && !chars->is(Type::none) ? &Runtime::string(*chars, "trim") : nullptr;
    return r.str(stripped(r, *text.string, set, true, true));
}

Value replace(Runtime& r, const Value& of, const Args& args) {
    const auto [from, to, count] = bind<3>("replace", args, {"old", "new", "count"}, 2);
    const std::int64_t times = count && !count->is(Type::none) ? Runtime::integer(*count, "replace") : -1;
    Str out = replaced(r, *r.text_of(of).string, *r.text_of(*from).string, *r.text_of(*to).string, times);
    out.markup = false;
    return r.str(std::move(out));
}

Value string(Runtime& r, const Value& of, const Args& args) {
    bind<0>("string", args, {});
    return r.text_of(of);
}

Value safe(Runtime& r, const Value& of, const Args& args) {
    bind<0>("safe", args, {});
    Str s = *r.text_of(of).string;
    s.markup = true;
    return r.str(std::move(s));
}

template <bool force>
Value escape(Runtime& r, const Value& of, const Args& args) {
    bind<0>("escape", args, {});
    const Value text = r.text_of(of);
    if (text.string->markup && !force) return text;
    r.budget.make(text.string->bytes.size() * 5);
    return r.str(escaped(*text.string));
}

Value indent(Runtime& r, const Value& of, const Args& args) {
    const auto [width, first, blank] = bind<3>("indent", args, {"width", "first", "blank"});
    Runtime::string(of, "indent");
    const Value& text = of;
    Str pad;
    if (width && width->is(Type::string)) {
        pad = *width->string;
    } else {
        const std::int64_t n = width ? Runtime::integer(*width, "indent") : 4;
        if (n > 1000) refuse("indent: the width is above 1000");
        pad = Str::of(std::string(static_cast<std::size_t>(std::max<std::int64_t>(n, 0)), ' '), Origin::ours);
    }
    const bool pads_blank = blank && r.truth(*blank), pads_first = first && r.truth(*first);
    // A last line end counts as a line that follows it.
    const Method* splitlines = find_method(text, "splitlines");
    Str whole = *text.string;
    whole.bytes += '\n';
    const std::vector<Value> lines = splitlines->run(r, r.str(std::move(whole)), {}).list->items;
    StrBuilder out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        r.budget.make(pad.bytes.size() + 1);
        if (i > 0) out.add("\n", Origin::ours);
        const bool padded = i == 0 ? pads_first : pads_blank || !lines[i].string->bytes.empty();
        if (padded) out.add(pad);
        out.add(*lines[i].string);
    }
    return r.str(out.take());
}

Value format(Runtime& r, const Value& of, const Args& args) {
    if (!args.named.empty()) refuse("format: named values are not known");
    return percent_format(r, *r.text_of(of).string, r.list(List::Kind::tuple, args.positional));
}

Value center(Runtime& r, const Value& of, const Args& args) {
    const auto [width] = bind<1>("center", args, {"width"});
    return r.str(padded(r, *r.text_of(of).string, width ? Runtime::integer(*width, "center") : 80, " ", true, true));
}

Value truncate(Runtime& r, const Value& of, const Args& args) {
    const auto [length, kill, end, leeway] = bind<4>("truncate", args, {"length", "killwords", "end", "leeway"});
    const auto size = r.length(of);
    if (!size) refuse("truncate: a {} has no length", type_name(of));
    const Value& text = of;
    const std::int64_t most = length ? Runtime::integer(*length, "truncate") : 255;
    const Str tail = end ? Runtime::string(*end, "truncate") : Str::of("...", Origin::ours);
    const auto tail_size = static_cast<std::int64_t>(count_chars(tail.bytes));
    const std::int64_t slack = leeway && !leeway->is(Type::none) ? Runtime::integer(*leeway, "truncate") : 5;
    if (most < tail_size) refuse("truncate: the length {} is less than the end's {}", most, tail_size);
    if (slack < 0) refuse("truncate: the leeway is negative");
    if (static_cast<std::int64_t>(*size) - slack <= most) return text;
    if (!of.is(Type::string)) refuse("truncate needs a string, not {}", type_name(of));
    Str kept = *r.slice(text, Value::none(), Value::of(most - tail_size), Value::none()).string;
    if (!kill || !r.truth(*kill)) {
        const std::size_t space = kept.bytes.rfind(' ');
        if (space != std::string::npos) kept = cut(kept, 0, space);
    }
    StrBuilder out;
    out.add(kept);
    out.add(tail);
    return r.str(out.take());
}

Value word_count(Runtime& r, const Value& of, const Args& args) {
    bind<0>("wordcount", args, {});
    const std::string& s = r.text_of(of).string->bytes;
    r.budget.read(s.size() * 16);
    std::int64_t n = 0;
    bool inside = false;
    for (std::size_t at = 0, size = 0; at < s.size(); at += size) {
        size = char_bytes(s, at);
        const std::string_view c = std::string_view(s).substr(at, size);
        const bool word = c == "_" || is(CharClass::alpha, c) || is(CharClass::digit, c);
        n += word && !inside;
        inside = word;
    }
    return Value::of(n);
}

Value urlencode(Runtime& r, const Value& of, const Args& args) {
    bind<0>("urlencode", args, {});
    if (!of.is(Type::string)) refuse("urlencode is known for strings only, not for {}", type_name(of));
    const Str& s = *of.string;
    r.budget.make(s.bytes.size() * 3);
    StrBuilder out;
    for (std::size_t i = 0; i < s.bytes.size(); ++i) {
        const char c = s.bytes[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("_.-~/").find(c) != std::string_view::npos;
        if (plain)
            out.add(s, i, i + 1);
        else
            out.add(fmt::format("%{:02X}", static_cast<unsigned char>(c)), s.origin_at(i));
    }
    return r.str(out.take());
}

// ---- JSON

bool flag(Runtime& r, const std::optional<Value>& v) { return v && r.truth(*v); }

Value tojson(Runtime& r, const Value& of, const Args& args) {
    const auto [ascii, indent, separators, sorted] =
        bind<4>("tojson", args, {"ensure_ascii", "indent", "separators", "sort_keys"});
    JsonStyle style{.ensure_ascii = flag(r, ascii), .sort_keys = flag(r, sorted)};
    if (indent && indent->is(Type::string)) {
        style.indent = *indent->string;
    } else if (indent && !indent->is(Type::none)) {
        const std::int64_t n = Runtime::integer(*indent, "tojson: indent");
        if (n > 100) refuse("tojson: the indent is above 100");
        style.indent = Str::of(std::string(static_cast<std::size_t>(std::max<std::int64_t>(n, 0)), ' '), Origin::ours);
    }
    style.item_separator = Str::of(style.indent ? "," : ", ", Origin::ours);
    style.key_separator = Str::of(": ", Origin::ours);
    if (separators && !separators->is(Type::none)) {
        const std::vector<Value> two = r.items_of(*separators);
        if (two.size() != 2) refuse("tojson: separators need two texts");
        style.item_separator = Runtime::string(two[0], "tojson: separators");
        style.key_separator = Runtime::string(two[1], "tojson: separators");
    }
    StrBuilder out;
    r.tojson(out, of, style);
    return r.str(out.take());
}

Value from_json(Runtime& r, const Value& of, const Args& args) {
    bind<0>("from_json", args, {});
    const Str& s = Runtime::string(of, "from_json");
    r.budget.make(s.bytes.size() * 4);
    try {
        return r.from_json(parse_json(s.bytes, "a text given to from_json"), s.origin());
    } catch (const Error& e) {
        throw Error(Code::bad_request, "{}", e.what());
    }
}

// ---- numbers

Value absolute(Runtime& r, const Value& of, const Args& args) {
    bind<0>("abs", args, {});
    if (of.is(Type::real)) return Value::of(std::fabs(of.real));
    return Runtime::integer(of, "abs") < 0 ? r.negate(of) : Value::of(of.as_integer());
}

// A whole text as a number, white space around it and '_' between digits allowed.
template <class T>
std::optional<T> parsed(std::string_view s) {
    s = s.substr(skip_space(s, 0));
    s = s.substr(0, trim_end(s));
    std::string digits;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const auto is_digit = [&](std::size_t k) { return k < s.size() && s[k] >= '0' && s[k] <= '9'; };
        if (s[i] == '_' && i > 0 && is_digit(i - 1) && is_digit(i + 1)) continue;
        digits += s[i];
    }
    s = digits;
    if (s.starts_with('+') && !s.starts_with("+-")) s.remove_prefix(1);
    T v{};
    const auto r = std::from_chars(s.data(), s.data() + s.size(), v);
    if (r.ec != std::errc() || r.ptr != s.data() + s.size()) return std::nullopt;
    return v;
}

Value to_integer(Runtime&, const Value& of, const Args& args) {
    const auto [otherwise, base] = bind<2>("int", args, {"default", "base"});
    if (base && !(base->is_integral() && base->as_integer() == 10)) refuse("int: only base 10 is known");
    const Value fallback = otherwise.value_or(Value::of(std::int64_t{0}));
    double real = 0;
    if (of.is(Type::undefined)) refuse("{}", undefined_sentence(of));
    if (of.is_integral()) return Value::of(of.as_integer());
    if (of.is(Type::real)) {
        real = of.real;
    } else if (of.is(Type::string)) {
        if (const auto i = parsed<std::int64_t>(of.string->bytes)) return Value::of(*i);
        const auto d = parsed<double>(of.string->bytes);
        if (!d) return fallback;
        real = *d;
    } else {
        return fallback;
    }
    if (!std::isfinite(real)) return fallback;
    if (!(std::fabs(real) < 9.2e18)) refuse("int: the number {} is too large for 64 bits", real);
    return Value::of(static_cast<std::int64_t>(real));
}

Value to_real(Runtime&, const Value& of, const Args& args) {
    const auto [otherwise] = bind<1>("float", args, {"default"});
    if (of.is(Type::undefined)) refuse("{}", undefined_sentence(of));
    if (of.is_number()) return Value::of(of.as_real());
    if (of.is(Type::string))
        if (const auto d = parsed<double>(of.string->bytes)) return Value::of(*d);
    return otherwise.value_or(Value::of(0.0));
}

Value round(Runtime& r, const Value& of, const Args& args) {
    const auto [precision, method] = bind<2>("round", args, {"precision", "method"});
    const std::int64_t places = precision ? Runtime::integer(*precision, "round") : 0;
    const std::string how = method ? Runtime::string(*method, "round").bytes : "common";
    if (!of.is_number()) refuse("round needs a number, not {}", type_name(of));
    if (places < 0 || places > 15) refuse("round: 0 to 15 places are known, not {}", places);
    const double scale = std::pow(10.0, static_cast<double>(places)), v = of.as_real();
    if (how == "ceil") return Value::of(std::ceil(v * scale) / scale);
    if (how == "floor") return Value::of(std::floor(v * scale) / scale);
    if (how != "common") refuse("round: the method is one of common, ceil and floor");
    if (of.is_integral()) return Value::of(of.as_integer());
    // The decimal nearest to the value's exact worth, as Python rounds.
    const std::string text = fmt::format("{:.{}f}", v, places);
    r.budget.read(text.size());
    return Value::of(*parsed<double>(text));
}

// ---- whatever

Value otherwise(Runtime& r, const Value& of, const Args& args) {
    const auto [value, boolean] = bind<2>("default", args, {"default_value", "boolean"});
    const bool use = of.is(Type::undefined) || (flag(r, boolean) && !r.truth(of));
    if (!use) return of;
    return value ? *value : r.str("", Origin::ours);
}

Value attribute(Runtime& r, const Value& of, const Args& args) {
    const auto [name] = bind<1>("attr", args, {"name"}, 1);
    Runtime::string(*name, "attr");
    // Attributes proper: what a dictionary holds is none.
    if (of.is(Type::undefined)) refuse("{}", undefined_sentence(of));
    if (of.is(Type::dict) && !find_method(of, name->string->bytes)) return Value::undefined(name->string);
    return r.attribute(of, *name);
}

constexpr Filter filters[] = {
    {"abs", absolute},
    {"attr", attribute},
    {"capitalize", capitalize},
    {"center", center},
    {"d", otherwise},
    {"default", otherwise},
    {"e", escape<false>},
    {"escape", escape<false>},
    {"float", to_real},
    {"forceescape", escape<true>},
    {"format", format},
    {"from_json", from_json},
    {"indent", indent},
    {"int", to_integer},
    {"lower", to_case<Case::lower>},
    {"replace", replace},
    {"round", round},
    {"safe", safe},
    {"string", string},
    {"title", title},
    {"tojson", tojson},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", to_case<Case::upper>},
    {"urlencode", urlencode},
    {"wordcount", word_count},
};

}  // namespace

const std::span<const Filter> value_filters = filters;

const Filter* find_filter(std::string_view name) {
    for (const std::span<const Filter> table : {value_filters, sequence_filters}) {
        const auto f = std::ranges::lower_bound(table, name, {}, &Filter::name);
        if (f != table.end() && f->name == name) return &*f;
    }
    return nullptr;
}

}  // namespace quern::text::jinja
