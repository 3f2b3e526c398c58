// What is done to messages so that more templates take them: clients send what their API allows, templates were
// written for less. Each works on an array of message objects, or on one, and leaves alone what it does not know.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "text/template/facts.h"

namespace quern::text {

// "developer" is what newer APIs call "system".
void rename_developers(Json& messages);
// Content that is a list of nothing but texts becomes one text.
void join_parts(Json& message);
// Tool-call arguments that are the text of a JSON object become the object: templates write them anew.
void parse_arguments(Json& message);
// Moves system messages to where the template takes them, and says so in `notes`. Only texts can be merged.
void place_systems(Json& messages, SystemPlace place, std::vector<std::string>& notes);

}  // namespace quern::text
