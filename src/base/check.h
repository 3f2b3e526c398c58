// CHECK is for our own bugs only: a broken promise inside Quern that no input, file or peer can bring about. It prints
// a sentence with the place and aborts, in every build. What the outside world can cause is an Error (error.h).
#pragma once

namespace quern {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}

#define CHECK(condition) ((condition) ? void() : ::quern::check_failed(#condition, __FILE__, __LINE__))
