// One message of a conversation, as a client sends it: an object with a role, mostly a content, and whatever else its
// template reads (reasoning_content, tool_calls, tool_call_id, name). Kept whole, so that nothing a template knows of
// is lost on the way to it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"

namespace quern::text {

class Message {
public:
    // `role` is "system", "user", "assistant" or "tool", as a rule.
    Message(std::string_view role, std::string_view content);
    // Throws Error(bad_request) if it is no object, has no role, or a role that is no string.
    explicit Message(Json json);

    const std::string& role() const;
    // The content as text: as it is, the texts of its parts one after the other, or nothing.
    std::string text() const;
    const Json& json() const { return *json_; }

private:
    std::shared_ptr<const Json> json_;
};

}  // namespace quern::text
