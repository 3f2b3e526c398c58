// JSON out, as Python's json.dumps writes it, and in.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "text/template/jinja/runtime.h"
#include "text/template/jinja/unicode.h"
#include "text/utf8.h"

namespace quern::text::jinja {
namespace {

void newline(StrBuilder& out, const JsonStyle& style, int level) {
    out.add("\n", Origin::ours);
    for (int i = 0; i < level; ++i) out.add(*style.indent);
}

std::string unicode_escape(char32_t code) {
    const auto c = static_cast<std::uint32_t>(code);
    if (c < 0x10000) return fmt::format("\\u{:04x}", c);
    return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
}

std::string json_float(double v) {
    if (std::isnan(v)) return "NaN";
    if (std::isinf(v)) return v < 0 ? "-Infinity" : "Infinity";
    return python_float(v);
}

}  // namespace

void Runtime::json_string(StrBuilder& out, const Str& s, const JsonStyle& style) {
    budget.make(s.bytes.size());
    constexpr std::string_view from = "\"\\\n\r\t\f\b", to = "\"\\nrtfb";
    out.add("\"", Origin::ours);
    std::size_t plain = 0;  // where the bytes begin that stay as they are
    for (std::size_t at = 0; at < s.bytes.size();) {
        const char c = s.bytes[at];
        const bool ascii = static_cast<unsigned char>(c) < 0x80, control = static_cast<unsigned char>(c) < 0x20;
        if (ascii ? !control && c != '"' && c != '\\' : !style.ensure_ascii) {
            ++at;
            continue;
        }
        const std::size_t n = char_bytes(s.bytes, at), known = from.find(c);
        const std::string_view character = std::string_view(s.bytes).substr(at, n);
        if (next_character(character).kind == Utf8::valid) {
            out.add(s, plain, at);
            out.add(known != from.npos ? fmt::format("\\{}", to[known]) : unicode_escape(code_point(character)),
                    s.origin_at(at));
            plain = at + n;
        }
        at += n;
    }
    out.add(s, plain, s.bytes.size());
    out.add("\"", Origin::ours);
}

void Runtime::json_key(StrBuilder& out, const Value& key, const JsonStyle& style) {
    switch (key.type) {
        case Type::string:
            return json_string(out, *key.string, style);
        case Type::none:
            return out.add("\"null\"", Origin::ours);
        case Type::boolean:
            return out.add(key.boolean ? "\"true\"" : "\"false\"", Origin::ours);
        case Type::integer:
            return out.add(fmt::format("\"{}\"", key.integer), Origin::ours);
        case Type::real:
            return out.add(fmt::format("\"{}\"", json_float(key.real)), Origin::ours);
        default:
            refuse("tojson: {} cannot be a key", type_name(key));
    }
}

void Runtime::json_value(StrBuilder& out, const Value& v, const JsonStyle& style, int depth) {
    budget.make(8);
    const Budget::Level level(budget);
    const bool list = v.is(Type::list) && v.list->kind <= List::Kind::tuple;
    if (!list && !v.is(Type::dict)) {
        switch (v.type) {
            case Type::none:
                return out.add("null", Origin::ours);
            case Type::boolean:
                return out.add(v.boolean ? "true" : "false", Origin::ours);
            case Type::integer:
                return out.add(fmt::format("{}", v.integer), Origin::ours);
            case Type::real:
                return out.add(json_float(v.real), Origin::ours);
            case Type::string:
                return json_string(out, *v.string, style);
            default:
                refuse("tojson: a value of type {} cannot be written as JSON", type_name(v));
        }
    }
    const std::size_t size = list ? v.list->items.size() : v.dict->items.size();
    if (size == 0) return out.add(list ? "[]" : "{}", Origin::ours);
    std::vector<std::pair<Value, Value>> sorted;
    if (!list && style.sort_keys) {
        budget.make(size * 2 * sizeof(Value));
        sorted = v.dict->items;
        std::ranges::stable_sort(sorted, [&](const auto& a, const auto& b) { return less(a.first, b.first); });
    }
    out.add(list ? "[" : "{", Origin::ours);
    const int inner = style.indent ? depth + 1 : 0;
    for (std::size_t i = 0; i < size; ++i) {
        if (i > 0) out.add(style.item_separator);
        if (style.indent) {
            budget.make(static_cast<std::size_t>(inner) * style.indent->bytes.size());
            newline(out, style, inner);
        }
        if (list) {
            json_value(out, v.list->items[i], style, inner);
            continue;
        }
        const auto& [key, value] = sorted.empty() ? v.dict->items[i] : sorted[i];
        json_key(out, key, style);
        out.add(style.key_separator);
        json_value(out, value, style, inner);
    }
    if (style.indent) newline(out, style, depth);
    out.add(list ? "]" : "}", Origin::ours);
}

void Runtime::tojson(StrBuilder& out, const Value& v, const JsonStyle& style) { json_value(out, v, style, 0); }

Value Runtime::from_json(const Json& json, Origin origin) {
    const Budget::Level level(budget);
    switch (json.type()) {
        case Json::value_t::object: {
            Dict* d = new_dict();
            for (const auto& [key, value] : json.items()) {
                budget.make(2 * sizeof(Value));
                d->items.emplace_back(str(key, origin), from_json(value, origin));
            }
            return Value::of(d);
        }
        case Json::value_t::array: {
            std::vector<Value> items;
            for (const Json& item : json) items.push_back(from_json(item, origin));
            return list(std::move(items));
        }
        case Json::value_t::string:
            return str(json.get_ref<const std::string&>(), origin);
        case Json::value_t::boolean:
            return Value::of(json.get<bool>());
        case Json::value_t::number_integer:
            return Value::of(json.get<std::int64_t>());
        case Json::value_t::number_unsigned:
            if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                refuse("the number {} is too large for 64 bits with a sign", json.get<std::uint64_t>());
            return Value::of(json.get<std::int64_t>());
        case Json::value_t::number_float:
            return Value::of(json.get<double>());
        default:
            return Value::none();
    }
}

}  // namespace quern::text::jinja
