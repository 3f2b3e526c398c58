// Fault points: the nth hit and no other, by kind; nothing where they are not compiled in.
#include "base/fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace quern {
namespace {

using fault::Point;

#ifdef QUERN_FAULTS

std::vector<bool> hits(Point point, int n, std::string_view name = {}) {
    std::vector<bool> list;
    for (int i = 0; i < n; ++i) list.push_back(fault::hit(point, name));
    return list;
}

struct Fault : testing::Test {
    void TearDown() override { fault::arm(""); }
};

TEST_F(Fault, GoesWrongAtTheNthHitOfItsPointOnly) {
    fault::arm("kernel_nan:3");
    EXPECT_EQ(hits(Point::kernel_crash, 4), std::vector<bool>(4, false));
    EXPECT_EQ(hits(Point::kernel_nan, 5), (std::vector{false, false, true, false, false}));
}

TEST_F(Fault, GoesWrongFromThenOnOrForOneNameOnly) {
    fault::arm("kernel_nan:2:always");
    EXPECT_EQ(hits(Point::kernel_nan, 3), (std::vector{false, true, true}));
    fault::arm("kernel_nan:2:norm.avx2");
    EXPECT_EQ(hits(Point::kernel_nan, 3, "norm"), std::vector<bool>(3, false));
    EXPECT_EQ(hits(Point::kernel_nan, 3, "norm.avx2"), (std::vector{false, true, true}));
    fault::arm("");
    EXPECT_EQ(hits(Point::kernel_nan, 3), std::vector<bool>(3, false));
}

TEST_F(Fault, WhatIsNoFaultIsRefused) {
    for (const char* text : {"kernel_nan", "kernel_nan:", "kernel_nan:0", "kernel_nan:1x", "kernel_nan:1:", "other:1"})
        try {
            fault::arm(text);
            ADD_FAILURE() << text;
        } catch (const Error& e) {
            EXPECT_THAT(e.what(), testing::HasSubstr("kernel_crash, kernel_hang")) << text;
        }
    EXPECT_FALSE(fault::hit(Point::kernel_nan));
}

#else

TEST(Fault, IsNotInThisBuildWhichSaysSo) {
    static_assert(!fault::hit(Point::kernel_nan));
    EXPECT_THROW(fault::arm("kernel_nan:1"), Error);
    fault::arm("");
}

#endif

}  // namespace
}  // namespace quern
