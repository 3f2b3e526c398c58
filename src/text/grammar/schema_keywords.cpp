#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/grammar/formats.h"
#include "text/grammar/numbers.h"
#include "text/grammar/regex.h"
#include "text/grammar/schema_resolve.h"

namespace quern::grammar {
namespace {

using Place = Resolver::Place;

// Keywords that limit values in ways that no grammar here decides, and those of other drafts that would.
constexpr std::array refused{"$dynamicRef", "$recursiveRef", "dependencies", "additionalItems",
                             "disallow",    "extends",       "divisibleBy"};

std::string at(const Place& p, std::string_view key) { return pointer_to(p.pointer, key); }

const Json* find(const Place& p, const char* key) {
    const auto it = p.schema.find(key);
    return it == p.schema.end() ? nullptr : &*it;
}

[[noreturn]] void bad(const Place& p, std::string_view key, std::string_view what) {
    throw Error(Code::bad_request, "{}: {}", at(p, key), what);
}

const Json& expect(const Place& p, const char* key, const Json& value, bool ok, std::string_view what) {
    if (!ok) bad(p, key, what);
    return value;
}

// Runs a reader of one keyword; what it throws gets the pointer in front if it has none.
template <class F>
void with_pointer(const Place& p, std::string_view key, F f) {
    try {
        f();
    } catch (Error& e) {
        if (e.what()[0] != '/') e.during("{}", at(p, key));
        throw;
    }
}

std::optional<std::uint64_t> count(const Place& p, const char* key) {
    const Json* v = find(p, key);
    if (!v) return std::nullopt;
    if (v->is_number_unsigned() || (v->is_number_integer() && v->get<std::int64_t>() >= 0))
        return v->get<std::uint64_t>();
    if (v->is_number_float() && v->get<double>() >= 0 && v->get<double>() == std::floor(v->get<double>()) &&
        v->get<double>() < 9e15)
        return static_cast<std::uint64_t>(v->get<double>());
    bad(p, key, "it must be a whole number of 0 or more");
}

void type_keyword(Resolver&, const Place& p, Type& t) {
    const Json* v = find(p, "type");
    if (!v) return;
    std::vector<std::string> names;
    if (v->is_string()) names.push_back(v->get<std::string>());
    const Json list = v->is_array() ? *v : Json::array();
    for (const Json& n : list) {
        if (!n.is_string()) bad(p, "type", "it must be the name of a type or a list of such names");
        names.push_back(n.get<std::string>());
    }
    if (names.empty()) bad(p, "type", "it must be the name of a type or a list of such names");
    const auto has = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    for (const std::string& n : names)
        if (n != "null" && n != "boolean" && n != "object" && n != "array" && n != "number" && n != "string" &&
            n != "integer")
            bad(p, "type", "there is no type '" + n + "'");
    t.null = t.null && has("null");
    t.yes = t.yes && has("boolean");
    t.no = t.no && has("boolean");
    if (!has("object")) t.objects.clear();
    if (!has("array")) t.arrays.clear();
    if (!has("string")) t.strings = Languages::none;
    if (!has("number")) t.every_number = false;
}

void number_keywords(Resolver& r, const Place& p, Type& t) {
    Languages& l = r.languages();
    const Json* type = find(p, "type");
    const bool integer =
        type &&
        (*type == "integer" || (type->is_array() && std::find(type->begin(), type->end(), "integer") != type->end() &&
                                std::find(type->begin(), type->end(), "number") == type->end()));
    Languages::Id limit = Languages::all;  // of plain numbers
    const auto add = [&](Dfa dfa) { limit = l.both(limit, l.add(std::move(dfa))); };
    const std::pair<const char*, Bound> bounds[] = {{"minimum", Bound::at_least},
                                                    {"exclusiveMinimum", Bound::above},
                                                    {"maximum", Bound::at_most},
                                                    {"exclusiveMaximum", Bound::below}};
    for (const std::pair<const char*, Bound>& b : bounds)
        if (const Json* v = find(p, b.first))
            with_pointer(p, b.first, [&] {
                add(bounded(decimal(expect(p, b.first, *v, v->is_number(), "it must be a number")), b.second,
                            r.budget()));
            });
    if (const Json* v = find(p, "multipleOf"))
        with_pointer(p, "multipleOf", [&] {
            add(multiples(decimal(expect(p, "multipleOf", *v, v->is_number(), "it must be a number")), r.budget()));
        });
    if (integer) {
        t.numbers = l.both(limit, l.add(integers(r.budget())));
    } else if (t.every_number && limit != Languages::all) {
        t.every_number = false;
        t.numbers = limit;
    }
}

void string_keywords(Resolver& r, const Place& p, Type& t) {
    Languages& l = r.languages();
    const auto min = count(p, "minLength"), max = count(p, "maxLength");
    if (min || max)
        with_pointer(p, max ? "maxLength" : "minLength", [&] {
            t.strings = l.both(t.strings, l.add(of_lengths(min.value_or(0), max.value_or(no_limit), r.budget())));
        });
    if (const Json* v = find(p, "pattern"))
        with_pointer(p, "pattern", [&] {
            const auto& text =
                expect(p, "pattern", *v, v->is_string(), "it must be a text").get_ref<const std::string&>();
            t.strings = l.both(t.strings, l.add(regex_dfa(text, Match::anywhere, r.budget())));
        });
    const Json* v = find(p, "format");
    if (v && r.formats() == Formats::check)
        with_pointer(p, "format", [&] {
            const auto& name =
                expect(p, "format", *v, v->is_string(), "it must be a text").get_ref<const std::string&>();
            t.strings = l.both(t.strings, l.add(format_dfa(name, r.budget())));
        });
}

bool applies_in_place(const Place& p) {
    for (const char* key : {"allOf", "anyOf", "oneOf", "not", "if", "$ref", "dependentSchemas"})
        if (find(p, key)) return true;
    return false;
}

// unevaluatedX, where no other schema can have evaluated anything: the same as the plain keyword `instead`.
std::optional<SetId> unevaluated(Resolver& r, const Place& p, const char* key, bool all_are_evaluated) {
    const Json* v = find(p, key);
    if (!v || all_are_evaluated || (v->is_boolean() && v->get<bool>())) return std::nullopt;
    if (applies_in_place(p) || find(p, "contains"))
        throw Error(Code::unsupported, "{}: this keyword beside others that apply schemas is not supported",
                    at(p, key));
    return r.schema_at(*v, at(p, key));
}

void array_keywords(Resolver& r, const Place& p, Type& t) {
    ArrayShape s;
    if (const Json* v = find(p, "prefixItems")) {
        expect(p, "prefixItems", *v, v->is_array(), "it must be a list of schemas");
        for (std::size_t i = 0; i < v->size(); ++i)
            s.prefix.push_back(r.schema_at((*v)[i], pointer_to(at(p, "prefixItems"), std::to_string(i))));
    }
    if (const Json* v = find(p, "items")) {
        if (v->is_array())
            throw Error(Code::unsupported, "{}: a list here is of an older draft; please use prefixItems",
                        at(p, "items"));
        s.rest = r.schema_at(*v, at(p, "items"));
    }
    if (const auto set = unevaluated(r, p, "unevaluatedItems", find(p, "items") != nullptr)) s.rest = *set;
    s.min = count(p, "minItems").value_or(0);
    s.max = count(p, "maxItems").value_or(no_limit);
    const auto min = count(p, "minContains"), max = count(p, "maxContains");
    if (const Json* v = find(p, "contains"); v && (min.value_or(1) > 0 || max))
        s.contains.push_back({0, r.schema_at(*v, at(p, "contains")), min.value_or(1), max.value_or(no_limit)});
    const Json* unique = find(p, "uniqueItems");
    if (unique && !unique->is_boolean()) bad(p, "uniqueItems", "it must be true or false");
    if (unique && unique->get<bool>() && s.max > 1)
        throw Error(Code::unsupported, "{}: unique items are not supported", at(p, "uniqueItems"));
    if (s == ArrayShape{}) return;
    Type with = Type::everything();
    with.arrays = {std::move(s)};
    t = r.algebra().both(t, with);
}

std::vector<std::u32string> words(const Place& p, const char* key, const Json& list, const std::string& pointer) {
    std::vector<std::u32string> out;
    if (!list.is_array()) throw Error(Code::bad_request, "{}: it must be a list of names", pointer);
    for (const Json& w : list) {
        if (!w.is_string()) throw Error(Code::bad_request, "{}: it must be a list of names", pointer);
        with_pointer(p, key, [&] { out.push_back(code_points(w.get_ref<const std::string&>())); });
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

void object_keywords(Resolver& r, const Place& p, Type& t) {
    ObjectShape s;
    KeySet others{true, {}, {}};
    const auto add = [&](KeySet keys, SetId value) {
        if (value != any_value) s.all.push_back({std::make_shared<const KeySet>(std::move(keys)), value});
    };
    for (const char* key : {"properties", "patternProperties"}) {
        const Json* v = find(p, key);
        if (!v) continue;
        expect(p, key, *v, v->is_object(), "it must be an object of schemas");
        for (const auto& [name, schema] : v->items()) {
            const std::string pointer = pointer_to(at(p, key), name);
            const SetId value = r.schema_at(schema, pointer);
            try {
                if (key[1] == 'r') {
                    others.words.push_back(code_points(name));
                    add({false, {others.words.back()}, {}}, value);
                } else {
                    others.languages.push_back(r.languages().add(regex_dfa(name, Match::anywhere, r.budget())));
                    add({false, {}, {others.languages.back()}}, value);
                }
            } catch (Error& e) {
                if (e.what()[0] != '/') e.during("{}", pointer);
                throw;
            }
        }
    }
    std::sort(others.words.begin(), others.words.end());
    if (const Json* v = find(p, "additionalProperties")) add(others, r.schema_at(*v, at(p, "additionalProperties")));
    if (const auto set = unevaluated(r, p, "unevaluatedProperties", find(p, "additionalProperties") != nullptr))
        add(others, *set);
    if (const Json* v = find(p, "propertyNames"))
        with_pointer(p, "propertyNames", [&] {
            const Languages::Id names = r.type(r.schema_at(*v, at(p, "propertyNames"))).strings;
            if (names != Languages::all) add({true, {}, {names}}, no_value);
        });
    if (const Json* v = find(p, "required")) s.required = words(p, "required", *v, at(p, "required"));
    s.min = count(p, "minProperties").value_or(0);
    s.min_pointer = at(p, "minProperties");
    s.max = count(p, "maxProperties").value_or(no_limit);
    if (s == ObjectShape{}) return;
    Type with = Type::everything();
    with.objects = {std::move(s)};
    t = r.algebra().both(t, with);
}

// "If it has this member, it is of type `then`."
Type implied_by_member(Resolver& r, const std::u32string& name, const Type& then) {
    Type without = Type::everything(), with = Type::everything();
    without.objects[0].all.push_back({std::make_shared<const KeySet>(KeySet{false, {name}, {}}), no_value});
    with.objects[0].required = {name};
    Type objects = r.algebra().both(with, then);
    without.objects.insert(without.objects.end(), objects.objects.begin(), objects.objects.end());
    return without;
}

void dependent_keywords(Resolver& r, const Place& p, Type& t) {
    if (const Json* v = find(p, "dependentRequired")) {
        expect(p, "dependentRequired", *v, v->is_object(), "it must be an object of lists");
        for (const auto& [name, list] : v->items()) {
            Type then = Type::everything();
            then.objects[0].required =
                words(p, "dependentRequired", list, pointer_to(at(p, "dependentRequired"), name));
            if (!then.objects[0].required.empty())
                t = r.algebra().both(t, implied_by_member(r, code_points(name), then));
        }
    }
    if (const Json* v = find(p, "dependentSchemas")) {
        expect(p, "dependentSchemas", *v, v->is_object(), "it must be an object of schemas");
        for (const auto& [name, schema] : v->items()) {
            const SetId then = r.schema_at(schema, pointer_to(at(p, "dependentSchemas"), name));
            if (then != any_value) t = r.algebra().both(t, implied_by_member(r, code_points(name), r.type(then)));
        }
    }
}

std::vector<SetId> list(Resolver& r, const Place& p, const char* key, const Json& v) {
    expect(p, key, v, v.is_array() && !v.empty(), "it must be a list of schemas that is not empty");
    std::vector<SetId> out;
    for (std::size_t i = 0; i < v.size(); ++i)
        out.push_back(r.schema_at(v[i], pointer_to(at(p, key), std::to_string(i))));
    return out;
}

void in_place_keywords(Resolver& r, const Place& p, Type& t) {
    TypeAlgebra& a = r.algebra();
    if (const Json* v = find(p, "$ref"))
        t = a.both(t,
                   r.type(r.reference(p, expect(p, "$ref", *v, v->is_string(), "it must be a text").get<std::string>(),
                                      at(p, "$ref"))));
    if (const Json* v = find(p, "allOf"))
        for (const SetId s : list(r, p, "allOf", *v)) t = a.both(t, r.type(s));
    if (const Json* v = find(p, "anyOf"))
        with_pointer(p, "anyOf", [&] {
            Type any;
            for (const SetId s : list(r, p, "anyOf", *v)) any = a.either(std::move(any), r.type(s));
            t = a.both(t, any);
        });
    if (const Json* v = find(p, "oneOf"))
        with_pointer(p, "oneOf", [&] {
            std::vector<Type> types;
            for (const SetId s : list(r, p, "oneOf", *v)) types.push_back(r.type(s));
            t = a.both(t, a.exactly_one(types));
        });
    if (const Json* v = find(p, "not"))
        with_pointer(p, "not", [&] { t = a.both(t, r.type(r.inverse(r.schema_at(*v, at(p, "not"))))); });
    const Json *cond = find(p, "if"), *then = find(p, "then"), *otherwise = find(p, "else");
    if (!cond || (!then && !otherwise)) return;
    with_pointer(p, "if", [&] {
        const SetId c = r.schema_at(*cond, at(p, "if"));
        const SetId yes = then ? r.schema_at(*then, at(p, "then")) : any_value;
        const SetId no = otherwise ? r.schema_at(*otherwise, at(p, "else")) : any_value;
        const Type met = a.both(r.type(c), r.type(yes)), unmet = a.both(r.type(r.inverse(c)), r.type(no));
        t = a.both(t, a.either(met, unmet));
    });
}

void value_keywords(Resolver& r, const Place& p, Type& t) {
    if (const Json* v = find(p, "const")) t = r.algebra().both(t, r.type(r.constant(*v)));
    const Json* v = find(p, "enum");
    if (!v) return;
    expect(p, "enum", *v, v->is_array(), "it must be a list");
    with_pointer(p, "enum", [&] {
        Type any;
        std::vector<std::u32string> texts;
        std::vector<Decimal> numbers;
        for (const Json& value : *v) {
            r.budget().spend(64);
            if (value.is_string())
                texts.push_back(code_points(value.get_ref<const std::string&>()));
            else if (value.is_number())
                numbers.push_back(decimal(value));
            else
                any = r.algebra().either(std::move(any), r.type(r.constant(value)));
        }
        const std::vector<std::u32string_view> views(texts.begin(), texts.end());
        if (!texts.empty()) any.strings = r.languages().add(with_one_label(of_words(views, r.budget()), r.budget()));
        if (!numbers.empty()) any.numbers = r.languages().add(equal_to_any(numbers, r.budget()));
        t = r.algebra().both(t, any);
    });
}

void check_identity(const Place& p) {
    if (find(p, "$id") && !p.pointer.empty())
        throw Error(Code::unsupported, "{}: a schema inside another with an $id of its own is not supported",
                    at(p, "$id"));
    for (const char* key : refused)
        if (find(p, key)) throw Error(Code::unsupported, "{}: this keyword is not supported", at(p, key));
    const Json* v = find(p, "$schema");
    if (!v || !v->is_string()) return;
    std::string_view uri = v->get_ref<const std::string&>();
    for (const char* scheme : {"https://", "http://"})
        if (uri.starts_with(scheme)) uri.remove_prefix(std::string_view(scheme).size());
    if (uri.ends_with('#')) uri.remove_suffix(1);
    if (uri != "json-schema.org/draft/2020-12/schema" && uri != "json-schema.org/draft/2019-09/schema" &&
        uri != "json-schema.org/draft-07/schema")
        throw Error(Code::unsupported, "{}: the dialect '{}' is not known", at(p, "$schema"), v->get<std::string>());
}

}  // namespace

Type keywords_type(Resolver& r, const Place& p) {
    check_identity(p);
    Type t = Type::everything();
    type_keyword(r, p, t);
    number_keywords(r, p, t);
    string_keywords(r, p, t);
    array_keywords(r, p, t);
    object_keywords(r, p, t);
    value_keywords(r, p, t);
    dependent_keywords(r, p, t);
    in_place_keywords(r, p, t);
    return t;
}

}  // namespace quern::grammar
