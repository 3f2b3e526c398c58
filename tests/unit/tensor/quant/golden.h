// Golden vectors of the block formats (tools/golden/quant.py says what is in a file), and the comparison they are held
// against. For the tests of this folder.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/file.h"
#include "tensor/dtype.h"

namespace quern {

struct Golden {
    std::vector<std::byte> blocks;   // to decode
    std::vector<float> values;       // what they decode to
    std::vector<float> weights;      // to encode, or empty
    std::vector<std::byte> encoded;  // what they encode to
};

inline std::filesystem::path golden_path(DType dtype) {
    return std::filesystem::path(QUERN_SOURCE_DIR) / "tests/golden/quant" / (std::string(info(dtype).name) + ".bin");
}

// Throws Error where there is no file, and std::out_of_range where it does not fit the table of dtypes.
inline Golden read_golden(DType dtype) {
    const std::string text = read_text(golden_path(dtype));
    std::size_t at = 0;
    const auto take = [&](auto& out) {
        const std::size_t bytes = out.size() * sizeof(out[0]);
        if (text.size() - at < bytes) throw std::out_of_range("golden file too short");
        if (bytes > 0) std::memcpy(out.data(), text.data() + at, bytes);
        at += bytes;
    };
    std::vector<char> magic(8);
    std::vector<std::uint32_t> head(4);
    take(magic);
    take(head);
    if (std::string(magic.data(), 8) != std::string("quernq1\0", 8)) throw std::out_of_range("not a golden file");
    if (head[0] != std::uint32_t(info(dtype).block) || head[1] != std::uint32_t(info(dtype).bytes))
        throw std::out_of_range("golden file and table of dtypes disagree on the block");
    Golden g;
    g.blocks.resize(std::size_t(head[2]) * head[1]);
    g.values.resize(std::size_t(head[2]) * head[0]);
    g.weights.resize(std::size_t(head[3]) * head[0]);
    g.encoded.resize(std::size_t(head[3]) * head[1]);
    take(g.blocks);
    take(g.values);
    take(g.weights);
    take(g.encoded);
    if (at != text.size()) throw std::out_of_range("golden file too long");
    return g;
}

// The same bits, or both NaN: which NaN comes out of inf - inf is the processor's choice.
inline bool same(float a, float b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// The first index at which the two differ, in length too; -1 where they do not.
inline std::int64_t first_difference(const std::vector<float>& a, const std::vector<float>& b) {
    const std::size_t n = a.size() < b.size() ? a.size() : b.size();
    for (std::size_t i = 0; i < n; ++i)
        if (!same(a[i], b[i])) return std::int64_t(i);
    return a.size() == b.size() ? -1 : std::int64_t(n);
}

}  // namespace quern
