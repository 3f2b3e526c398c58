#include "ops/op.h"

#include "base/error.h"

namespace quern {

std::string_view name(Op op) {
    static constexpr std::string_view names[] = {
#define X(name) #name,
        QUERN_OPS(X)
#undef X
    };
    return names[std::size_t(op)];
}

void shape_error(std::string what) { throw Error(Code::bad_file, "{}", what); }

}  // namespace quern
