#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace quern {

void check_failed(const char* condition, const char* file, int line) noexcept {
    std::fprintf(stderr, "quern: internal error at %s:%d: expected %s; please report this\n", file, line, condition);
    std::abort();
}

}  // namespace quern
