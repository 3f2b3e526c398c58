#include "tensor/quant/grids.h"

#include <gtest/gtest.h>

#include <bit>
#include <span>
#include <sstream>
#include <string>

#include "base/file.h"
#include "base/hash.h"

namespace quern {
namespace {

template <std::size_t length, std::size_t count>
std::string line(const char* name, const Grid<length, count>& grid) {
    std::ostringstream out;
    out << name << ' ' << std::hex;
    out.fill('0');
    out.width(16);
    out << fnv1a(std::as_bytes(std::span(grid))) << '\n';
    return out.str();
}

// Would catch: one wrong entry in any grid; golden blocks touch only some of the rows.
TEST(Grids, HaveTheKnownContent) {
    const std::string ours = line("iq1", iq1_grid) + line("iq2_xxs", iq2_xxs_grid) + line("iq2_xs", iq2_xs_grid) +
                             line("iq2_s", iq2_s_grid) + line("iq3_xxs", iq3_xxs_grid) + line("iq3_s", iq3_s_grid);
    EXPECT_EQ(ours, read_text(Path(QUERN_SOURCE_DIR) / "tests/golden/quant/grids.txt"));
}

TEST(Grids, SevenSignsMakeAnEvenEighth) {
    for (std::uint32_t s = 0; s < 128; ++s) {
        EXPECT_EQ(even_signs(s) & 127u, s);
        EXPECT_EQ(std::popcount(even_signs(s)) % 2, 0) << s;
    }
}

}  // namespace
}  // namespace quern
