// Counts what a test program allocates with new. The counting replacements are in allocations.cpp, a file of their own,
// since a compiler that sees through them takes ordinary code for errors.
#pragma once

namespace quern::test {

// Whether new is counted: the sanitizers bring allocation functions of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts_allocations = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool counts_allocations = false;
#else
constexpr bool counts_allocations = true;
#endif
#else
constexpr bool counts_allocations = true;
#endif

long allocations();  // so far; 0 where they are not counted

}  // namespace quern::test
