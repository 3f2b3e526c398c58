#include "base/env.h"

#include <cstdlib>

namespace quern {

std::optional<std::string> environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
}

Path quern_home() {
    if (const auto own = environment("QUERN_HOME")) return *own;
    if (const auto home = environment("HOME")) return Path(*home) / ".quern";
    return {};
}

}  // namespace quern
