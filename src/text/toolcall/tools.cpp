#include "text/toolcall/tools.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace quern::text {
namespace {

constexpr int max_schema_depth = 16;  // of anyOf inside anyOf

JsonTypes named_type(const Json& type) {
    if (!type.is_string()) return JsonTypes::any();
    const auto& name = type.get_ref<const std::string&>();
    if (name == "string") return JsonType::string;
    if (name == "number" || name == "integer") return JsonType::number;
    if (name == "boolean") return JsonType::boolean;
    if (name == "null") return JsonType::null;
    if (name == "array") return JsonType::array;
    if (name == "object") return JsonType::object;
    return JsonTypes::any();
}

JsonTypes type_of_value(const Json& value) {
    if (value.is_string()) return JsonType::string;
    if (value.is_number()) return JsonType::number;
    if (value.is_boolean()) return JsonType::boolean;
    if (value.is_null()) return JsonType::null;
    return value.is_array() ? JsonType::array : JsonType::object;
}

JsonTypes types_of(const Json& schema, int depth) {
    if (!schema.is_object() || depth == 0) return JsonTypes::any();
    JsonTypes types = JsonTypes::any();
    if (const auto type = schema.find("type"); type != schema.end()) {
        if (type->is_array()) {
            JsonTypes either;
            for (const Json& t : *type) either = either | named_type(t);
            types = types & either;
        } else {
            types = types & named_type(*type);
        }
    }
    if (const auto values = schema.find("enum"); values != schema.end() && values->is_array()) {
        JsonTypes either;
        for (const Json& v : *values) either = either | type_of_value(v);
        types = types & either;
    }
    if (const auto value = schema.find("const"); value != schema.end()) types = types & type_of_value(*value);
    for (const char* choice : {"anyOf", "oneOf"}) {
        const auto schemas = schema.find(choice);
        if (schemas == schema.end() || !schemas->is_array()) continue;
        JsonTypes either;
        for (const Json& s : *schemas) either = either | types_of(s, depth - 1);
        types = types & either;
    }
    if (const auto nullable = schema.find("nullable"); nullable != schema.end() && *nullable == true)
        types = types | JsonType::null;
    return types.empty() ? JsonTypes::any() : types;
}

}  // namespace

JsonTypes types_of_schema(const Json& schema) { return types_of(schema, max_schema_depth); }

void ToolTypes::add(std::string name, const Json& schema) {
    Parameters parameters;
    if (schema.is_object()) {
        if (const auto properties = schema.find("properties"); properties != schema.end() && properties->is_object())
            for (const auto& [key, value] : properties->items()) parameters[key] = types_of_schema(value);
    }
    tools_.insert_or_assign(std::move(name), std::move(parameters));
}

JsonTypes ToolTypes::of(std::string_view tool, std::string_view parameter) const {
    const auto t = tools_.find(tool);
    if (t == tools_.end()) return JsonTypes::any();
    const auto p = t->second.find(parameter);
    return p == t->second.end() ? JsonTypes::any() : p->second;
}

}  // namespace quern::text
