#include "format/gguf/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace quern::gguf {
namespace {

using testing::HasSubstr;

template <class F>
std::string error_of(F f) {
    try {
        f();
    } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::bad_file);
        return e.what();
    }
    return "no error";
}

// Would catch: an integer width or sign that writers use and the getter forgets.
TEST(Metadata, TakesAnyIntegerThatFits) {
    Metadata m;
    m.set("u8", std::uint8_t{200});
    m.set("i8", std::int8_t{-5});
    m.set("u16", std::uint16_t{65535});
    m.set("i16", std::int16_t{-300});
    m.set("u32", std::uint32_t{4000000000});
    m.set("i32", std::int32_t{-7});
    m.set("u64", std::uint64_t{1} << 62);
    m.set("i64", std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(m.integer("u8"), 200);
    EXPECT_EQ(m.integer("i8"), -5);
    EXPECT_EQ(m.integer("u16"), 65535);
    EXPECT_EQ(m.integer("i16"), -300);
    EXPECT_EQ(m.integer("u32"), 4000000000);
    EXPECT_EQ(m.integer("i32"), -7);
    EXPECT_EQ(m.integer("u64"), std::int64_t{1} << 62);
    EXPECT_EQ(m.integer("i64"), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(m.integer("absent"), std::nullopt);
}

// Would catch: a u64 that wraps to a negative number.
TEST(Metadata, RefusesAnIntegerThatDoesNotFit) {
    Metadata m;
    m.set("big", std::uint64_t{1} << 63);
    m.set_array("bigs", std::vector<std::uint64_t>{1, std::uint64_t{1} << 63});
    EXPECT_THAT(error_of([&] { m.integer("big"); }), HasSubstr("'big' is 9223372036854775808"));
    EXPECT_THAT(error_of([&] { m.integers("bigs"); }), HasSubstr("'bigs' is 9223372036854775808"));
}

// Would catch: silent conversion between kinds; the text must say key, found and wanted.
TEST(Metadata, RefusesAnotherTypeNamingBoth) {
    Metadata m;
    m.set("flag", true);
    m.set("ratio", 1.5f);
    m.set("count", std::uint32_t{3});
    m.set("word", std::string("three"));
    m.set_array("bytes", std::vector<std::int8_t>{1});
    m.set("flags", Array{ValueType::boolean, std::vector<std::uint8_t>{1, 0}});
    EXPECT_THAT(error_of([&] { m.integer("flag"); }), HasSubstr("'flag' is bool, but an integer"));
    EXPECT_THAT(error_of([&] { m.integer("ratio"); }), HasSubstr("'ratio' is f32, but an integer"));
    EXPECT_THAT(error_of([&] { m.number("count"); }), HasSubstr("'count' is u32, but f32 or f64"));
    EXPECT_THAT(error_of([&] { m.boolean("count"); }), HasSubstr("'count' is u32, but bool"));
    EXPECT_THAT(error_of([&] { m.string("count"); }), HasSubstr("'count' is u32, but string"));
    EXPECT_THAT(error_of([&] { m.strings("word"); }), HasSubstr("'word' is string, but an array of string"));
    EXPECT_THAT(error_of([&] { m.strings("bytes"); }), HasSubstr("'bytes' is an array of i8, but an array of string"));
    EXPECT_THAT(error_of([&] { m.floats("bytes"); }), HasSubstr("'bytes' is an array of i8, but an array of f32"));
    EXPECT_THAT(error_of([&] { m.integers("flags"); }), HasSubstr("'flags' is an array of bool, but an array of int"));
    EXPECT_THAT(error_of([&] { m.booleans("bytes"); }), HasSubstr("'bytes' is an array of i8, but an array of bool"));
}

TEST(Metadata, GivesArrays) {
    Metadata m;
    m.set_array("words", std::vector<std::string>{"a", "b"});
    m.set_array("floats", std::vector<float>{0.5f, -1});
    m.set_array("shorts", std::vector<std::int16_t>{-1, 2});
    m.set("flags", Array{ValueType::boolean, std::vector<std::uint8_t>{1, 0}});
    EXPECT_THAT(*m.strings("words"), testing::ElementsAre("a", "b"));
    EXPECT_THAT(*m.floats("floats"), testing::ElementsAre(0.5f, -1.f));
    EXPECT_THAT(*m.integers("shorts"), testing::ElementsAre(-1, 2));
    EXPECT_THAT(*m.booleans("flags"), testing::ElementsAre(true, false));
    EXPECT_EQ(m.strings("absent"), std::nullopt);
}

TEST(Metadata, AbsentNeedsAreErrorsNamingTheKey) {
    const Metadata m;
    EXPECT_THAT(error_of([&] { m.need_integer("llama.block_count"); }), HasSubstr("'llama.block_count' is missing"));
    EXPECT_THAT(error_of([&] { m.need_number("llama.eps"); }), HasSubstr("'llama.eps' is missing"));
    EXPECT_THAT(error_of([&] { m.need_string("general.architecture"); }), HasSubstr("'general.architecture'"));
}

// Would catch: an index that still points at the old object after a copy, or at the old place after a replacement.
TEST(Metadata, KeepsOrderThroughReplacementAndCopy) {
    Metadata m;
    m.set("b", std::uint32_t{1});
    m.set("a", std::uint32_t{2});
    m.set("b", std::string("three"));
    const Metadata copy = m;
    m.set("a", std::uint32_t{9});
    ASSERT_EQ(copy.entries().size(), 2u);
    EXPECT_EQ(copy.entries()[0].key, "b");
    EXPECT_EQ(copy.string("b"), "three");
    EXPECT_EQ(copy.integer("a"), 2);
    EXPECT_EQ(m.integer("a"), 9);
}

TEST(Metadata, TypesHaveNames) {
    EXPECT_STREQ(name(ValueType::u8), "u8");
    EXPECT_STREQ(name(ValueType::array), "array");
    EXPECT_STREQ(name(ValueType::f64), "f64");
    EXPECT_STREQ(name(ValueType(13)), "unknown type");
    EXPECT_EQ(type_of(Value(std::int8_t{1})), ValueType::i8);
    EXPECT_EQ(type_of(Value(std::string("x"))), ValueType::string);
    EXPECT_EQ(type_of(Value(1.0)), ValueType::f64);
}

}  // namespace
}  // namespace quern::gguf
