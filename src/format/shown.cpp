#include "format/shown.h"

#include <fmt/format.h>

#include <iterator>

namespace quern {

std::string shown(std::string_view name) {
    std::string out = "'";
    for (const char c : name.substr(0, 100)) {
        const auto u = static_cast<unsigned char>(c);
        if (u >= 0x20 && u < 0x7f)
            out += c;
        else
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", u);
    }
    out += '\'';
    if (name.size() > 100) out += fmt::format(" (cut, {} bytes)", name.size());
    return out;
}

}  // namespace quern
