// JSON for configuration, metadata and reports. Keys keep their order. Parsing is bounded in depth, since the library
// recurses when it copies or prints.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace quern {

using Json = nlohmann::ordered_json;

// Throws Error(bad_file) with the place of the mistake; `what` names the text in the sentence ("config.json").
Json parse_json(std::string_view text, std::string_view what, int max_depth = 64);

}  // namespace quern
