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

// Which labels of a leaf may still be used, by bit; null: all of them.
using OpenLabels = const std::vector<std::uint64_t>*;

// Moves on by a byte; false (and anything in state, at) if the byte cannot stand here: what it begins, a half-read
// character too, must still lead to a label that may be used.
bool advance(const Leaf& leaf, std::int32_t& state, std::uint32_t& at, std::uint8_t byte, OpenLabels open = nullptr);

}  // namespace quern::grammar
