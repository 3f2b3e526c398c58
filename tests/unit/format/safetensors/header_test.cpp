#include "format/safetensors/header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace quern::safetensors {
namespace {

TEST(Header, ReadsTensorsInOrder) {
    const Header h = parse_header(
        R"({"__metadata__":{"format":"pt","x":""},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
        R"("a\u0041":{"data_offsets":[24,24],"shape":[],"dtype":"Q"}}   )");
    ASSERT_EQ(h.tensors.size(), 2u);
    EXPECT_EQ(h.tensors[0].name, "b");
    EXPECT_EQ(h.tensors[0].dtype, "F32");
    EXPECT_THAT(h.tensors[0].dims, testing::ElementsAre(2, 3));
    EXPECT_EQ(h.tensors[0].begin_end, std::pair(std::uint64_t(0), std::uint64_t(24)));
    EXPECT_EQ(h.tensors[1].name, "aA");
    EXPECT_EQ(h.metadata.at("format"), "pt");
    EXPECT_TRUE(parse_header("{}").tensors.empty());
}

TEST(Index, ReadsTheWeightMap) {
    const auto files = parse_index(
        R"({"metadata":{"total_size":12,"x":[1,{"y":null}]},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})");
    EXPECT_EQ(files.size(), 2u);
    EXPECT_EQ(files.at("b"), "m-2.safetensors");
}

struct BadIndex {
    const char* text;
    const char* says;
};

TEST(Index, RefusesBadOnes) {
    const std::string deep = R"({"metadata":)" + std::string(100000, '[');
    const BadIndex table[] = {
        {"", "not JSON"},
        {"[]", "an array"},
        {"3", "a number"},
        {R"({"weight_map":{)", "not JSON"},
        {"{}", "no weight_map"},
        {R"({"weight_map":{}})", "no weight_map"},
        {R"({"weight_map":"x"})", "a string"},
        {R"({"weight_map":["x"]})", "an array"},
        {R"({"weight_map":{"a":3}})", "'a'"},
        {R"({"weight_map":{"a":{"b":"c"}}})", "'a'"},
        {R"({"weight_map":{"a":"x","a":"y"}})", "'a'"},
        {R"({"weight_map":{"a":"../../etc/passwd"}})", "'a'"},
        {R"({"weight_map":{"a":"/etc/passwd"}})", "'a'"},
        {R"({"weight_map":{"a":"b\\c"}})", "'a'"},
        {R"({"weight_map":{"a":".."}})", "'a'"},
        {R"({"weight_map":{"a":""}})", "'a'"},
        {R"({"weight_map":{"a":"x\u0000y"}})", "'a'"},
        {deep.c_str(), "nested deeper than 64"},
    };
    for (const BadIndex& bad : table) {
        try {
            parse_index(bad.text);
            ADD_FAILURE() << bad.text << " was read";
        } catch (const Error& e) {
            EXPECT_THAT(e.what(), testing::HasSubstr(bad.says));
        }
    }
}

}  // namespace
}  // namespace quern::safetensors
