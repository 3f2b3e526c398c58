// Inside the safetensors reader: the two JSON texts of the format, read in one pass without building a tree, so that
// size, depth and repeated names are under control. Knows JSON and the rules of the format, not files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::safetensors {

constexpr std::uint64_t max_header_bytes = 100'000'000;  // the format's own limit
constexpr std::size_t max_dims = 8;

struct HeaderEntry {
    std::string name;
    std::string dtype;                                  // as written
    std::vector<std::uint64_t> dims;                    // outermost first
    std::pair<std::uint64_t, std::uint64_t> begin_end;  // of the bytes, from the start of the data
};

struct Header {
    std::vector<HeaderEntry> tensors;  // in the order of the text
    std::map<std::string, std::string, std::less<>> metadata;
};

// Throws Error naming the tensor.
Header parse_header(std::string_view text);

// The "weight_map" of an index: tensor name to file name. Throws Error naming the tensor; a file name that is not a
// plain name of a file beside the index is refused.
std::map<std::string, std::string, std::less<>> parse_index(std::string_view text);

}  // namespace quern::safetensors
