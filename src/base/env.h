// The environment, read in this one place.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"

namespace quern {

std::optional<std::string> environment(const char* name);

// Where Quern keeps what outlives a process: $QUERN_HOME, else ~/.quern. Not created here; empty when there is no home.
Path quern_home();

}  // namespace quern
