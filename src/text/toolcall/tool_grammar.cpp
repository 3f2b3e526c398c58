#include "text/toolcall/tool_grammar.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/error.h"
#include "text/toolcall/syntax.h"
#include "text/toolcall/text_string.h"
#include "text/toolcall/tools.h"

namespace quern::text {
namespace {

using grammar::GrammarBuilder;
using Part = GrammarBuilder::Part;
using Arguments = CallPattern::Arguments;

struct Tool {
    std::string name;
    Json parameters;
};

// Names stand in all kinds of brackets and quotes, unescaped.
void check_name(const std::string& name) {
    for (const char c : name)
        if (static_cast<unsigned char>(c) <= ' ' ||
            std::string_view("\"'`\\<>()[]{}=,$").find(c) != std::string_view::npos)
            throw Error(Code::bad_request, "{} cannot be the name of a tool or parameter: it holds '{}'",
                        Json(name).dump(), c);
}

std::vector<Tool> read_tools(const Json& tools) {
    if (!tools.is_array() || tools.empty())
        throw Error(Code::bad_request, "the tools are no list, or an empty one; expected [{{\"name\": ...}}, ...]");
    std::vector<Tool> list;
    std::set<std::string> names;
    for (const Json& t : tools) {
        const Json& inner = t.is_object() && t.contains("function") ? t.at("function") : t;
        if (!inner.is_object() || !inner.contains("name") || !inner.at("name").is_string() ||
            inner.at("name").get_ref<const std::string&>().empty())
            throw Error(Code::bad_request, "tool {} has no name", list.size());
        list.push_back({inner.at("name").get<std::string>(), inner.value("parameters", Json(true))});
        check_name(list.back().name);
        if (!names.insert(list.back().name).second)
            throw Error(Code::bad_request, "two tools are called {}", list.back().name);
    }
    return list;
}

// Spaces and newlines that models write between the parts of an answer.
Part spaces(GrammarBuilder& b) { return b.repeat(b.regex("[ \\n]"), 0, 4); }

Part thinking_first(GrammarBuilder& b, const AnswerRules& rules, Part answer) {
    const auto thought = [&] { return b.sequence({b.until(rules.thinking.close), spaces(b)}); };
    if (rules.thinking.close.empty() || rules.start == Start::after_thinking) return answer;
    if (rules.start == Start::thinking) return b.sequence({thought(), answer});
    if (rules.thinking.open.empty()) return answer;
    return b.choice({b.sequence({spaces(b), b.literal(rules.thinking.open), thought(), answer}), answer});
}

// Builds the calls of one notation.
class Calls {
public:
    Calls(GrammarBuilder& b, const Syntax& syntax) : b_(b), pattern_(syntax.pattern) {}

    // All ways to write calls of these tools, from the end of `opener` on, which is a part of what is written before
    // the first call's name; empty: from the beginning.
    Part calls(const std::vector<Tool>& tools, bool parallel, std::string_view opener) {
        const bool several = parallel && pattern_.parallel;
        std::vector<Part> ways;
        for (const std::string_view pattern : {pattern_.call, pattern_.other_call}) {
            const std::string written = std::string(pattern_.before) + std::string(pattern);
            const std::size_t at = opener.empty() ? 0 : written.find(opener);
            if (pattern.empty() || at == written.npos || at > written.find('$')) continue;
            std::vector<Part> whole{one_of(tools, written.substr(at + opener.size()))};
            if (several)
                whole.push_back(
                    b_.repeat(b_.sequence({b_.literal(pattern_.separator), one_of(tools, std::string(pattern))}), 0,
                              GrammarBuilder::unbounded));
            whole.push_back(b_.literal(pattern_.after));
            ways.push_back(b_.sequence(std::move(whole)));
        }
        return ways.size() == 1 ? ways[0] : b_.choice(std::move(ways));
    }

private:
    Part one_of(const std::vector<Tool>& tools, const std::string& pattern) {
        std::vector<Part> ways;
        for (const Tool& t : tools) ways.push_back(call(t, pattern));
        return ways.size() == 1 ? ways[0] : b_.choice(std::move(ways));
    }

    Part call(const Tool& tool, const std::string& pattern) {
        std::vector<Part> parts;
        for (const PatternPiece& p : pieces(pattern)) {
            if (p.literal)
                parts.push_back(b_.literal(p.text));
            else if (p.text == "NAME")
                parts.push_back(b_.literal(tool.name));
            else if (p.text == "INDEX")
                parts.push_back(b_.regex("[0-9]{1,3}"));
            else
                parts.push_back(arguments(tool));
        }
        return b_.sequence(std::move(parts));
    }

    // Once for each tool: a part may be used many times.
    Part arguments(const Tool& tool) {
        const auto known = arguments_.find(tool.name);
        if (known != arguments_.end()) return known->second;
        Part made = 0;
        try {
            made = pattern_.arguments == Arguments::json ? json_arguments(tool) : parameters(tool);
        } catch (Error& e) {
            e.during("tool {}", tool.name);
            throw;
        }
        return arguments_[tool.name] = made;
    }

    // Arguments are an object also where the schema forgets to say so.
    Part json_arguments(const Tool& tool) {
        Json schema = tool.parameters;
        if (schema.is_boolean()) schema = Json::object();
        if (schema.is_object() && !schema.contains("type")) schema["type"] = "object";
        return b_.json_schema(schema);
    }

    Part parameters(const Tool& tool) {
        std::vector<std::pair<std::string, const Json*>> required, optional;
        const Json& schema = tool.parameters;
        if (!schema.is_object()) return b_.literal("");
        for (const char* keyword :
             {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "minProperties", "maxProperties",
              "propertyNames", "dependentRequired", "dependentSchemas"})
            if (schema.contains(keyword))
                throw Error(Code::unsupported, "/{}: not supported where parameters are written one by one", keyword);
        const Json properties = schema.value("properties", Json::object());
        const Json names = schema.value("required", Json::array());
        if (!properties.is_object() || !names.is_array())
            throw Error(Code::bad_request, "the schema's properties are no object, or required is no list");
        for (const auto& [key, value] : schema_properties(tool))
            (std::find(names.begin(), names.end(), Json(key)) != names.end() ? required : optional)
                .emplace_back(key, value);
        if (required.size() < names.size())
            throw Error(Code::unsupported, "/required: it names a parameter that /properties does not have");
        return in_order(required, optional);
    }

    static std::vector<std::pair<std::string, const Json*>> schema_properties(const Tool& tool) {
        std::vector<std::pair<std::string, const Json*>> list;
        if (tool.parameters.contains("properties"))
            for (const auto& [key, value] : tool.parameters.at("properties").items()) list.emplace_back(key, &value);
        return list;
    }

    using Named = std::vector<std::pair<std::string, const Json*>>;
    // The required ones, then any of the optional ones in their order.
    Part in_order(const Named& required, const Named& optional) {
        const Part separator = b_.literal(pattern_.parameter_separator);
        std::vector<Part> parts, rest;
        for (const auto& [key, schema] : required) {
            if (!parts.empty()) parts.push_back(separator);
            parts.push_back(parameter(key, *schema));
        }
        for (const auto& [key, schema] : optional) rest.push_back(parameter(key, *schema));
        const auto following = [&](std::size_t from) {
            std::vector<Part> list;
            for (std::size_t i = from; i < rest.size(); ++i)
                list.push_back(b_.repeat(b_.sequence({separator, rest[i]}), 0, 1));
            return list;
        };
        if (!parts.empty() || pattern_.parameter_separator.empty()) {
            for (const Part p : following(0)) parts.push_back(p);
            return b_.sequence(std::move(parts));
        }
        std::vector<Part> ways{b_.literal("")};  // without a first one there is nothing to separate
        for (std::size_t i = 0; i < rest.size(); ++i) {
            std::vector<Part> way = following(i + 1);
            way.insert(way.begin(), rest[i]);
            ways.push_back(b_.sequence(std::move(way)));
        }
        return b_.choice(std::move(ways));
    }

    Part parameter(const std::string& key, const Json& schema) {
        check_name(key);
        const bool text = types_of_schema(schema) == JsonTypes(JsonType::string);
        const std::vector<PatternPiece> form = pieces(text ? pattern_.text_parameter : pattern_.value_parameter);
        std::vector<Part> parts;
        for (std::size_t i = 0; i < form.size(); ++i) {
            if (form[i].literal)
                parts.push_back(b_.literal(form[i].text));
            else if (form[i].text == "KEY")
                parts.push_back(b_.literal(key));
            else if (!text)
                parts.push_back(value(schema));
            else if (!pattern_.string_quote.empty())
                parts.push_back(quoted(key, schema));
            else
                parts.push_back(bare_text(key, schema, i + 1 < form.size() ? form[++i].text : std::string_view()));
        }
        return b_.sequence(std::move(parts));
    }

    // A value that is no string, as the notation writes it.
    Part value(const Json& schema) {
        if (pattern_.arguments != Arguments::python) return b_.json_schema(schema);
        const JsonTypes types = types_of_schema(schema);
        if (types == JsonTypes(JsonType::boolean)) return b_.choice({b_.literal("True"), b_.literal("False")});
        if (types == JsonTypes(JsonType::null)) return b_.literal("None");
        return b_.json_schema(schema);
    }

    // A string between the notation's quotes. Python's are JSON's; Gemma's hold any text without them.
    Part quoted(const std::string& key, const Json& schema) {
        const std::string_view quote = pattern_.string_quote;
        if (quote == "\"") return b_.json_schema(schema);
        return b_.sequence({b_.literal(quote), bare_text(key, schema, quote)});
    }

    // A string up to and with `end`.
    Part bare_text(const std::string& key, const Json& schema, std::string_view end) {
        const auto values = schema.find("enum");
        if (values != schema.end() || schema.contains("const")) {
            std::vector<Part> ways;
            const Json only = values != schema.end() ? *values : Json::array({schema.at("const")});
            for (const Json& v : only)
                if (v.is_string()) ways.push_back(b_.literal(v.get<std::string>() + std::string(end)));
            if (ways.empty()) throw Error(Code::unsupported, "/properties/{}/enum: it holds no string", key);
            return b_.choice(std::move(ways));
        }
        if (schema.contains("pattern"))
            return b_.sequence(
                {b_.regex("[\\s\\S]*(?:" + schema.at("pattern").get<std::string>() + ")[\\s\\S]*"), b_.literal(end)});
        if (schema.contains("minLength") || schema.contains("maxLength"))
            return b_.sequence(
                {b_.regex("[\\s\\S]{" + length(schema, "minLength", "0") + "," + length(schema, "maxLength", "") + "}"),
                 b_.literal(end)});
        return b_.until(end);
    }

    static std::string length(const Json& schema, const char* keyword, const char* otherwise) {
        if (!schema.contains(keyword)) return otherwise;
        if (!schema.at(keyword).is_number_unsigned())
            throw Error(Code::bad_request, "/{}: {} is no length", keyword, schema.at(keyword).dump());
        return schema.at(keyword).dump();
    }

    GrammarBuilder& b_;
    const CallPattern& pattern_;
    std::map<std::string, Part> arguments_;
};

// The shortest string that announces every way to write a call: others that contain it say nothing more.
std::string_view trigger_of(const Triggers& t) {
    std::string_view shortest;
    for (const std::string_view s : t.anywhere)
        if (shortest.empty() || s.size() < shortest.size()) shortest = s;
    for (const std::string_view s : t.anywhere)
        if (s.find(shortest) == s.npos)
            throw Error(Code::unsupported, "this notation has two openers that have nothing in common");
    return shortest;
}

// Any text that does not begin with `opener`.
Part not_beginning_with(GrammarBuilder& b, std::string_view opener) {
    std::vector<Part> ways;
    const Part anything = b.regex("[\\s\\S]*");
    for (std::size_t i = 0; i < opener.size(); ++i) {
        const std::string prefix(opener.substr(0, i));
        std::string other = "[^";
        if (std::string_view("\\]^-").find(opener[i]) != std::string_view::npos) other += '\\';
        other += std::string(1, opener[i]) + "]";
        ways.push_back(b.literal(prefix));
        ways.push_back(b.sequence({b.literal(prefix), b.regex(other), anything}));
    }
    return b.choice(std::move(ways));
}

}  // namespace

std::shared_ptr<const grammar::Grammar> tool_grammar(const Json& tools, const ToolRules& rules) {
    std::vector<Tool> list = read_tools(tools);
    if (rules.format == ToolFormat::none)
        throw Error(Code::unsupported, "how this model writes tool calls is not known, so it cannot be offered tools");
    if (rules.choice == ToolChoice::named) {
        std::erase_if(list, [&](const Tool& t) { return t.name != rules.tool; });
        if (list.empty()) throw Error(Code::bad_request, "the tool {} is to be called, but is not offered", rules.tool);
    }
    const Triggers t = triggers(rules.format);
    const bool parallel = rules.parallel && rules.choice != ToolChoice::named;
    GrammarBuilder b;
    Calls calls(b, syntax(rules.format));
    Part answer = 0;
    if (rules.choice == ToolChoice::required || rules.choice == ToolChoice::named)
        answer = b.sequence({spaces(b), calls.calls(list, parallel, "")});
    else if (t.anywhere.empty() && rules.choice == ToolChoice::none)
        answer = not_beginning_with(b, t.at_start.at(0));
    else if (t.anywhere.empty())
        answer = b.choice({calls.calls(list, parallel, ""), not_beginning_with(b, t.at_start.at(0))});
    else if (rules.choice == ToolChoice::none)
        answer = b.without(trigger_of(t));
    else
        answer = b.choice({b.sequence({b.until(trigger_of(t)), calls.calls(list, parallel, trigger_of(t))}),
                           b.without(trigger_of(t))});
    return b.build(thinking_first(b, rules.answer, answer));
}

std::shared_ptr<const grammar::Grammar> gbnf_grammar(std::string_view text, const AnswerRules& rules) {
    GrammarBuilder b;
    return b.build(thinking_first(b, rules, b.gbnf(text)));
}

std::string markup(ToolFormat format, const ThinkingMarkers& thinking) {
    const CallPattern& p = syntax(format).pattern;
    std::string all = thinking.open + " " + thinking.close;
    for (const std::string_view part :
         {p.before, p.call, p.other_call, p.separator, p.after, p.text_parameter, p.value_parameter, p.string_quote})
        all += " " + std::string(part);
    return all;
}

std::shared_ptr<const grammar::Grammar> schema_grammar(const Json& schema, const AnswerRules& rules) {
    GrammarBuilder b;
    return b.build(thinking_first(b, rules, b.json_schema(schema)));
}

}  // namespace quern::text
