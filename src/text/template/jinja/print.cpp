// Values as text, as Python's str() and repr() write them.
#include <charconv>
#include <cmath>

#include "text/template/jinja/runtime.h"
#include "text/template/jinja/unicode.h"
#include "text/utf8.h"

namespace quern::text::jinja {

std::string python_float(double v) {
    if (std::isnan(v)) return "nan";
    if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
    char buffer[40];
    const auto r = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific);
    std::string_view text(buffer, static_cast<std::size_t>(r.ptr - buffer));
    std::string out, digits;
    if (text.starts_with('-')) {
        out = "-";
        text.remove_prefix(1);
    }
    const std::size_t e = text.find('e');
    int exponent = 0;
    const char* number = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
    std::from_chars(number, text.data() + text.size(), exponent);
    for (const char c : text.substr(0, e))
        if (c != '.') digits += c;
    if (exponent < -4 || exponent >= 16) {
        out += digits[0];
        if (digits.size() > 1) out += "." + digits.substr(1);
        return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
    }
    if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
    return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

Str escaped(const Str& s) {
    StrBuilder b;
    for (std::size_t i = 0; i < s.bytes.size(); ++i) {
        const Origin origin = s.origin_at(i);
        switch (s.bytes[i]) {
            case '&':
                b.add("&amp;", origin);
                break;
            case '<':
                b.add("&lt;", origin);
                break;
            case '>':
                b.add("&gt;", origin);
                break;
            case '\'':
                b.add("&#39;", origin);
                break;
            case '"':
                b.add("&#34;", origin);
                break;
            default:
                b.add(s, i, i + 1);
        }
    }
    Str out = b.take();
    out.markup = true;
    return out;
}

void Runtime::repr_string(StrBuilder& out, const Str& s) {
    budget.make(s.bytes.size());
    const bool single = s.bytes.find('\'') != s.bytes.npos && s.bytes.find('"') == s.bytes.npos;
    const char quote = single ? '"' : '\'';
    if (s.markup) out.add("Markup(", Origin::ours);
    out.add(std::string_view(&quote, 1), Origin::ours);
    for (std::size_t at = 0, n = 0; at < s.bytes.size(); at += n) {
        n = char_bytes(s.bytes, at);
        const std::string_view c = std::string_view(s.bytes).substr(at, n);
        const Origin origin = s.origin_at(at);
        if (c[0] == quote || c[0] == '\\') {
            out.add(fmt::format("\\{}", c), origin);
        } else if (c == "\n" || c == "\r" || c == "\t") {
            out.add(c == "\n" ? "\\n" : c == "\r" ? "\\r" : "\\t", origin);
        } else if (is(CharClass::printable, c) || next_character(c).kind != Utf8::valid) {
            out.add(s, at, at + n);
        } else {
            const auto code = static_cast<std::uint32_t>(code_point(c));
            out.add(code < 0x100     ? fmt::format("\\x{:02x}", code)
                    : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                                     : fmt::format("\\U{:08x}", code),
                    origin);
        }
    }
    out.add(std::string_view(&quote, 1), Origin::ours);
    if (s.markup) out.add(")", Origin::ours);
}

void Runtime::repr_items(StrBuilder& out, const List& l) {
    using Kind = List::Kind;
    if (l.kind == Kind::range) {  // always of integers
        const std::vector<Value>& v = l.items;
        const std::int64_t step = v.size() > 1 ? v[1].integer - v[0].integer : 1;
        const std::int64_t begin = v.empty() ? 0 : v[0].integer, end = v.empty() ? 0 : v.back().integer + step;
        out.add(
            step == 1 ? fmt::format("range({}, {})", begin, end) : fmt::format("range({}, {}, {})", begin, end, step),
            Origin::ours);
        return;
    }
    if (l.kind == Kind::generator) refuse("a generator has no text; `| list` makes a list of it");
    const bool view = l.kind == Kind::keys || l.kind == Kind::values || l.kind == Kind::items;
    if (view) out.add(fmt::format("{}(", type_name(Value::of(const_cast<List*>(&l)))), Origin::ours);
    out.add(l.kind == Kind::tuple ? "(" : "[", Origin::ours);
    for (std::size_t i = 0; i < l.items.size(); ++i) {
        if (i > 0) out.add(", ", Origin::ours);
        repr(out, l.items[i]);
    }
    if (l.kind == Kind::tuple && l.items.size() == 1) out.add(",", Origin::ours);
    out.add(l.kind == Kind::tuple ? ")" : "]", Origin::ours);
    if (view) out.add(")", Origin::ours);
}

void Runtime::repr(StrBuilder& out, const Value& v) {
    budget.make(8);
    const Budget::Level level(budget);
    switch (v.type) {
        case Type::missing:
        case Type::undefined:
            return out.add("Undefined", Origin::ours);
        case Type::none:
            return out.add("None", Origin::ours);
        case Type::boolean:
            return out.add(v.boolean ? "True" : "False", Origin::ours);
        case Type::integer:
            return out.add(fmt::format("{}", v.integer), Origin::ours);
        case Type::real:
            return out.add(python_float(v.real), Origin::ours);
        case Type::string:
            return repr_string(out, *v.string);
        case Type::list:
            return repr_items(out, *v.list);
        case Type::space:
        case Type::dict:
            out.add(v.is(Type::space) ? "<Namespace {" : "{", Origin::ours);
            for (std::size_t i = 0; i < v.dict->items.size(); ++i) {
                if (i > 0) out.add(", ", Origin::ours);
                repr(out, v.dict->items[i].first);
                out.add(": ", Origin::ours);
                repr(out, v.dict->items[i].second);
            }
            return out.add(v.is(Type::space) ? "}>" : "}", Origin::ours);
        case Type::callable:
        case Type::loop:
            refuse("a {} has no text", type_name(v));
    }
}

void Runtime::print(StrBuilder& out, const Value& v) {
    if (v.is(Type::undefined)) return;
    if (!v.is(Type::string)) return repr(out, v);
    budget.make(v.string->bytes.size());
    out.add(*v.string);
}

Value Runtime::text_of(const Value& v) {
    if (v.is(Type::string)) return v;
    StrBuilder b;
    print(b, v);
    return str(b.take());
}

namespace {

struct Directive {
    bool left = false, zero = false;
    int width = 0, precision = -1;
    char kind = 0;
};

// What stands behind a '%', up to its letter.
Directive read_directive(std::string_view format, std::size_t& at) {
    Directive d;
    for (; at < format.size() && (format[at] == '-' || format[at] == '0'); ++at)
        (format[at] == '-' ? d.left : d.zero) = true;
    const auto digits = [&](int& n) {
        n = 0;
        for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at)
            if ((n = n * 10 + (format[at] - '0')) > 1000) refuse("a width in a format is above 1000");
    };
    digits(d.width);
    if (at < format.size() && format[at] == '.') digits((++at, d.precision));
    if (at >= format.size()) refuse("a format ends inside a directive");
    d.kind = format[at++];
    return d;
}

}  // namespace

Value percent_format(Runtime& r, const Str& format, const Value& values) {
    const bool tuple = values.is(Type::list) && values.list->kind == List::Kind::tuple;
    std::size_t used = 0;
    const auto take = [&]() -> Value {
        const std::size_t size = tuple ? values.list->items.size() : 1;
        if (used == size) refuse("a format has more directives than values");
        ++used;
        return tuple ? values.list->items[used - 1] : values;
    };
    StrBuilder out;
    const std::string& f = format.bytes;
    for (std::size_t at = 0; at < f.size();) {
        const std::size_t percent = std::min(f.find('%', at), f.size());
        out.add(format, at, percent);
        if (percent == f.size()) break;
        at = percent + 1;
        const Directive d = read_directive(f, at);
        StrBuilder piece;
        if (d.kind == '%') {
            piece.add("%", Origin::ours);
        } else if (d.kind == 's' || d.kind == 'r') {
            if (d.precision >= 0 || d.zero) refuse("%{} in a format knows a width only", d.kind);
            d.kind == 's' ? r.print(piece, take()) : r.repr(piece, take());
        } else {
            const Value v = take();
            if (!v.is_number()) refuse("%{} needs a number, not {}", d.kind, type_name(v));
            if ((d.kind == 'd' || d.kind == 'i') && v.is_integral())
                piece.add(fmt::format("{}", v.as_integer()), Origin::ours);
            else if (d.kind == 'x' && v.is_integral())
                piece.add(fmt::format("{:x}", v.as_integer()), Origin::ours);
            else if (d.kind == 'f')
                piece.add(fmt::format("{:.{}f}", v.as_real(), d.precision < 0 ? 6 : d.precision), Origin::ours);
            else
                refuse("%{} in a format is not known for {}", d.kind, type_name(v));
        }
        const auto size = static_cast<int>(count_chars(piece.str().bytes));
        const std::size_t missing = static_cast<std::size_t>(std::max(0, d.width - size));
        const bool zeros = d.zero && !d.left, sign = zeros && piece.str().bytes.starts_with('-');
        if (sign) out.add("-", Origin::ours);
        const std::string pad(missing, zeros ? '0' : ' ');
        if (!d.left) out.add(pad, Origin::ours);
        out.add(piece.str(), sign ? 1 : 0, piece.size());
        if (d.left) out.add(pad, Origin::ours);
    }
    // A value that could be looked into by name may be left over; so says Python.
    const bool spare =
        values.is(Type::dict) || values.is(Type::undefined) || (values.is(Type::list) && values.list->indexable());
    if (tuple ? used < values.list->items.size() : used == 0 && !spare)
        refuse("a format has fewer directives than values");
    return r.str(out.take());
}

}  // namespace quern::text::jinja
