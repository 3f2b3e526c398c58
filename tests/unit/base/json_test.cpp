#include "base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace quern {
namespace {

// Would catch: a stack overflow on hostile nesting, keys that lose their order.
TEST(Json, BoundsDepthAndKeepsOrder) {
    EXPECT_EQ(parse_json(R"({"b":1,"a":[2]})", "x").dump(), R"({"b":1,"a":[2]})");
    EXPECT_THROW(parse_json(std::string(100000, '['), "x"), Error);
    EXPECT_THROW(parse_json(std::string(100, '[') + std::string(100, ']'), "x"), Error);
    EXPECT_THROW(parse_json("{", "x"), Error);
    EXPECT_THROW(parse_json("", "x"), Error);
}

}  // namespace
}  // namespace quern
