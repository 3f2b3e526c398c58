// SentencePiece's table of characters to replace, as `tokenizer.ggml.precompiled_charsmap` holds it: at each place of a
// text the longest known sequence of bytes gives way to another. The table is a double array (Aoe 1989, in the layout
// of Darts-clone) whose leaves point at strings that end in a zero byte. It comes from a file, so no index in it is
// trusted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::text {

class Charsmap {
public:
    Charsmap() = default;  // replaces nothing
    // Throws Error(bad_file) for a table whose parts do not fit into it.
    explicit Charsmap(std::string_view bytes);

    bool empty() const { return units_.empty(); }
    struct Replacement {
        std::size_t size = 0;  // of what is replaced, in bytes
        std::string_view by;
    };
    // What the text starts with, if the table knows it.
    std::optional<Replacement> find(std::string_view text) const;

private:
    std::vector<std::uint32_t> units_;
    std::string strings_;
};

}  // namespace quern::text
