#include "text/tokenizer/charsmap.h"

#include <algorithm>

#include "base/error.h"

namespace quern::text {
namespace {

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
    std::uint32_t v = 0;
    for (std::size_t i = 0; i < 4; ++i) v |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    return v;
}

// The fields of a unit of the double array.
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t value(std::uint32_t unit) { return unit & 0x7FFFFFFF; }
std::uint32_t label(std::uint32_t unit) { return unit & 0x800000FF; }
std::uint32_t offset(std::uint32_t unit) { return (unit >> 10) << ((unit & 0x200) >> 6); }

}  // namespace

Charsmap::Charsmap(std::string_view bytes) {
    const std::size_t size = bytes.size() < 4 ? 0 : read_u32(bytes, 0);
    if (bytes.size() < 4 || size > bytes.size() - 4 || size % 4 != 0 || size == 0)
        throw Error(
            Code::bad_file,
            "reading the tokenizer: tokenizer.ggml.precompiled_charsmap has {} bytes and says that its table has "
            "{}; it is damaged",
            bytes.size(), size);
    for (std::size_t i = 0; i < size; i += 4) units_.push_back(read_u32(bytes, 4 + i));
    strings_ = bytes.substr(4 + size);
    if (strings_.empty() || strings_.back() != '\0')
        throw Error(Code::bad_file,
                    "reading the tokenizer: the last string of tokenizer.ggml.precompiled_charsmap has no end");
}

std::optional<Charsmap::Replacement> Charsmap::find(std::string_view text) const {
    if (empty()) return std::nullopt;
    std::optional<Replacement> longest;
    std::uint32_t node = offset(units_[0]);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        node ^= byte;
        if (node >= units_.size() || label(units_[node]) != byte) break;
        const std::uint32_t unit = units_[node];
        node ^= offset(unit);
        if (node >= units_.size()) break;
        if (!has_leaf(unit)) continue;
        const std::uint32_t at = value(units_[node]);
        if (at >= strings_.size()) break;
        longest = {i + 1, std::string_view(strings_.c_str() + at)};
    }
    return longest;
}

}  // namespace quern::text
