// Filters of sequences and dictionaries. Those that Jinja2 makes generators of give generators here too: they can be
// walked through once, and have no length.
#include <algorithm>
#include <charconv>

#include "text/template/jinja/filters.h"
#include "text/template/jinja/text_work.h"

namespace quern::text::jinja {

Value reach(Runtime& r, const Value& of, const Value& path) {
    if (path.is_integral()) return r.item(of, path);
    const Str& text = Runtime::string(path, "an attribute");
    Value v = of;
    for (std::size_t at = 0; at <= text.bytes.size();) {
        const std::size_t dot = std::min(text.bytes.find('.', at), text.bytes.size());
        const Value key = r.str(cut(text, at, dot));
        const std::string& k = key.string->bytes;
        std::int64_t number = 0;
        const bool digits = !k.empty() && k.find_first_not_of("0123456789") == k.npos &&
                            std::from_chars(k.data(), k.data() + k.size(), number).ec == std::errc();
        v = r.item(v, digits ? Value::of(number) : key);
        at = dot + 1;
    }
    return v;
}

Value folded(Runtime& r, const Value& v) { return v.is(Type::string) ? r.str(in_case(r, *v.string, Case::lower)) : v; }

namespace {

using Items = std::vector<Value>;
using Kind = List::Kind;

bool flag(Runtime& r, const std::optional<Value>& v) { return v && r.truth(*v); }

Value length(Runtime& r, const Value& of, const Args& args) {
    bind<0>("length", args, {});
    const auto n = r.length(of);
    if (!n) refuse("length: a {} has none", type_name(of));
    return Value::of(static_cast<std::int64_t>(*n));
}

Value to_list(Runtime& r, const Value& of, const Args& args) {
    bind<0>("list", args, {});
    return r.list(r.items_of(of));
}

Value items(Runtime& r, const Value& of, const Args& args) {
    bind<0>("items", args, {});
    if (of.is(Type::undefined)) return r.list(Kind::generator, {});
    if (!of.is(Type::dict)) refuse("items needs a mapping, not {}", type_name(of));
    Items out;
    for (const auto& [key, value] : of.dict->items) out.push_back(r.list(Kind::tuple, {key, value}));
    return r.list(Kind::generator, std::move(out));
}

Value first(Runtime& r, const Value& of, const Args& args) {
    bind<0>("first", args, {});
    const Items all = r.items_of(of);
    return all.empty() ? Value::undefined() : all.front();
}

Value last(Runtime& r, const Value& of, const Args& args) {
    bind<0>("last", args, {});
    if (of.is(Type::list) && of.list->kind == Kind::generator) refuse("last: a generator cannot be reversed");
    const Items all = r.items_of(of);
    return all.empty() ? Value::undefined() : all.back();
}

Value reverse(Runtime& r, const Value& of, const Args& args) {
    bind<0>("reverse", args, {});
    if (of.is(Type::string)) return r.slice(of, Value::none(), Value::none(), Value::of(std::int64_t{-1}));
    Items all = r.items_of(of);
    std::ranges::reverse(all);
    return r.list(Kind::generator, std::move(all));
}

Value join(Runtime& r, const Value& of, const Args& args) {
    const auto [separator, attribute] = bind<2>("join", args, {"d", "attribute"});
    Items all = r.items_of(of);
    if (attribute && !attribute->is(Type::none))
        for (Value& v : all) v = reach(r, v, *attribute);
    const Value between = separator ? r.text_of(*separator) : r.str("", Origin::ours);
    return r.str(joined(r, *between.string, all));
}

// ---- order

// Values with the keys that they are ordered by.
struct Keyed {
    Items keys;
    Value value;
};

void sort(Runtime& r, std::vector<Keyed>& all, bool reversed) {
    r.budget.make(all.size() * sizeof(Keyed));
    const auto before = [&](const Keyed& a, const Keyed& b) {
        for (std::size_t i = 0; i < a.keys.size(); ++i)
            if (!r.equal(a.keys[i], b.keys[i])) return r.less(a.keys[i], b.keys[i]);
        return false;
    };
    if (reversed)
        std::ranges::stable_sort(all, [&](const Keyed& a, const Keyed& b) { return before(b, a); });
    else
        std::ranges::stable_sort(all, before);
}

// "a,b" orders by a, then by b.
Items sort_keys(Runtime& r, const Value& v, const std::optional<Value>& attribute, bool case_matters) {
    Items keys;
    if (!attribute || attribute->is(Type::none)) {
        keys.push_back(v);
    } else if (attribute->is(Type::string)) {
        const Str& path = *attribute->string;
        for (std::size_t at = 0; at <= path.bytes.size();) {
            const std::size_t comma = std::min(path.bytes.find(',', at), path.bytes.size());
            keys.push_back(reach(r, v, r.str(cut(path, at, comma))));
            at = comma + 1;
        }
    } else {
        keys.push_back(reach(r, v, *attribute));
    }
    if (!case_matters)
        for (Value& key : keys) key = folded(r, key);
    return keys;
}

Items values_of(const std::vector<Keyed>& all) {
    Items out;
    for (const Keyed& k : all) out.push_back(k.value);
    return out;
}

Value sorted(Runtime& r, const Value& of, const Args& args) {
    const auto [reversed, case_matters, attribute] = bind<3>("sort", args, {"reverse", "case_sensitive", "attribute"});
    std::vector<Keyed> all;
    for (const Value& v : r.items_of(of)) all.push_back({sort_keys(r, v, attribute, flag(r, case_matters)), v});
    sort(r, all, flag(r, reversed));
    return r.list(values_of(all));
}

Value dictsort(Runtime& r, const Value& of, const Args& args) {
    const auto [case_matters, by, reversed] = bind<3>("dictsort", args, {"case_sensitive", "by", "reverse"});
    const std::string what = by ? Runtime::string(*by, "dictsort").bytes : "key";
    if (what != "key" && what != "value") refuse("dictsort: 'by' is 'key' or 'value'");
    if (!of.is(Type::dict)) refuse("dictsort needs a mapping, not {}", type_name(of));
    std::vector<Keyed> all;
    for (const auto& [key, value] : of.dict->items) {
        const Value v = what == "key" ? key : value;
        all.push_back({{flag(r, case_matters) ? v : folded(r, v)}, r.list(Kind::tuple, {key, value})});
    }
    sort(r, all, flag(r, reversed));
    return r.list(values_of(all));
}

template <bool largest>
Value extreme(Runtime& r, const Value& of, const Args& args) {
    const auto [case_matters, attribute] = bind<2>("min and max", args, {"case_sensitive", "attribute"});
    std::optional<Keyed> best;
    for (const Value& v : r.items_of(of)) {
        Value key = attribute && !attribute->is(Type::none) ? reach(r, v, *attribute) : v;
        if (!flag(r, case_matters)) key = folded(r, key);
        if (!best || (largest ? r.less(best->keys[0], key) : r.less(key, best->keys[0]))) best = Keyed{{key}, v};
    }
    return best ? best->value : Value::undefined();
}

Value unique(Runtime& r, const Value& of, const Args& args) {
    const auto [case_matters, attribute] = bind<2>("unique", args, {"case_sensitive", "attribute"});
    Items seen, out;
    for (const Value& v : r.items_of(of)) {
        Value key = attribute && !attribute->is(Type::none) ? reach(r, v, *attribute) : v;
        if (!flag(r, case_matters)) key = folded(r, key);
        if (key.is(Type::dict) || (key.is(Type::list) && key.list->kind == Kind::list))
            refuse("unique cannot compare a {}", type_name(key));
        if (std::ranges::any_of(seen, [&](const Value& s) { return r.equal(s, key); })) continue;
        seen.push_back(key);
        out.push_back(v);
    }
    return r.list(Kind::generator, std::move(out));
}

Value sum(Runtime& r, const Value& of, const Args& args) {
    const auto [attribute, start] = bind<2>("sum", args, {"attribute", "start"});
    Value total = start.value_or(Value::of(std::int64_t{0}));
    if (total.is(Type::string)) refuse("sum: texts cannot be summed; join joins them");
    for (const Value& v : r.items_of(of))
        total = r.arithmetic(Op::add, total, attribute && !attribute->is(Type::none) ? reach(r, v, *attribute) : v);
    return total;
}

// ---- choosing and changing

// The test that the arguments from `at` on name, or truth.
class Chooser {
public:
    Chooser(Runtime& r, const Args& args, std::size_t at) : runtime_(r) {
        if (args.positional.size() <= at) return;
        const std::string& name = Runtime::string(args.positional[at], "select and reject").bytes;
        test_ = find_test(name);
        if (!test_) refuse("select and reject: the test '{}' is not known", name);
        args_.positional.assign(args.positional.begin() + static_cast<std::ptrdiff_t>(at) + 1, args.positional.end());
        args_.named = args.named;
    }
    bool operator()(const Value& v) const { return test_ ? test_->run(runtime_, v, args_) : runtime_.truth(v); }

private:
    Runtime& runtime_;
    const Test* test_ = nullptr;
    Args args_;
};

// What select and map look at: nothing at all of what is false, iterable or not.
Items candidates(Runtime& r, const Value& of) { return r.truth(of) ? r.items_of(of) : Items(); }

template <bool wanted>
Value select(Runtime& r, const Value& of, const Args& args) {
    const Chooser chosen(r, args, 0);
    Items out;
    for (const Value& v : candidates(r, of))
        if (chosen(v) == wanted) out.push_back(v);
    return r.list(Kind::generator, std::move(out));
}

template <bool wanted>
Value select_by(Runtime& r, const Value& of, const Args& args) {
    if (args.positional.empty()) refuse("selectattr and rejectattr need an attribute");
    const Chooser chosen(r, args, 1);
    Items out;
    for (const Value& v : candidates(r, of))
        if (chosen(reach(r, v, args.positional[0])) == wanted) out.push_back(v);
    return r.list(Kind::generator, std::move(out));
}

Value map(Runtime& r, const Value& of, const Args& args) {
    Items out = candidates(r, of);
    if (args.positional.empty()) {
        const auto [attribute, otherwise] = bind<2>("map", args, {"attribute", "default"});
        if (!attribute) refuse("map needs a filter or an attribute");
        for (Value& v : out) {
            v = reach(r, v, *attribute);
            if (v.is(Type::undefined) && otherwise) v = *otherwise;
        }
        return r.list(Kind::generator, std::move(out));
    }
    const std::string& name = Runtime::string(args.positional[0], "map").bytes;
    const Filter* filter = find_filter(name);
    if (!filter) refuse("map: the filter '{}' is not known", name);
    Args rest;
    rest.positional.assign(args.positional.begin() + 1, args.positional.end());
    rest.named = args.named;
    const Budget::Level level(r.budget);
    for (Value& v : out) v = filter->run(r, v, rest);
    return r.list(Kind::generator, std::move(out));
}

Value batch(Runtime& r, const Value& of, const Args& args) {
    const auto [size, fill] = bind<2>("batch", args, {"linecount", "fill_with"}, 1);
    const std::int64_t n = Runtime::integer(*size, "batch");
    if (n < 1) refuse("batch: the size is less than 1");
    const Items all = r.items_of(of);
    Items out;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.size(), at + static_cast<std::size_t>(n));
        Items part(all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(end));
        if (fill && !fill->is(Type::none)) {
            r.budget.make((static_cast<std::size_t>(n) - part.size()) * sizeof(Value));
            part.resize(static_cast<std::size_t>(n), *fill);
        }
        out.push_back(r.list(std::move(part)));
        at = end;
    }
    return r.list(Kind::generator, std::move(out));
}

constexpr Filter filters[] = {
    {"batch", batch},
    {"count", length},
    {"dictsort", dictsort},
    {"first", first},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length},
    {"list", to_list},
    {"map", map},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"reject", select<false>},
    {"rejectattr", select_by<false>},
    {"reverse", reverse},
    {"select", select<true>},
    {"selectattr", select_by<true>},
    {"sort", sorted},
    {"sum", sum},
    {"unique", unique},
};

}  // namespace

const std::span<const Filter> sequence_filters = filters;

}  // namespace quern::text::jinja
