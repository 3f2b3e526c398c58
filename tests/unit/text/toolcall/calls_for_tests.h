// Tool calls at random, and written as each notation's CallPattern says: what a grammar would let a model write.
#pragma once

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/toolcall/syntax.h"
#include "text/toolcall/tools.h"

namespace quern::text {

struct TestCall {
    std::string name;
    nlohmann::ordered_json arguments;
};

// A tool with one parameter of each type, and one without parameters.
inline const ToolTypes& test_tools() {
    static const ToolTypes tools = [] {
        ToolTypes t;
        t.add("write_file", Json::parse(R"({"type": "object", "properties": {
            "path": {"type": "string"}, "content": {"type": "string"}, "mode": {"type": "integer"},
            "share": {"type": "number"}, "force": {"type": "boolean"}, "lines": {"type": "array"},
            "extra": {"type": "object"}, "note": {"type": ["string", "null"]}}})"));
        t.add("now", Json::parse(R"({"type": "object", "properties": {}})"));
        return t;
    }();
    return tools;
}

// Markup, quotes, brackets and odd characters of all notations.
inline const std::vector<std::string>& nasty_pieces() {
    static const std::vector<std::string> pieces = [] {
        std::vector<std::string> out{"a",
                                     "Zürich",
                                     "東京",
                                     "🗼",
                                     " ",
                                     "\n",
                                     "\n\n",
                                     "\t",
                                     "\"",
                                     "'",
                                     "\\",
                                     "\\n",
                                     "\\u00e9",
                                     "{",
                                     "}",
                                     "[",
                                     "]",
                                     "(",
                                     ")",
                                     ",",
                                     ":",
                                     ";",
                                     "=",
                                     "<",
                                     ">",
                                     "</",
                                     "<|",
                                     "|>",
                                     "null",
                                     "true",
                                     "None",
                                     "12",
                                     "-0.5e3",
                                     "{\"name\": \"x\", \"arguments\": {}}",
                                     "```",
                                     "```json\n",
                                     "name",
                                     "\"arguments\": ",
                                     "call:",
                                     "functions.",
                                     " to=functions.now",
                                     "<|start|>assistant",
                                     "<|channel|>commentary",
                                     "<|channel|>analysis",
                                     "<|message|>",
                                     "<|end|>",
                                     "<|call|>",
                                     "<|constrain|>json",
                                     "<think>",
                                     "</think>",
                                     "[ARGS]",
                                     "[CALL_ID]",
                                     "<arg_key>",
                                     "</arg_key>",
                                     "<arg_value>",
                                     "</arg_value>",
                                     "<function=now>",
                                     "</function>",
                                     "<parameter=path>",
                                     "</parameter>",
                                     "<invoke name=\"now\">",
                                     "</invoke>",
                                     "<parameter name=\"path\">",
                                     "string=\"true\"",
                                     "<｜DSML｜parameter name=\"path\" string=\"true\">",
                                     "</｜DSML｜parameter>",
                                     "<|\"|>",
                                     "<escape>",
                                     "<response>",
                                     "</response>",
                                     "now(",
                                     "[now()]",
                                     "\x01",
                                     "\x7f"};
        for (const ToolFormatName& f : tool_formats()) {
            const Syntax& s = syntax(f.format);
            for (const Markers& markers : {s.openers, s.call_openers, s.closers, s.ignored})
                for (const std::string_view m : markers)
                    if (!m.empty()) out.emplace_back(m);
        }
        return out;
    }();
    return pieces;
}

inline std::string random_text(std::mt19937& random, int pieces) {
    std::string out;
    for (int i = static_cast<int>(random() % static_cast<unsigned>(pieces + 1)); i > 0; --i)
        out += nasty_pieces()[random() % (random() % 3 == 0 ? nasty_pieces().size() : 40)];
    return out;
}

inline nlohmann::ordered_json random_value(std::mt19937& random, int depth) {
    switch (random() % (depth > 0 ? 7 : 5)) {
        case 0:
            return random_text(random, 8);
        case 1:
            return static_cast<int>(random() % 2001) - 1000;
        case 2:
            return (static_cast<double>(random() % 4001) - 2000) / 64;
        case 3:
            return random() % 2 == 0;
        case 4:
            return nullptr;
        case 5: {
            auto list = nlohmann::ordered_json::array();
            for (unsigned i = random() % 4; i > 0; --i) list.push_back(random_value(random, depth - 1));
            return list;
        }
        default: {
            auto object = nlohmann::ordered_json::object();
            for (unsigned i = random() % 4; i > 0; --i)
                object["k" + std::to_string(random() % 10)] = random_value(random, depth - 1);
            return object;
        }
    }
}

// Arguments fit test_tools().
inline TestCall random_call(std::mt19937& random) {
    TestCall call{"now", nlohmann::ordered_json::object()};
    if (random() % 5 == 0) return call;
    call.name = "write_file";
    auto& a = call.arguments;
    if (random() % 2) a["path"] = random_text(random, 3);
    if (random() % 2) a["content"] = random_text(random, 20);
    if (random() % 3 == 0) a["mode"] = static_cast<int>(random() % 1000) - 500;
    if (random() % 3 == 0) a["share"] = static_cast<double>(random() % 1000) / 8;
    if (random() % 3 == 0) a["force"] = random() % 2 == 0;
    if (random() % 3 == 0)
        a["lines"] = nlohmann::ordered_json::array({random_value(random, 2), random_value(random, 1)});
    if (random() % 3 == 0) a["extra"] = nlohmann::ordered_json{{"k", random_value(random, 3)}};
    if (random() % 4 == 0) a["note"] = nullptr;
    return call;
}

namespace writing {

inline std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
    std::string out(text);
    for (std::size_t at = out.find(what); at != out.npos && !what.empty(); at = out.find(what, at + with.size()))
        out.replace(at, what.size(), with);
    return out;
}

// Fills in a pattern.
inline std::string fill(std::string_view pattern,
                        std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
    std::string out;
    for (const PatternPiece& p : pieces(pattern)) {
        if (p.literal) out += p.text;
        for (const auto& [name, value] : values)
            if (!p.literal && p.text == name) out += value;
    }
    return out;
}

// A value in Python's notation (quote `"`) or Gemma's.
inline std::string literal(const nlohmann::ordered_json& v, const CallPattern& p) {
    const bool python = p.arguments == CallPattern::Arguments::python;
    if (v.is_string())
        return python ? v.dump() : std::string(p.string_quote) + v.get<std::string>() + std::string(p.string_quote);
    if (v.is_boolean() && python) return v.get<bool>() ? "True" : "False";
    if (v.is_null() && python) return "None";
    if (!v.is_structured()) return v.dump();
    std::string out;
    for (const auto& [key, item] : v.items()) {
        if (!out.empty()) out += ", ";
        if (v.is_object()) out += (python ? nlohmann::ordered_json(key).dump() : key) + ": ";
        out += literal(item, p);
    }
    return v.is_object() ? "{" + out + "}" : "[" + out + "]";
}

// Takes out of all strings what would end them.
inline void clean(nlohmann::ordered_json& v, std::string_view end) {
    if (v.is_string()) v = replaced(v.get<std::string>(), end, "");
    if (v.is_structured())
        for (auto& item : v) clean(item, end);
}

inline std::string arguments(const Syntax& s, TestCall& call) {
    const CallPattern& p = s.pattern;
    if (p.arguments == CallPattern::Arguments::json) return call.arguments.dump();
    if (p.arguments == CallPattern::Arguments::gemma) clean(call.arguments, p.string_quote);
    std::string out;
    for (auto& [key, value] : call.arguments.items()) {
        if (!out.empty()) out += p.parameter_separator;
        const bool raw = value.is_string() && p.arguments == CallPattern::Arguments::parameters;
        if (raw) clean(value, s.tags.value_close);
        const std::string text = raw                                                 ? value.get<std::string>()
                                 : p.arguments == CallPattern::Arguments::parameters ? value.dump()
                                                                                     : literal(value, p);
        out += fill(raw ? p.text_parameter : p.value_parameter, {{"KEY", key}, {"VALUE", text}});
    }
    return out;
}

}  // namespace writing

// All calls as one text. Strings that the notation cannot hold (a grammar would not let them be written) are changed
// in `calls`.
inline std::string write_calls(ToolFormat format, std::vector<TestCall>& calls) {
    const Syntax& s = syntax(format);
    std::string out(s.pattern.before);
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (i > 0) out += s.pattern.separator;
        out += writing::fill(
            s.pattern.call,
            {{"NAME", calls[i].name}, {"INDEX", std::to_string(i)}, {"ARGUMENTS", writing::arguments(s, calls[i])}});
    }
    return out + std::string(s.pattern.after);
}

}  // namespace quern::text
