#include "base/json.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace quern {

Json parse_json(std::string_view text, std::string_view what, int max_depth) {
    bool too_deep = false;
    const auto limit = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > max_depth;
        return !too_deep;
    };
    try {
        Json j = Json::parse(text, limit);
        if (too_deep) throw Error(Code::bad_file, "parsing {}: it is nested deeper than {} levels", what, max_depth);
        return j;
    } catch (const Json::exception& e) {
        throw Error(Code::bad_file, "parsing {}: {}", what, e.what());
    }
}

}  // namespace quern
