// Methods of lists, tuples and dictionaries, and what a loop knows of itself. Lists and dictionaries may be changed:
// they are the rendering's own copies, so nothing outside sees it. (Jinja2's immutable sandbox refuses that.)
#include <algorithm>

#include "text/template/jinja/method_tables.h"

namespace quern::text::jinja {
namespace {

using Items = std::vector<Value>;

// ---- lists

Value append(Runtime& r, const Value& self, const Args& args) {
    const auto [item] = bind<1>("append", args, {"object"}, 1);
    r.budget.make(sizeof(Value));
    self.list->items.push_back(*item);
    return Value::none();
}

Value extend(Runtime& r, const Value& self, const Args& args) {
    const auto [more] = bind<1>("extend", args, {"iterable"}, 1);
    const Items items = r.items_of(*more);
    self.list->items.insert(self.list->items.end(), items.begin(), items.end());
    return Value::none();
}

std::int64_t place_in(const Items& items, const Value& v, std::string_view who) {
    const std::int64_t i = Runtime::integer(v, who);
    return i < 0 ? i + static_cast<std::int64_t>(items.size()) : i;
}

Value insert(Runtime& r, const Value& self, const Args& args) {
    const auto [at, item] = bind<2>("insert", args, {"index", "object"}, 2);
    Items& items = self.list->items;
    r.budget.make(sizeof(Value));
    r.budget.read(items.size() * sizeof(Value));
    const std::int64_t i =
        std::clamp<std::int64_t>(place_in(items, *at, "insert"), 0, static_cast<std::int64_t>(items.size()));
    items.insert(items.begin() + i, *item);
    return Value::none();
}

Value pop(Runtime& r, const Value& self, const Args& args) {
    const auto [at] = bind<1>("pop", args, {"index"});
    Items& items = self.list->items;
    r.budget.read(items.size() * sizeof(Value));
    const std::int64_t i = at ? place_in(items, *at, "pop") : static_cast<std::int64_t>(items.size()) - 1;
    if (i < 0 || i >= static_cast<std::int64_t>(items.size())) refuse("pop: the list has no such item");
    const Value item = items[static_cast<std::size_t>(i)];
    items.erase(items.begin() + i);
    return item;
}

Value reverse(Runtime& r, const Value& self, const Args& args) {
    bind<0>("reverse", args, {});
    r.budget.read(self.list->items.size() * sizeof(Value));
    std::ranges::reverse(self.list->items);
    return Value::none();
}

Value index(Runtime& r, const Value& self, const Args& args) {
    const auto [what] = bind<1>("index", args, {"value"}, 1);
    for (std::size_t i = 0; i < self.list->items.size(); ++i)
        if (r.equal(self.list->items[i], *what)) return Value::of(static_cast<std::int64_t>(i));
    refuse("index: the value is not in it");
}

Value count(Runtime& r, const Value& self, const Args& args) {
    const auto [what] = bind<1>("count", args, {"value"}, 1);
    std::int64_t n = 0;
    for (const Value& v : self.list->items) n += r.equal(v, *what);
    return Value::of(n);
}

Value copy_list(Runtime& r, const Value& self, const Args& args) {
    bind<0>("copy", args, {});
    return r.list(Items(self.list->items));
}

// ---- dictionaries

Value get(Runtime& r, const Value& self, const Args& args) {
    const auto [key, otherwise] = bind<2>("get", args, {"key", "default"}, 1);
    const Value* v = r.find(*self.dict, *key);
    return v ? *v : otherwise.value_or(Value::none());
}

template <List::Kind kind>
Value view(Runtime& r, const Value& self, const Args& args) {
    bind<0>("keys, values and items", args, {});
    Items out;
    r.budget.make(self.dict->items.size() * sizeof(Value));
    out.reserve(self.dict->items.size());
    for (const auto& [key, value] : self.dict->items)
        out.push_back(kind == List::Kind::keys     ? key
                      : kind == List::Kind::values ? value
                                                   : r.list(List::Kind::tuple, {key, value}));
    return r.list(kind, std::move(out));
}

Value copy_dict(Runtime& r, const Value& self, const Args& args) {
    bind<0>("copy", args, {});
    r.budget.make(self.dict->items.size() * 2 * sizeof(Value));
    Dict* d = r.new_dict();
    d->items = self.dict->items;
    return Value::of(d);
}

Value update(Runtime& r, const Value& self, const Args& args) {
    for (const Value& from : args.positional) {
        if (!from.is(Type::dict)) refuse("update needs a dictionary");
        const auto items = from.dict->items;
        for (const auto& [key, value] : items) r.put(*self.dict, key, value);
    }
    for (const Named& n : args.named) r.put(*self.dict, r.str(n.name, Origin::ours), n.value);
    return Value::none();
}

Value set_default(Runtime& r, const Value& self, const Args& args) {
    const auto [key, otherwise] = bind<2>("setdefault", args, {"key", "default"}, 1);
    if (const Value* v = r.find(*self.dict, *key)) return *v;
    const Value v = otherwise.value_or(Value::none());
    r.put(*self.dict, *key, v);
    return v;
}

Value pop_key(Runtime& r, const Value& self, const Args& args) {
    const auto [key, otherwise] = bind<2>("pop", args, {"key", "default"}, 1);
    r.budget.read(self.dict->items.size() * 2 * sizeof(Value));
    auto& items = self.dict->items;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!r.equal(items[i].first, *key)) continue;
        const Value v = items[i].second;
        items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
        return v;
    }
    if (!otherwise) refuse("pop: the dictionary has no such key");
    return *otherwise;
}

Value clear_list(Runtime&, const Value& self, const Args& args) {
    bind<0>("clear", args, {});
    self.list->items.clear();
    return Value::none();
}
Value clear_dict(Runtime&, const Value& self, const Args& args) {
    bind<0>("clear", args, {});
    self.dict->items.clear();
    return Value::none();
}

// ---- loops: all but cycle and changed are read, not called

template <class F>
Value number(F f) {
    return Value::of(static_cast<std::int64_t>(f));
}
Value loop_index(Runtime&, const Value& v, const Args&) { return number(v.loop->at + 1); }
Value loop_index0(Runtime&, const Value& v, const Args&) { return number(v.loop->at); }
Value loop_revindex(Runtime&, const Value& v, const Args&) { return number(v.loop->items.size() - v.loop->at); }
Value loop_revindex0(Runtime&, const Value& v, const Args&) { return number(v.loop->items.size() - v.loop->at - 1); }
Value loop_first(Runtime&, const Value& v, const Args&) { return Value::of(v.loop->at == 0); }
Value loop_last(Runtime&, const Value& v, const Args&) { return Value::of(v.loop->at + 1 == v.loop->items.size()); }
Value loop_length(Runtime&, const Value& v, const Args&) { return number(v.loop->items.size()); }
Value loop_depth(Runtime&, const Value& v, const Args&) { return number(v.loop->depth); }
Value loop_depth0(Runtime&, const Value& v, const Args&) { return number(v.loop->depth - 1); }
Value loop_previous(Runtime&, const Value& v, const Args&) {
    return v.loop->at > 0 ? v.loop->items[v.loop->at - 1] : Value::undefined();
}
Value loop_next(Runtime&, const Value& v, const Args&) {
    return v.loop->at + 1 < v.loop->items.size() ? v.loop->items[v.loop->at + 1] : Value::undefined();
}

Value cycle(Runtime&, const Value& v, const Args& args) {
    if (args.positional.empty()) refuse("loop.cycle has nothing to choose from");
    return args.positional[v.loop->at % args.positional.size()];
}
Value changed(Runtime& r, const Value& v, const Args& args) {
    Loop& loop = *v.loop;
    bool same = loop.compared && loop.last.size() == args.positional.size();
    for (std::size_t i = 0; same && i < loop.last.size(); ++i) same = r.equal(loop.last[i], args.positional[i]);
    loop.compared = true;
    loop.last = args.positional;
    return Value::of(!same);
}
constexpr Method cycle_method{"cycle", cycle}, changed_method{"changed", changed};
template <const Method& method>
Value bound(Runtime& r, const Value& v, const Args&) {
    return r.callable({.method = &method, .self = v});
}

constexpr Method list_methods[] = {
    {"append", append},  {"clear", clear_list}, {"copy", copy_list}, {"count", count},
    {"extend", extend},  {"index", index},      {"insert", insert},  {"pop", pop},
    {"remove", nullptr}, {"reverse", reverse},  {"sort", nullptr},
};
constexpr Method tuple_methods[] = {{"count", count}, {"index", index}};
constexpr Method dict_methods[] = {
    {"clear", clear_dict},
    {"copy", copy_dict},
    {"fromkeys", nullptr},
    {"get", get},
    {"items", view<List::Kind::items>},
    {"keys", view<List::Kind::keys>},
    {"pop", pop_key},
    {"popitem", nullptr},
    {"setdefault", set_default},
    {"update", update, true},
    {"values", view<List::Kind::values>},
};
constexpr Method loop_methods[] = {
    {"changed", bound<changed_method>},
    {"cycle", bound<cycle_method>},
    {"depth", loop_depth},
    {"depth0", loop_depth0},
    {"first", loop_first},
    {"index", loop_index},
    {"index0", loop_index0},
    {"last", loop_last},
    {"length", loop_length},
    {"nextitem", loop_next},
    {"previtem", loop_previous},
    {"revindex", loop_revindex},
    {"revindex0", loop_revindex0},
};

const Method* look(std::span<const Method> methods, std::string_view name) {
    const auto m = std::ranges::lower_bound(methods, name, {}, &Method::name);
    return m != methods.end() && m->name == name ? &*m : nullptr;
}

}  // namespace

const Method* find_method(const Value& self, std::string_view name) {
    switch (self.type) {
        case Type::string:
            return look(string_methods, name);
        case Type::list:
            if (self.list->kind == List::Kind::list) return look(list_methods, name);
            return self.list->indexable() ? look(tuple_methods, name) : nullptr;
        case Type::dict:
            return look(dict_methods, name);
        case Type::loop:
            return look(loop_methods, name);
        default:
            return nullptr;
    }
}

bool is_method(std::string_view name) {
    if (name == "cycle" || name == "changed") return true;
    for (const std::span<const Method> table :
         {string_methods, std::span<const Method>(list_methods), std::span<const Method>(dict_methods)})
        if (const Method* m = look(table, name); m && m->run) return true;
    return false;
}

}  // namespace quern::text::jinja
