#include "base/error.h"

namespace quern {

const char* code_name(Code code) noexcept {
    switch (code) {
        case Code::bad_file:
            return "bad_file";
        case Code::bad_request:
            return "bad_request";
        case Code::io:
            return "io";
        case Code::no_memory:
            return "no_memory";
        case Code::unsupported:
            return "unsupported";
        case Code::cancelled:
            return "cancelled";
        case Code::device:
            return "device";
    }
    return "unknown";
}

}  // namespace quern
