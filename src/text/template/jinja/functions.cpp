// The global functions, and how arguments meet parameters.
#include <algorithm>

#include "text/template/jinja/builtins.h"
#include "text/template/jinja/runtime.h"

namespace quern::text::jinja {

void bind_into(std::span<std::optional<Value>> out, std::string_view who, const Args& args,
               std::span<const std::string_view> names, std::size_t required) {
    if (args.positional.size() > names.size())
        refuse("{} takes at most {} arguments, not {}", who, names.size(), args.positional.size());
    std::ranges::copy(args.positional, out.begin());
    for (const Named& n : args.named) {
        const auto i = static_cast<std::size_t>(std::ranges::find(names, n.name) - names.begin());
        if (i == names.size()) refuse("{} has no parameter '{}'", who, n.name);
        if (out[i]) refuse("{} is given '{}' twice", who, n.name);
        out[i] = n.value;
    }
    for (std::size_t i = 0; i < required; ++i)
        if (!out[i]) refuse("{} needs the argument '{}'", who, names[i]);
}

namespace {

Value raise_exception(Runtime& r, const Args& args) {
    const auto [message] = bind<1>("raise_exception", args, {"message"}, 1);
    throw Error(Code::bad_request, "the template refuses this conversation: {}", r.text_of(*message).string->bytes);
}

Value strftime_now(Runtime& r, const Args& args) {
    const auto [format] = bind<1>("strftime_now", args, {"format"}, 1);
    const Str& f = Runtime::string(*format, "strftime_now");
    return r.str(strftime(r.now, f.bytes), f.origin());
}

// As many as Jinja2's sandbox allows.
constexpr std::int64_t max_range = 100'000;

Value range(Runtime& r, const Args& args) {
    if (!args.named.empty() || args.positional.empty() || args.positional.size() > 3)
        refuse("range takes one to three numbers");
    std::int64_t v[3] = {0, 0, 1};
    for (std::size_t i = 0; i < args.positional.size(); ++i) v[i] = Runtime::integer(args.positional[i], "range");
    if (args.positional.size() == 1) std::swap(v[0], v[1]);
    if (v[2] == 0) refuse("range: the step is zero");
    std::vector<Value> items;
    for (std::int64_t i = v[0]; v[2] > 0 ? i < v[1] : i > v[1];) {
        if (static_cast<std::int64_t>(items.size()) == max_range) refuse("range has more than {} numbers", max_range);
        items.push_back(Value::of(i));
        if (__builtin_add_overflow(i, v[2], &i)) break;
    }
    return r.list(List::Kind::range, std::move(items));
}

// dict(x=1), dict({...}), dict([(key, value), ...])
void fill(Runtime& r, Dict& d, std::string_view who, const Args& args) {
    if (args.positional.size() > 1) refuse("{} takes at most one plain argument", who);
    for (const Value& from : args.positional) {
        if (from.is(Type::dict)) {
            for (const auto& [key, value] : from.dict->items) r.put(d, key, value);
            continue;
        }
        for (const Value& pair : r.items_of(from)) {
            const std::vector<Value> two = r.items_of(pair);
            if (two.size() != 2) refuse("{} needs pairs of key and value", who);
            r.put(d, two[0], two[1]);
        }
    }
    for (const Named& n : args.named) r.put(d, r.str(n.name, Origin::ours), n.value);
}

Value dict(Runtime& r, const Args& args) {
    Dict* d = r.new_dict();
    fill(r, *d, "dict", args);
    return Value::of(d);
}

Value name_space(Runtime& r, const Args& args) {
    Dict* d = r.new_dict();
    fill(r, *d, "namespace", args);
    for (const auto& [key, value] : d->items)
        if (key.is(Type::string) && key.string->bytes.starts_with('_'))
            refuse("namespace: names that begin with '_' are not allowed");
    return Value::of(d, Type::space);
}

constexpr Function functions[] = {
    {"dict", dict},   {"namespace", name_space},      {"raise_exception", raise_exception},
    {"range", range}, {"strftime_now", strftime_now},
};

}  // namespace

const Function* find_function(std::string_view name) {
    const auto f = std::ranges::find(functions, name, &Function::name);
    return f == std::end(functions) ? nullptr : f;
}

}  // namespace quern::text::jinja
