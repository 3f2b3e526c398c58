// What Python's values do: truth, equality, order, text, attributes, arithmetic. One Runtime serves one rendering; it
// makes values and counts what they cost. Whatever would be an exception in Python is an Error(bad_request) with a
// sentence; the interpreter puts the line in front.
#pragma once

#include <fmt/format.h>

#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "text/template/jinja/ast.h"
#include "text/template/jinja/budget.h"
#include "text/template/jinja/value.h"

namespace quern::text::jinja {

template <class... A>
[[noreturn]] void refuse(fmt::format_string<A...> format, A&&... args) {
    throw Error(Code::bad_request, format, std::forward<A>(args)...);
}

class Runtime {
public:
    Runtime(const Limits& limits, const std::tm& time) : budget(limits), now(time) {}

    Budget budget;
    const std::tm now;

    // Making values.
    Value str(Str s);
    Value str(std::string_view bytes, Origin origin) { return str(Str::of(bytes, origin)); }
    Value list(List::Kind kind, std::vector<Value> items);
    Value list(std::vector<Value> items) { return list(List::Kind::list, std::move(items)); }
    Value dict() { return Value::of(new_dict()); }
    Dict* new_dict();
    Value callable(Callable c);
    Loop* loop();
    Value from_json(const Json& json, Origin origin);

    // Dictionaries. A key that Python cannot hash is refused.
    const Value* find(const Dict& d, const Value& key);
    const Value* find(const Dict& d, std::string_view key);
    void put(Dict& d, const Value& key, const Value& value);

    bool truth(const Value& v) const;
    bool equal(const Value& a, const Value& b);
    bool less(const Value& a, const Value& b);  // refuses what Python does not order
    bool contains(const Value& in, const Value& v);
    // Everything that a for loop would see; a generator is used up.
    std::vector<Value> items_of(const Value& v);
    std::optional<std::size_t> length(const Value& v);  // nullopt: it has none

    // str(v) and repr(v), appended or as a value.
    void print(StrBuilder& out, const Value& v);
    void repr(StrBuilder& out, const Value& v);
    Value text_of(const Value& v);  // v itself if it is a string

    Value attribute(const Value& of, const Value& name);  // of.name
    Value item(const Value& of, const Value& key);        // of[key]
    Value slice(const Value& of, const Value& begin, const Value& end, const Value& step);
    Value arithmetic(Op op, const Value& a, const Value& b);
    Value negate(const Value& v);

    void tojson(StrBuilder& out, const Value& v, const struct JsonStyle& style);

    // What an argument must be. `who` is named where it is not.
    static std::int64_t integer(const Value& v, std::string_view who);
    static const Str& string(const Value& v, std::string_view who);

private:
    Value add(const Value& a, const Value& b);
    Value integer_arithmetic(Op op, std::int64_t a, std::int64_t b);
    Value repeat(const Value& v, std::int64_t times);
    bool holds(const std::vector<Value>& items, const Value& v);
    bool same_dicts(const Dict& a, const Dict& b);
    void repr_string(StrBuilder& out, const Str& s);
    void repr_items(StrBuilder& out, const List& l);
    void json_string(StrBuilder& out, const Str& s, const struct JsonStyle& style);
    void json_key(StrBuilder& out, const Value& key, const struct JsonStyle& style);
    void json_value(StrBuilder& out, const Value& v, const struct JsonStyle& style, int level);

    Heap heap_;
};

// json.dumps's options, as transformers' tojson passes them on.
struct JsonStyle {
    bool ensure_ascii = false, sort_keys = false;
    std::optional<Str> indent{};
    Str item_separator{}, key_separator{};
};

const char* type_name(const Value& v);  // as Python says it: "str", "NoneType"
std::string python_float(double v);     // repr(v)
Str escaped(const Str& s);              // markup: & < > ' " as HTML writes them
// "'message' is undefined", for the Errors about values that are not there.
std::string undefined_sentence(const Value& v);
// The Python formatting of `format % values`; refuses what is not %s, %d, %i, %f, %x, %r or %%.
Value percent_format(Runtime& r, const Str& format, const Value& values);
// strftime's answer for what Python's datetime knows; refuses other directives.
std::string strftime(const std::tm& now, std::string_view format);

}  // namespace quern::text::jinja
