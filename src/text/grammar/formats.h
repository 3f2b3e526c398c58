// The formats of JSON Schema that are regular languages, by name. Where the draft leaves a choice, the stricter
// reading: dates must exist, there are no leap seconds, hosts are ASCII.
#pragma once

#include <string_view>

#include "text/grammar/dfa.h"

namespace quern::grammar {

// Throws Error(unsupported) naming a format that is not known.
Dfa format_dfa(std::string_view name, Budget& budget);

}  // namespace quern::grammar
