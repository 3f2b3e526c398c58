// Arithmetic on sizes that come from outside. A sum or product that does not fit is an Error naming what was computed,
// never a wrapped number. Every size read from a file or a request goes through here before it is used.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace quern {

template <std::integral T>
T checked_add(T a, T b, std::string_view what) {
    T r;
    if (__builtin_add_overflow(a, b, &r))
        throw Error(Code::bad_file, "{}: {} + {} does not fit in {} bits", what, a, b, sizeof(T) * 8);
    return r;
}

template <std::integral T>
T checked_mul(T a, T b, std::string_view what) {
    T r;
    if (__builtin_mul_overflow(a, b, &r))
        throw Error(Code::bad_file, "{}: {} x {} does not fit in {} bits", what, a, b, sizeof(T) * 8);
    return r;
}

// Converts between integer types; a value that the target cannot hold is an Error.
template <std::integral To, std::integral From>
To checked_cast(From v, std::string_view what) {
    if (!std::in_range<To>(v)) throw Error(Code::bad_file, "{}: {} does not fit in {} bits", what, v, sizeof(To) * 8);
    return static_cast<To>(v);
}

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

}  // namespace quern
