// How names that come from files appear in error texts: nothing in them can break the line, the terminal or the JSON
// that carries the text.
#pragma once

#include <string>
#include <string_view>

namespace quern {

// Quoted, cut at 100 bytes, with anything but printable ASCII as \xNN.
std::string shown(std::string_view name);

}  // namespace quern
