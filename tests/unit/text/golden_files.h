// The golden files of tests/golden/tokenizers (tools/golden/text_tokenizers.py makes them).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"

namespace quern::text {

inline Json golden(const std::string& name) {
    return parse_json(read_text(Path(QUERN_SOURCE_DIR) / "tests/golden/tokenizers" / name), name);
}
inline std::vector<std::string> golden_strings() { return golden("strings.json")["strings"]; }

}  // namespace quern::text
