#include "text/template/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace quern::text {
namespace {

bool is_system(const Json& m) { return m.at("role") == "system"; }
bool has_text(const Json& m) { return m.contains("content") && m["content"].is_string(); }

void append(std::string& all, const Json& message) {
    if (!all.empty()) all += "\n\n";
    all += message["content"].get_ref<const std::string&>();
}

}  // namespace

void rename_developers(Json& messages) {
    for (Json& m : messages)
        if (m["role"] == "developer") m["role"] = "system";
}

void join_parts(Json& message) {
    if (!message.contains("content") || !message["content"].is_array()) return;
    std::string all;
    for (const Json& part : message["content"]) {
        if (!part.is_object() || part.value("type", Json("text")) != "text" || !part.contains("text") ||
            !part["text"].is_string())
            return;
        all += part["text"].get_ref<const std::string&>();
    }
    message["content"] = std::move(all);
}

void parse_arguments(Json& message) {
    if (!message.contains("tool_calls") || !message["tool_calls"].is_array()) return;
    for (Json& call : message["tool_calls"]) {
        if (!call.is_object()) continue;
        Json& function = call.contains("function") ? call["function"] : call;
        if (!function.is_object() || !function.contains("arguments") || !function["arguments"].is_string()) continue;
        try {
            Json arguments = parse_json(function["arguments"].get_ref<const std::string&>(), "arguments");
            if (arguments.is_object()) function["arguments"] = std::move(arguments);
        } catch (const Error&) {  // not JSON: the template sees the text
        }
    }
}

void place_systems(Json& messages, SystemPlace place, std::vector<std::string>& notes) {
    const auto late = [&](std::size_t i) { return is_system(messages[i]) && has_text(messages[i]); };
    if (place == SystemPlace::anywhere) return;
    std::string all;
    std::size_t moved = 0;
    Json rest = Json::array();
    const bool leads = !messages.empty() && late(0);
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (!late(i)) {
            rest.push_back(std::move(messages[i]));
            continue;
        }
        append(all, messages[i]);
        ++moved;
    }
    messages = std::move(rest);
    if (moved == 0) return;
    if (place == SystemPlace::first) {
        messages.insert(messages.begin(), Json{{"role", "system"}, {"content", all}});
        if (moved > 1 || !leads)
            notes.push_back(
                fmt::format("{} system message{} put together at the beginning, the only place where the "
                            "template takes one",
                            moved, moved == 1 ? " was" : "s were"));
        return;
    }
    const auto user = std::ranges::find_if(messages, [](const Json& m) { return m["role"] == "user" && has_text(m); });
    if (user == messages.end()) {
        messages.insert(messages.begin(), Json{{"role", "user"}, {"content", all}});
    } else {
        append(all, *user);
        (*user)["content"] = all;
    }
    notes.emplace_back("the system message was put in front of the user's, since the template takes none");
}

}  // namespace quern::text
