// Mapped memory that can be lost: where a file becomes shorter or its disk fails, reading the mapping raises SIGBUS. A
// mapping that is watched here is continued with zeros from the lost page on, and remembers that it was; whoever reads
// it asks afterwards. The signal's handler is crash.h's.
#pragma once

#include <cstddef>

namespace quern::lost_pages {

// Watches [begin, begin + size). Gives a ticket, or -1 where as many are watched as can be.
int watch(const void* begin, std::size_t size) noexcept;
void forget(int ticket) noexcept;
// Whether anything of it was lost. -1: no.
bool any(int ticket) noexcept;

// From the signal handler: true when the address lies in a watched mapping and can now be read.
bool replace(const void* address) noexcept;

}  // namespace quern::lost_pages
