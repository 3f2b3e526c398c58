#include "format/shown.h"

#include <gtest/gtest.h>

namespace quern {
namespace {

// Would catch: an error text that a name can break, colour or make invalid UTF-8.
TEST(Shown, EscapesWhatIsNotPrintable) {
    EXPECT_EQ(shown("blk.0.attn_q.weight"), "'blk.0.attn_q.weight'");
    EXPECT_EQ(shown(""), "''");
    EXPECT_EQ(shown(std::string_view("a\0b\n", 4)), "'a\\x00b\\x0a'");
    EXPECT_EQ(shown("\x1b[31m\xff"), "'\\x1b[31m\\xff'");
    EXPECT_EQ(shown(std::string(101, 'x')), "'" + std::string(100, 'x') + "' (cut, 101 bytes)");
}

}  // namespace
}  // namespace quern
