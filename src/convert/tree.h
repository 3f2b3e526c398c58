// JSON as a sorted tree, for texts of any size: vocabularies have hundreds of thousands of fields.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace quern::convert {

using Tree = nlohmann::json;

// Throws Error(bad_file) with the place of the mistake; `what` names the text in the sentence. Bounded in depth.
Tree parse_tree(std::string_view text, std::string_view what);

}  // namespace quern::convert
