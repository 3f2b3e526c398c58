#include "text/template/message.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace quern::text {

Message::Message(std::string_view role, std::string_view content)
    : json_(std::make_shared<const Json>(Json{{"role", role}, {"content", content}})) {}

Message::Message(Json json) {
    if (!json.is_object()) throw Error(Code::bad_request, "a message is an object, not {}", json.type_name());
    const auto role = json.find("role");
    if (role == json.end() || !role->is_string())
        throw Error(Code::bad_request, "a message needs a 'role' that is a string");
    json_ = std::make_shared<const Json>(std::move(json));
}

const std::string& Message::role() const { return json_->at("role").get_ref<const std::string&>(); }

std::string Message::text() const {
    const auto content = json_->find("content");
    if (content == json_->end()) return "";
    if (content->is_string()) return content->get<std::string>();
    std::string out;
    if (content->is_array())
        for (const Json& part : *content)
            if (part.is_object() && part.contains("text") && part["text"].is_string())
                out += part["text"].get_ref<const std::string&>();
    return out;
}

}  // namespace quern::text
