// A small validator of JSON Schema, for tests only: written on its own, straight from the specification, to judge texts
// that a grammar has produced. Knows what the schemas of the tests use and fails on any other keyword.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "base/json.h"

namespace quern::grammar {

inline std::size_t characters(const std::string& s) {
    std::size_t n = 0;
    for (const char c : s) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return n;
}

class Validator {
public:
    explicit Validator(const Json& root) : root_(root) {}
    bool valid(const Json& v) const { return valid(root_, v); }

private:
    static bool is(const Json& v, const std::string& type) {
        if (type == "integer") return v.is_number() && v.get<double>() == std::floor(v.get<double>());
        return type == (v.is_null()      ? "null"
                        : v.is_boolean() ? "boolean"
                        : v.is_number()  ? "number"
                        : v.is_string()  ? "string"
                        : v.is_array()   ? "array"
                                         : "object");
    }

    static bool equal(const Json& a, const Json& b) {
        if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
        if (a.type() != b.type() || a.size() != b.size()) return false;
        if (a.is_array()) {
            for (std::size_t i = 0; i < a.size(); ++i)
                if (!equal(a[i], b[i])) return false;
            return true;
        }
        if (a.is_object()) {
            for (const auto& [k, item] : a.items())
                if (!b.contains(k) || !equal(item, b[k])) return false;
            return true;
        }
        return a == b;
    }

    bool count(const Json& list, const Json& v) const {
        int n = 0;
        for (const Json& s : list) n += valid(s, v);
        return n == 1;
    }

    bool object(const Json& s, const Json& v) const {
        std::size_t checked = 0;
        const Json patterns = s.value("patternProperties", Json::object());
        for (const auto& [k, item] : v.items()) {
            bool known = false;
            if (s.contains("properties") && s["properties"].contains(k)) {
                known = true;
                if (!valid(s["properties"][k], item)) return false;
            }
            for (const auto& [p, sub] : patterns.items())
                if (std::regex_search(k, std::regex(p))) {
                    known = true;
                    if (!valid(sub, item)) return false;
                }
            if (!known && s.contains("additionalProperties") && !valid(s["additionalProperties"], item)) return false;
            if (s.contains("propertyNames") && !valid(s["propertyNames"], Json(k))) return false;
            ++checked;
        }
        const Json required = s.value("required", Json::array());
        for (const Json& k : required)
            if (!v.contains(k.get<std::string>())) return false;
        return checked >= s.value("minProperties", 0u) && checked <= s.value("maxProperties", 1'000'000u);
    }

    bool array(const Json& s, const Json& v) const {
        const Json prefix = s.value("prefixItems", Json::array());
        std::size_t counted = 0;
        for (std::size_t i = 0; i < v.size(); ++i) {
            if (i < prefix.size() ? !valid(prefix[i], v[i]) : s.contains("items") && !valid(s["items"], v[i]))
                return false;
            if (s.contains("contains")) counted += valid(s["contains"], v[i]);
        }
        if (s.contains("contains") &&
            (counted < s.value("minContains", 1u) || counted > s.value("maxContains", 1'000'000u)))
            return false;
        return v.size() >= s.value("minItems", 0u) && v.size() <= s.value("maxItems", 1'000'000u);
    }

    bool valid(const Json& s, const Json& v) const {
        if (s.is_boolean()) return s.get<bool>();
        static const std::set<std::string> known{"type",
                                                 "enum",
                                                 "const",
                                                 "properties",
                                                 "patternProperties",
                                                 "additionalProperties",
                                                 "propertyNames",
                                                 "required",
                                                 "minProperties",
                                                 "maxProperties",
                                                 "prefixItems",
                                                 "items",
                                                 "contains",
                                                 "minContains",
                                                 "maxContains",
                                                 "minItems",
                                                 "maxItems",
                                                 "minimum",
                                                 "maximum",
                                                 "minLength",
                                                 "maxLength",
                                                 "pattern",
                                                 "anyOf",
                                                 "oneOf",
                                                 "allOf",
                                                 "not",
                                                 "$ref",
                                                 "$defs"};
        for (const auto& [k, ignored] : s.items()) EXPECT_TRUE(known.contains(k)) << k;
        if (s.contains("type")) {
            bool any = false;
            const Json types = s["type"].is_array() ? s["type"] : Json::array({s["type"]});
            for (const Json& t : types) any = any || is(v, t.get<std::string>());
            if (!any) return false;
        }
        if (s.contains("const") && !equal(s["const"], v)) return false;
        if (s.contains("enum")) {
            bool any = false;
            for (const Json& e : s["enum"]) any = any || equal(e, v);
            if (!any) return false;
        }
        if (v.is_number() && s.contains("minimum") && v.get<double>() < s["minimum"].get<double>()) return false;
        if (v.is_number() && s.contains("maximum") && v.get<double>() > s["maximum"].get<double>()) return false;
        if (v.is_string()) {
            const auto& text = v.get_ref<const std::string&>();
            if (characters(text) < s.value("minLength", 0u) || characters(text) > s.value("maxLength", 1'000'000u))
                return false;
            if (s.contains("pattern") && !std::regex_search(text, std::regex(s["pattern"].get<std::string>())))
                return false;
        }
        if (v.is_object() && !object(s, v)) return false;
        if (v.is_array() && !array(s, v)) return false;
        if (s.contains("$ref") && !valid(root_.at(Json::json_pointer(s["$ref"].get<std::string>().substr(1))), v))
            return false;
        const Json all = s.value("allOf", Json::array());
        for (const Json& sub : all)
            if (!valid(sub, v)) return false;
        if (s.contains("anyOf") &&
            std::none_of(s["anyOf"].begin(), s["anyOf"].end(), [&](const Json& sub) { return valid(sub, v); }))
            return false;
        if (s.contains("oneOf") && !count(s["oneOf"], v)) return false;
        return !s.contains("not") || !valid(s["not"], v);
    }

    const Json& root_;
};

}  // namespace quern::grammar
