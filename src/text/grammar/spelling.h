// Bytes to characters, one byte at a time, inside a leaf: UTF-8 and the escapes of JSON strings. A byte is taken only
// if what it begins can still become a character that the leaf's automaton accepts next, so a half-read character is
// never a dead end. Pure functions over the leaf's tables.
#pragma once

#include <cstdint>

#include "text/grammar/program.h"

namespace quern::grammar {

// Between characters of bytes and UTF-8. What else the number means is known to spelling.cpp only.
inline constexpr std::uint32_t between = 0;
std::uint32_t first_spelling(Spelling spelling);      // at the start of a leaf
std::uint32_t in_string();                            // between characters of a JSON string
bool may_leave(Spelling spelling, std::uint32_t at);  // whether a leaf may end here, if its automaton accepts

// Moves on by a byte; false (and anything in state, at) if the byte cannot stand here. `open`: bits of the labels that
// can be used; null: all of them.
bool advance(const Leaf& leaf, std::int32_t& state, std::uint32_t& at, std::uint8_t byte,
             const std::uint64_t* open = nullptr);

}  // namespace quern::grammar
