#include "text/template/jinja/runtime.h"

#include <cstring>

#include <algorithm>

#include "text/template/jinja/builtins.h"
#include "text/template/jinja/unicode.h"

namespace quern::text::jinja {

const char* type_name(const Value& v) {
    switch (v.type) {
        case Type::missing:
        case Type::undefined:
            return "Undefined";
        case Type::none:
            return "NoneType";
        case Type::boolean:
            return "bool";
        case Type::integer:
            return "int";
        case Type::real:
            return "float";
        case Type::string:
            return "str";
        case Type::list: {
            constexpr const char* names[] = {"list",       "tuple", "dict_keys", "dict_values",
                                             "dict_items", "range", "generator"};
            return names[static_cast<std::size_t>(v.list->kind)];
        }
        case Type::dict:
            return "dict";
        case Type::space:
            return "Namespace";
        case Type::callable:
            return "function";
        case Type::loop:
            return "loop";
    }
    return "?";
}

std::string undefined_sentence(const Value& v) {
    return v.string ? fmt::format("'{}' is undefined", v.string->bytes) : std::string("a value is undefined");
}

std::int64_t Runtime::integer(const Value& v, std::string_view who) {
    if (!v.is_integral()) refuse("{} needs an integer, not {}", who, type_name(v));
    return v.as_integer();
}

const Str& Runtime::string(const Value& v, std::string_view who) {
    if (!v.is(Type::string)) refuse("{} needs a string, not {}", who, type_name(v));
    return *v.string;
}

Value Runtime::str(Str s) {
    budget.make(s.bytes.size() + s.data.size() * sizeof(Span) + sizeof(Str));
    return heap_.add(std::move(s));
}

Value Runtime::list(List::Kind kind, std::vector<Value> items) {
    budget.make(items.size() * sizeof(Value) + sizeof(List));
    return Value::of(heap_.list(kind, std::move(items)));
}

Dict* Runtime::new_dict() {
    budget.make(sizeof(Dict));
    return heap_.dict();
}

Value Runtime::callable(Callable c) {
    budget.make(sizeof(Callable));
    return Value::of(heap_.callable(c));
}

Loop* Runtime::loop() {
    budget.make(sizeof(Loop));
    return heap_.loop();
}

const Value* Runtime::find(const Dict& d, const Value& key) {
    if (key.is(Type::string)) return find(d, key.string->bytes);
    if (key.is(Type::dict) || (key.is(Type::list) && key.list->kind == List::Kind::list))
        refuse("a {} cannot be a key of a dictionary", type_name(key));
    budget.step(static_cast<std::int64_t>(d.items.size() >> 3));
    for (const auto& [k, v] : d.items)
        if (!k.is(Type::string) && equal(k, key)) return &v;
    return nullptr;
}

const Value* Runtime::find(const Dict& d, std::string_view key) {
    budget.step(static_cast<std::int64_t>(d.items.size() >> 3));
    for (const auto& [k, v] : d.items)
        if (k.is_string(key)) return &v;
    return nullptr;
}

void Runtime::put(Dict& d, const Value& key, const Value& value) {
    if (const Value* there = find(d, key)) {
        const_cast<Value&>(*there) = value;
        return;
    }
    budget.make(2 * sizeof(Value));
    d.items.emplace_back(key, value);
}

bool Runtime::truth(const Value& v) const {
    switch (v.type) {
        case Type::missing:
        case Type::undefined:
        case Type::none:
            return false;
        case Type::boolean:
            return v.boolean;
        case Type::integer:
            return v.integer != 0;
        case Type::real:
            return v.real != 0;
        case Type::string:
            return !v.string->bytes.empty();
        case Type::list:
            return v.list->kind == List::Kind::generator || !v.list->items.empty();
        case Type::dict:
            return !v.dict->items.empty();
        default:
            return true;
    }
}

bool Runtime::same_dicts(const Dict& a, const Dict& b) {
    if (a.items.size() != b.items.size()) return false;
    for (const auto& [key, value] : a.items) {
        const Value* other = find(b, key);
        if (!other || !equal(value, *other)) return false;
    }
    return true;
}

bool Runtime::equal(const Value& a, const Value& b) {
    budget.step();
    if (a.is_number() && b.is_number()) {
        if (a.is_integral() && b.is_integral()) return a.as_integer() == b.as_integer();
        return a.as_real() == b.as_real();
    }
    if (a.type != b.type) return false;
    switch (a.type) {
        case Type::missing:
        case Type::undefined:
        case Type::none:
            return true;
        case Type::string:
            if (a.string->bytes.size() == b.string->bytes.size()) budget.read(a.string->bytes.size());
            return a.string->bytes == b.string->bytes;
        case Type::list: {
            if (a.list == b.list) return true;
            if (a.list->kind != b.list->kind || !a.list->indexable() || a.list->items.size() != b.list->items.size())
                return false;
            const Budget::Level level(budget);
            for (std::size_t i = 0; i < a.list->items.size(); ++i)
                if (!equal(a.list->items[i], b.list->items[i])) return false;
            return true;
        }
        case Type::dict: {
            const Budget::Level level(budget);
            return a.dict == b.dict || same_dicts(*a.dict, *b.dict);
        }
        default:
            return a.integer == b.integer;  // the same object
    }
}

bool Runtime::less(const Value& a, const Value& b) {
    budget.step();
    for (const Value* v : {&a, &b})
        if (v->is(Type::undefined)) refuse("{}", undefined_sentence(*v));
    if (a.is_integral() && b.is_integral()) return a.as_integer() < b.as_integer();
    if (a.is_number() && b.is_number()) return a.as_real() < b.as_real();
    if (a.is(Type::string) && b.is(Type::string)) {
        budget.read(std::min(a.string->bytes.size(), b.string->bytes.size()));
        return a.string->bytes < b.string->bytes;
    }
    if (a.is(Type::list) && b.is(Type::list) && a.list->kind == b.list->kind &&
        (a.list->kind == List::Kind::list || a.list->kind == List::Kind::tuple)) {
        const Budget::Level level(budget);
        const std::vector<Value>&x = a.list->items, &y = b.list->items;
        for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
            if (!equal(x[i], y[i])) return less(x[i], y[i]);
        return x.size() < y.size();
    }
    refuse("{} and {} have no order", type_name(a), type_name(b));
}

bool Runtime::holds(const std::vector<Value>& items, const Value& v) {
    return std::ranges::any_of(items, [&](const Value& item) { return equal(item, v); });
}

bool Runtime::contains(const Value& in, const Value& v) {
    budget.step();
    switch (in.type) {
        case Type::undefined:
            return false;
        case Type::string: {
            if (!v.is(Type::string)) refuse("'in' a string needs a string, not {}", type_name(v));
            const std::string &text = in.string->bytes, &part = v.string->bytes;
            budget.read(text.size());
            return memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
        }
        case Type::list:
            if (in.list->kind == List::Kind::generator) return holds(items_of(in), v);
            return holds(in.list->items, v);
        case Type::dict:
            return find(*in.dict, v) != nullptr;
        case Type::loop:
            return holds(in.loop->items, v);
        default:
            refuse("'in' needs something that can be searched, not {}", type_name(in));
    }
}

std::vector<Value> Runtime::items_of(const Value& v) {
    std::vector<Value> out;
    switch (v.type) {
        case Type::undefined:
            return out;
        case Type::string: {
            const std::string& s = v.string->bytes;
            budget.make(s.size() * (sizeof(Value) + sizeof(Str)));
            for (std::size_t at = 0, n = 0; at < s.size(); at += n) {
                n = char_bytes(s, at);
                StrBuilder one;  // no markup, whatever the text is
                one.add(*v.string, at, at + n);
                out.push_back(heap_.add(one.take()));
            }
            return out;
        }
        case Type::list:
            budget.make(v.list->items.size() * sizeof(Value));
            if (v.list->kind != List::Kind::generator) return v.list->items;
            if (!v.list->spent) out = v.list->items;
            v.list->spent = true;
            return out;
        case Type::dict:
            budget.make(v.dict->items.size() * sizeof(Value));
            for (const auto& item : v.dict->items) out.push_back(item.first);
            return out;
        case Type::loop:
            return v.loop->items;
        default:
            refuse("{} cannot be looped over", type_name(v));
    }
}

std::optional<std::size_t> Runtime::length(const Value& v) {
    switch (v.type) {
        case Type::undefined:
            return 0;
        case Type::string:
            budget.read(v.string->bytes.size());
            return count_chars(v.string->bytes);
        case Type::list:
            if (v.list->kind == List::Kind::generator) return std::nullopt;
            return v.list->items.size();
        case Type::dict:
            return v.dict->items.size();
        case Type::loop:
            return v.loop->items.size();
        default:
            return std::nullopt;
    }
}

Value Runtime::attribute(const Value& of, const Value& name) {
    budget.step();
    if (of.is(Type::undefined)) refuse("{}, so it has no '{}'", undefined_sentence(of), name.string->bytes);
    const std::string& n = name.string->bytes;
    if (of.is(Type::space)) {
        const Value* v = find(*of.dict, n);
        return v ? *v : Value::undefined(name.string);
    }
    if (const Method* m = find_method(of, n)) {
        if (of.is(Type::loop)) return m->run ? m->run(*this, of, {}) : Value::undefined(name.string);
        return callable({.method = m, .self = of});
    }
    if (of.is(Type::dict))
        if (const Value* v = find(*of.dict, n)) return *v;
    return Value::undefined(name.string);
}

Value Runtime::item(const Value& of, const Value& key) {
    budget.step();
    if (of.is(Type::undefined)) refuse("{}, so nothing is in it", undefined_sentence(of));
    const Value nothing = Value::undefined(key.is(Type::string) ? key.string : nullptr);
    if (of.is(Type::list) && of.list->indexable() && key.is_integral()) {
        const auto size = static_cast<std::int64_t>(of.list->items.size());
        const std::int64_t i = key.as_integer() < 0 ? key.as_integer() + size : key.as_integer();
        return i >= 0 && i < size ? of.list->items[static_cast<std::size_t>(i)] : nothing;
    }
    if (of.is(Type::string) && key.is_integral()) {
        const std::int64_t i = key.as_integer();
        if (i == std::numeric_limits<std::int64_t>::max()) return nothing;
        const Value one = slice(of, key, i == -1 ? Value::none() : Value::of(i + 1), Value::none());
        return one.string->bytes.empty() || (i < 0 && -i > static_cast<std::int64_t>(of.string->bytes.size())) ? nothing
                                                                                                               : one;
    }
    if (of.is(Type::dict) && !key.is(Type::dict) && !(key.is(Type::list) && key.list->kind == List::Kind::list))
        if (const Value* v = find(*of.dict, key)) return *v;
    if (!key.is(Type::string)) return nothing;
    if (of.is(Type::space)) return attribute(of, key);
    if (const Method* m = find_method(of, key.string->bytes)) {
        if (of.is(Type::loop)) return attribute(of, key);
        return callable({.method = m, .self = of});
    }
    return nothing;
}

namespace {

struct Range {
    std::int64_t begin, end, step;
};

// slice(begin, end, step).indices(size)
Range indices(const Value& begin, const Value& end, const Value& step, std::int64_t size) {
    const auto given = [](const Value& v, std::int64_t otherwise) {
        return v.is(Type::none) || v.is(Type::missing) ? otherwise : Runtime::integer(v, "a slice");
    };
    const std::int64_t s = given(step, 1);
    if (s == 0) refuse("a slice's step is zero");
    const std::int64_t low = s < 0 ? -1 : 0, high = s < 0 ? size - 1 : size;
    const auto clamp = [&](std::int64_t i) { return std::clamp(i < 0 ? i + size : i, low, high); };
    const bool no_begin = begin.is(Type::none) || begin.is(Type::missing),
               no_end = end.is(Type::none) || end.is(Type::missing);
    return {no_begin ? (s < 0 ? high : low) : clamp(given(begin, 0)),
            no_end ? (s < 0 ? low : high) : clamp(given(end, 0)), s};
}

template <class F>
void for_each(const Range& r, const F& take) {
    for (std::int64_t i = r.begin; r.step > 0 ? i < r.end : i > r.end;) {
        take(static_cast<std::size_t>(i));
        if (__builtin_add_overflow(i, r.step, &i)) return;
    }
}

}  // namespace

Value Runtime::slice(const Value& of, const Value& begin, const Value& end, const Value& step) {
    if (of.is(Type::undefined)) refuse("{}, so it has no slices", undefined_sentence(of));
    if (of.is(Type::list) && of.list->indexable()) {
        const std::vector<Value>& from = of.list->items;
        budget.make(from.size() * sizeof(Value));
        std::vector<Value> out;
        for_each(indices(begin, end, step, static_cast<std::int64_t>(from.size())),
                 [&](std::size_t i) { out.push_back(from[i]); });
        return list(of.list->kind, std::move(out));
    }
    if (!of.is(Type::string)) refuse("{} has no slices", type_name(of));
    const Str& s = *of.string;
    budget.make(s.bytes.size());
    const std::vector<std::size_t> at = char_offsets(s.bytes);
    const Range r = indices(begin, end, step, static_cast<std::int64_t>(at.size()) - 1);
    StrBuilder b;
    if (r.step == 1 && r.begin < r.end)
        b.add(s, at[static_cast<std::size_t>(r.begin)], at[static_cast<std::size_t>(r.end)]);
    else
        for_each(r, [&](std::size_t i) { b.add(s, at[i], at[i + 1]); });
    Str out = b.take();
    out.markup = s.markup;
    return str(std::move(out));
}

}  // namespace quern::text::jinja
